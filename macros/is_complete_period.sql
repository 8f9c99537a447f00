{# True when the whole period lies before `as_of`. #}
{% macro is_complete_period(period_grain='period_grain', period_start='period_start') -%}
    {{ shift_period(1, period_grain, period_start) }} <= {{ as_of_on() }}
{%- endmacro %}

{# The three period columns of a date, by which `slices` groups. #}
{% macro period_columns(date) -%}
    {{ period_start_of('week', date) }} as week_start,
    {{ period_start_of('month', date) }} as month_start,
    {{ period_start_of('quarter', date) }} as quarter_start
{%- endmacro %}

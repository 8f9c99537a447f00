{# The calendar date of a UTC instant in the reporting time zone. #}
{% macro local_date(instant) -%}
    {%- if var('reporting_timezone') == 'UTC' -%}
        cast({{ instant }} as date)
    {%- else -%}
        cast({{ local_time(instant, var('reporting_timezone')) }} as date)
    {%- endif -%}
{%- endmacro %}

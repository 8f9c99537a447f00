{# The UTC instant at which a date begins in the reporting time zone; of a midnight that comes twice the later one. #}
{% macro midnight_of(date) -%}
    {%- if var('reporting_timezone') == 'UTC' -%}
        cast({{ date }} as timestamp)
    {%- else -%}
        {{ return(adapter.dispatch('midnight_of')(date, var('reporting_timezone'))) }}
    {%- endif -%}
{%- endmacro %}

{% macro default__midnight_of(date, time_zone) -%}
    (cast({{ date }} as timestamp) at time zone '{{ time_zone }}' at time zone 'UTC')
{%- endmacro %}

{# Spark takes the earlier of both: an hour later it is midnight once more. #}
{% macro spark__midnight_of(date, time_zone) -%}
    {%- set midnight = 'cast(' ~ date ~ ' as timestamp_ntz)' -%}
    {%- set first = "convert_timezone('" ~ time_zone ~ "', 'UTC', " ~ midnight ~ ')' -%}
    {%- set next = '(' ~ first ~ " + interval '1' hour)" -%}
    (case when {{ local_time(next, time_zone) }} = {{ midnight }} then {{ next }} else {{ first }} end)
{%- endmacro %}

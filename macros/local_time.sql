{# What a clock in `time_zone` shows at a UTC instant. Engines spell the shift differently. #}
{% macro local_time(instant, time_zone) -%}
    {{ return(adapter.dispatch('local_time')(instant, time_zone)) }}
{%- endmacro %}

{% macro default__local_time(instant, time_zone) -%}
    (({{ instant }}) at time zone 'UTC' at time zone '{{ time_zone }}')
{%- endmacro %}

{% macro spark__local_time(instant, time_zone) -%}
    convert_timezone('UTC', '{{ time_zone }}', cast({{ instant }} as timestamp_ntz))
{%- endmacro %}

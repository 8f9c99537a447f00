{# The UTC instant at which a date begins in the reporting time zone. #}
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

{% macro spark__midnight_of(date, time_zone) -%}
    convert_timezone('{{ time_zone }}', 'UTC', cast({{ date }} as timestamp_ntz))
{%- endmacro %}

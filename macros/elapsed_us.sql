{# Whole microseconds from one instant to another. Averages are taken over these integers, so that a sum
   never depends on the order in which an engine adds up. #}
{% macro elapsed_us(start, end) -%}
    {{ return(adapter.dispatch('elapsed_us')(start, end)) }}
{%- endmacro %}

{% macro default__elapsed_us(start, end) -%}
    (epoch_us({{ end }}) - epoch_us({{ start }}))
{%- endmacro %}

{% macro spark__elapsed_us(start, end) -%}
    (unix_micros(cast({{ end }} as timestamp_ltz)) - unix_micros(cast({{ start }} as timestamp_ltz)))
{%- endmacro %}

{# Microseconds as minutes: exact elapsed seconds / 60. #}
{% macro in_minutes(microseconds) -%}
    (cast({{ microseconds }} as double) / 60000000.0)
{%- endmacro %}

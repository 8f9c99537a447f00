{# Microseconds as days: exact elapsed seconds / 86 400. #}
{% macro in_days(microseconds) -%}
    (cast({{ microseconds }} as double) / 86400000000.0)
{%- endmacro %}

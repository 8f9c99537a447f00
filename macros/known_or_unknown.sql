{# A missing attribute is null in facts and 'unknown' in marts. #}
{% macro known_or_unknown(column) -%}
    coalesce({{ column }}, 'unknown')
{%- endmacro %}

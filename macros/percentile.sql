{# Percentile with linear interpolation; null over nothing. #}
{% macro percentile(column, fraction, where=none) -%}
    percentile_cont({{ fraction }}) within group (order by {{ column }})
    {%- if where %} filter (where {{ where }}){% endif -%}
{%- endmacro %}

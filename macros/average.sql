{# Average of an exact column (integer or decimal): the exact sum divided once, null over nothing.
   `avg` of doubles would depend on the order in which an engine adds up. #}
{% macro average(column, where=none) -%}
    {%- set filter = ' filter (where ' ~ where ~ ')' if where else '' -%}
    (cast(sum({{ column }}){{ filter }} as double) / nullif(count({{ column }}){{ filter }}, 0))
{%- endmacro %}

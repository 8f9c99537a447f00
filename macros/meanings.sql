{# What a source's values of a field mean in the contract, as the seed source_values says: source_value, meaning. #}
{% macro meanings(source_system, field) -%}
    select
        source_value,
        meaning
    from {{ ref('source_values') }}
    where
        source_system = '{{ source_system }}'
        and field = '{{ field }}'
{%- endmacro %}

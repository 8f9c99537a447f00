{# What the adapters that are on could not pass on: the rows of their models stg_<source>__unmapped_values. #}
{% macro staged_unmapped_values() -%}
    {%- set giving = [] -%}
    {%- for name in var('crm_sources') if 'unmapped_values' in source_tables().get(name, []) -%}
        {%- do giving.append(name) -%}
    {%- endfor -%}
    {%- for name in giving %}
    select
        '{{ name }}' as source_system,
        table_name,
        column_name,
        value,
        rows,
        counts_as
    from {{ ref('stg_' ~ name ~ '__unmapped_values') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- else %}
    select
        cast(null as string) as source_system,
        cast(null as string) as table_name,
        cast(null as string) as column_name,
        cast(null as string) as value,
        cast(null as bigint) as rows,
        cast(null as string) as counts_as
    where false
    {%- endfor %}
{%- endmacro %}

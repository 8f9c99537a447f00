{# The CTEs that end a stg_<source>__unmapped_values: of the rows of `found` (field, table_name, column_name, value,
   counts_as) those values that the seed source_values does not explain, and how often they come. #}
{% macro unexplained_values(source_system) -%}
explained as (
    select
        field,
        source_value
    from {{ ref('source_values') }}
    where source_system = '{{ source_system }}'
),

final as (
    select
        found.table_name,
        found.column_name,
        found.value,
        found.counts_as,
        count(*) as rows
    from found
    left join explained
        on
            found.field = explained.field
            and found.value = explained.source_value
    where explained.field is null
    group by
        found.table_name,
        found.column_name,
        found.value,
        found.counts_as
)
{%- endmacro %}

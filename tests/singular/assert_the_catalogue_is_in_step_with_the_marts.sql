{# Every KPI mart has its row in the catalogue, every row its mart, and every column that a row names exists there. #}
{% set kpi_columns = {} %}
{% for node in graph.nodes.values() if node.resource_type == 'model' and node.name.startswith('kpi_') %}
    {%- if node.name != 'kpi_scorecard' -%}
        {%- do kpi_columns.update({node.name: node.columns.keys() | list}) -%}
    {%- endif -%}
{% endfor %}

with mart_columns as (
    select
        listed.kpi_id,
        listed.column_name
    from (
        values
        {%- for mart, columns in kpi_columns.items() %}
        {%- set mart_loop = loop %}
        {%- for column in columns %}
        ('{{ mart }}', '{{ column }}'){{ ',' if not (loop.last and mart_loop.last) }}
        {%- endfor %}
        {%- else %}
        ('', '')
        {%- endfor %}
    ) as listed (kpi_id, column_name)
    where listed.kpi_id <> ''
),

named_columns as (
    select kpi_id, headline_column as column_name from {{ ref('kpi_catalogue') }}
    union all
    select kpi_id, numerator_column from {{ ref('kpi_catalogue') }}
    union all
    select kpi_id, denominator_column from {{ ref('kpi_catalogue') }}
),

marts as (
    select distinct kpi_id from mart_columns
)

select
    marts.kpi_id,
    'has no row in the catalogue' as problem
from marts
left join {{ ref('kpi_catalogue') }} as catalogue
    on marts.kpi_id = catalogue.kpi_id
where catalogue.kpi_id is null
union all
select
    catalogue.kpi_id,
    'is in the catalogue and has no mart' as problem
from {{ ref('kpi_catalogue') }} as catalogue
left join marts
    on catalogue.kpi_id = marts.kpi_id
where marts.kpi_id is null
union all
select
    named_columns.kpi_id,
    'has no column ' || named_columns.column_name as problem
from named_columns
left join mart_columns
    on
        named_columns.kpi_id = mart_columns.kpi_id
        and named_columns.column_name = mart_columns.column_name
where
    named_columns.column_name is not null
    and mart_columns.kpi_id is null

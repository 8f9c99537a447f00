{# Tell Spark of the landed tables in the lake: called by `warehouse` after the files were written. `tables` names them as
   {name, schema, columns: [{name, data_type}], partitioned_by: [], rows}. A table is declared anew each time; its files
   stay. #}
{% macro register_landed(tables) -%}
    {%- for schema in tables | map(attribute='schema') | unique -%}
        {%- do run_query('create schema if not exists ' ~ schema) -%}
    {%- endfor -%}
    {%- for table in tables -%}
        {%- set relation = api.Relation.create(schema=table.schema, identifier=table.name, type='table') -%}
        {%- set columns = [] -%}
        {%- for column in table.columns -%}
            {%- do columns.append({'name': column.name, 'data_type': type_name(column.data_type)}) -%}
        {%- endfor -%}
        {%- do run_query('drop table if exists ' ~ relation) -%}
        {%- do run_query(create_on_spark(relation, columns, table.partitioned_by)) -%}
        {#- Kept by month, a table without rows has no directory to look into. -#}
        {%- if table.partitioned_by and table.rows -%}
            {%- do run_query('msck repair table ' ~ relation) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

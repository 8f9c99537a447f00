{# The rows of a source table with every column that its yml declares, in the declared type. A table that is not
   there counts as empty, a column that is not there as null, so one adapter serves every customer's export. Names are
   compared without case and underscores (StageName is stage_name); a value that its type cannot hold becomes null. #}
{% macro source_rows(source_name, table) -%}
    {%- set relation = source(source_name, table) -%}
    {%- if not execute -%}
        {{ return(relation) }}
    {%- endif -%}
    {%- set declared = graph.sources['source.' ~ project_name ~ '.' ~ source_name ~ '.' ~ table].columns -%}
    {%- set found = {} -%}
    {#- An equal name goes before one that only compares equal: Tryton's __id is not its id. -#}
    {%- set same = {} -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do found.update({column.name | lower | replace('_', ''): column}) -%}
        {%- do same.update({column.name | lower: column}) -%}
    {%- endfor -%}
    {%- set selected = [] -%}
    {%- for column in declared.values() -%}
        {%- set name = adapter.quote(column.name) -%}
        {%- set there = same.get(column.name | lower) or found.get(column.name | lower | replace('_', '')) -%}
        {%- if there -%}
            {%- set value = cast_source_value(adapter.quote(there.name), there.dtype | lower, column.data_type) -%}
        {%- else -%}
            {%- set value = 'cast(null as ' ~ column.data_type ~ ')' -%}
        {%- endif -%}
        {%- do selected.append(value ~ ' as ' ~ name) -%}
    {%- endfor -%}
    (
        select
            {{ selected | join(',\n            ') }}
        {%- if found %}
        from {{ relation }}
        {%- else %}
        where false
        {%- endif %}
    ) as {{ adapter.quote(table) }}
{%- endmacro %}

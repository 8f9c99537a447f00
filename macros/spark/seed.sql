{# Seeds on Spark: a table of the lake like any other (see table.sql), emptied before its rows are inserted. #}
{% macro spark__create_csv_table(model, agate_table) %}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set columns = [] -%}
    {%- for name in agate_table.column_names -%}
        {%- set described = model.columns.get(name, {}) -%}
        {%- do columns.append({
            'name': name,
            'data_type': types.get(name, adapter.convert_type(agate_table, loop.index0)),
            'description': described.get('description') if config.persist_column_docs() else none,
        }) -%}
    {%- endfor -%}
    {%- set declared = create_on_spark(this, columns) -%}
    {%- do run_query(declared) -%}
    {%- set nothing -%}
        insert overwrite table {{ this }}
        select
            {%- for column in columns %}
            cast(null as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
            {%- endfor %}
        where false
    {%- endset -%}
    {%- do run_query(nothing) -%}
    {{ return(declared) }}
{% endmacro %}

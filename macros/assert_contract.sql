{# What dbt's get_assert_columns_equivalent proves, in one question to the database instead of two: only columns that
   are not spelt as DuckDB spells them are left to that macro, which then says what differs. #}
{% macro assert_contract(sql) %}
    {%- set found = {} -%}
    {%- for column in get_column_schema_from_query(sql, config.get('sql_header', none)) -%}
        {%- do found.update({column.name: column.dtype | upper}) -%}
    {%- endfor -%}
    {%- set declared = {} -%}
    {%- for column in model.columns.values() -%}
        {%- do declared.update({column.name: column.data_type | upper}) -%}
    {%- endfor -%}
    {%- if found != declared -%}
        {{- get_assert_columns_equivalent(sql) -}}
    {%- endif -%}
{% endmacro %}

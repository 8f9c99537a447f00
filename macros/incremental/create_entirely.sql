{# The statement that makes a table with all of its rows; see table.sql. #}
{% macro create_entirely(relation, sql) %}
    create or replace table {{ relation }}
    {%- if config.get('contract').enforced %}
    {{ assert_contract(sql) }}
    {{ get_table_columns_and_constraints() }};
    insert into {{ relation }} {{ get_column_names() }} (
        {{ get_select_subquery(sql) }}
    )
    {%- else %} as (
        {{ sql }}
    )
    {%- endif %};
{% endmacro %}

{# The statement that makes a table with all of its rows; see table.sql. #}
{% macro create_entirely(relation, sql) %}
    {%- if config.get('contract').enforced %}
    {{ create_empty(relation, sql) }}
    insert into {{ relation }} {{ get_column_names() }} (
        {{ get_select_subquery(sql) }}
    );
    {%- else %}
    create or replace table {{ relation }} as (
        {{ sql }}
    );
    {%- endif %}
{% endmacro %}

{# The statement that makes a table of the columns of a query, without its rows. #}
{% macro create_empty(relation, sql) %}
    {%- if config.get('contract').enforced %}
    {{ assert_contract(sql) }}
    create or replace table {{ relation }}
    {{ get_table_columns_and_constraints() }};
    {%- else %}
    create or replace table {{ relation }} as (
        {{ sql }}
    ) with no data;
    {%- endif %}
{% endmacro %}

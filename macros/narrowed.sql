{# A relation that a `by_period` model reads several times, called with its query: `( ... ) as name`.
       {% raw %}{% set visits %}{% call narrowed('visits', ['stage'], order_by='entered_on') %} select ... {% endcall %}{% endset %}{% endraw %}
   A build of a large company runs it once per batch of periods, on DuckDB, into a temporary table with the texts in `columns`
   as enumerations: texts of a few values are then grouped as numbers. In the order of `order_by` the rows of one group lie
   close together. Read by itself, on Spark and in a small company it is the query. #}
{% macro narrowed(name, columns, order_by='') -%}
    /* narrowed | {{ name }} | {{ columns | join(', ') }} | {{ order_by }} */ (
        {{ caller() }}
    ) /* end of {{ name }} */ as {{ name }}
{%- endmacro %}

{% macro narrowed_pattern() -%}
    {{ return('(?s)/\\* narrowed \\| (\\w+) \\| (.*?) \\| (.*?) ?\\*/ (\\(.*?\\)) /\\* end of \\1 \\*/') }}
{%- endmacro %}

{% macro is_narrowed(sql) -%}
    {{ return(modules.re.search(narrowed_pattern(), sql) is not none) }}
{%- endmacro %}

{# The statements that make the temporary tables which `reading_narrowed` reads. #}
{% macro narrow(sql) -%}
    {%- for name, columns, order_by, query in modules.re.findall(narrowed_pattern(), sql) | unique %}
    create or replace temp view wide_{{ name }} as
    select * from {{ query }} as every;
    create or replace temp table values_of_{{ name }} as
    select
        {%- for column in columns.split(', ') %}
        list(distinct {{ column }}) filter (where {{ column }} is not null) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from wide_{{ name }};
    {%- for column in columns.split(', ') %}
    create or replace type {{ narrowed_type(name, column) }} as enum (
        select unnest({{ column }}) from values_of_{{ name }}
    );
    {%- endfor %}
    create or replace temp table narrowed_{{ name }} as
    select
        * replace (
            {%- for column in columns.split(', ') %}
            cast({{ column }} as {{ narrowed_type(name, column) }}) as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    from wide_{{ name }}
    {%- if order_by %}
    order by {{ order_by }}
    {%- endif %};
    {%- endfor %}
{%- endmacro %}

{# The same query, from these tables. #}
{% macro reading_narrowed(sql) -%}
    {{ return(modules.re.sub(narrowed_pattern(), 'narrowed_\\1', sql)) }}
{%- endmacro %}

{# The statements that drop these tables and their types. #}
{% macro drop_narrowed(sql) -%}
    {%- for name, columns, order_by, query in modules.re.findall(narrowed_pattern(), sql) | unique %}
    drop table narrowed_{{ name }};
    drop table values_of_{{ name }};
    drop view wide_{{ name }};
    {%- for column in columns.split(', ') %}
    drop type {{ narrowed_type(name, column) }};
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}

{% macro narrowed_type(name, column) -%}
    {{ return('ops.' ~ this.identifier ~ '__' ~ name ~ '__' ~ column) }}
{%- endmacro %}

{# In the view that a `summed` model adds up: the rows of a `keyed` table with `change`, how often a row counts: once. The
   view's sister `<view>__changes` reads instead what the last build of that table replaced: with -1 the rows that went,
   with 1 those that came. Sums of `change`, and of what it multiplies, are then by how much every sum has changed. #}
{% macro rows_of(relation) -%}
    (/* rows of | {{ relation }} */ select *, 1 as change from {{ relation }})
{%- endmacro %}

{# The statement that makes the sister of a view that has `rows_of`; nothing for any other view. #}
{% macro create_changes_view(relation, sql) -%}
    {%- set pattern = '\\(/\\* rows of \\| (.*?) \\*/ select \\*, 1 as change from .*?\\)' -%}
    {%- for name in modules.re.findall(pattern, sql) | unique %}
    create or replace view {{ changes_of(relation) }} as (
        {{ modules.re.sub(pattern, name[:-1] ~ '__changes"', sql) }}
    );
    {%- endfor %}
{%- endmacro %}

{# Where the changes of a `keyed` table with `log_changes`, or of a view on one, are found. #}
{% macro changes_of(relation) -%}
    {{ return(api.Relation.create(database=relation.database, schema=relation.schema, identifier=relation.identifier ~ '__changes')) }}
{%- endmacro %}

{# The statement of a `keyed` table that keeps which rows its build replaces; rows that stay the same are none. #}
{% macro keep_changes(relation, key) -%}
    create or replace table {{ changes_of(relation) }} as
    with last_rows as (
        select * from {{ relation }} where {{ key }} in (select {{ key }} from touched_keys)
    ),

    gone as (
        select * from last_rows
        except all
        select * from fresh_rows
    ),

    come as (
        select * from fresh_rows
        except all
        select * from last_rows
    )

    select
        *,
        -1 as change
    from gone
    union all
    select
        *,
        1 as change
    from come;
{%- endmacro %}

{# The same where all rows were made anew: their changes are not known, and the versions say so. #}
{% macro keep_no_changes(relation) -%}
    create or replace table {{ changes_of(relation) }} as
    select
        *,
        1 as change
    from {{ relation }}
    where false;
{%- endmacro %}

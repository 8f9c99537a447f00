{# In a `keyed` model: the condition that keeps a build to the rows of touched keys. Read by itself it is true, so that
   `dbt show` and unit tests see all rows. #}
{% macro only_touched(column) -%}
    /* only touched | {{ column }} */ true
{%- endmacro %}

{# Find the touched keys of the model that is being built; says why when they are too many to be worth it. #}
{% macro find_touched_keys() -%}
    {%- set key = config.require('key') -%}
    {%- set name = recorded_name(this) -%}
    {%- set query %}
        create or replace temp table new_loads as
        select
            load_id,
            loaded_at
        from ops.loads
        where rowid > (select last_load from ops.table_states where relation = '{{ name }}')
    {% endset -%}
    {%- do run_query(query) -%}
    {#- Time may have gone back: what lies between both instants comes or goes. -#}
    {%- set query %}
        create or replace temp table as_of_window as
        select
            least(as_of, {{ as_of() }}) as begins_at,
            greatest(as_of, {{ as_of() }}) as ends_at,
            least({{ local_date('as_of') }}, {{ as_of_on() }}) as begins_on,
            greatest({{ local_date('as_of') }}, {{ as_of_on() }}) as ends_on
        from ops.table_states
        where relation = '{{ name }}'
    {% endset -%}
    {%- do run_query(query) -%}
    {%- set query %}
        create or replace temp table touched_keys as
        select distinct {{ key }}
        from (
            {{ context[config.require('touched')]() }}
        ) as touched
        where {{ key }} is not null
    {% endset -%}
    {%- do run_query(query) -%}
    {%- set query %}
        select
            (select count(*) from touched_keys) as touched,
            (select approx_count_distinct({{ key }}) from {{ this }}) as all_keys
    {% endset -%}
    {%- set counted = run_query(query).rows[0] -%}
    {%- if counted['touched'] > counted['all_keys'] * var('incremental_up_to') | float -%}
        {{ return('most of it may have changed') }}
    {%- endif -%}
{%- endmacro %}

{# The statements that replace the rows of the touched keys and let the others age. #}
{% macro replace_touched_keys(relation, sql) -%}
    {%- set key = config.require('key') -%}
    {%- set kept = modules.re.sub(
        '/\\* only touched \\| (.*?) \\*/ true', '(\\1 in (select ' ~ key ~ ' from touched_keys))', sql
    ) -%}
    create or replace temp table fresh_rows as (
        {{ kept }}
    );
    {%- if config.get('log_changes') %}
    {{ keep_changes(relation, key) }}
    {%- endif %}
    delete from {{ relation }} where {{ key }} in (select {{ key }} from touched_keys);
    {%- for column, since in config.get('aging', {}).items() %}
    update {{ relation }} set {{ column }} = {{ in_days(elapsed_us(since[0], as_of())) }} where {{ since[1] }};
    {%- endfor %}
    insert into {{ relation }} by name
    select * from fresh_rows;
    drop table fresh_rows;
{%- endmacro %}

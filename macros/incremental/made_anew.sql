{# The statements that note which keys or periods a build made anew, so that the tests of the same run read these rows. #}
{% macro note_made_anew(by_period) -%}
    {%- set name = recorded_name(this) -%}
    delete from ops.made_anew where relation = '{{ name }}';
    insert into ops.made_anew
    {%- if by_period %}
    select
        '{{ name }}' as relation,
        'period_grain, period_start' as key_columns,
        concat_ws(' ', period_grain, period_start) as key_value
    from changed_periods;
    {%- else %}
    select
        '{{ name }}' as relation,
        '{{ config.require('key') }}' as key_columns,
        {{ config.require('key') }} as key_value
    from touched_keys;
    {%- endif %}
{%- endmacro %}

{# The condition on the rows of a relation that this run made anew: what a test of a row has to read. The other rows have
   passed it when they were made. True for all rows, unless the relation was built in this run from what changed. #}
{% macro made_anew(relation) -%}
    {{ return(adapter.dispatch('made_anew')(relation)) }}
{%- endmacro %}

{# On Spark a test reads every row. #}
{% macro spark__made_anew(relation) -%}
    {{ return('true') }}
{%- endmacro %}

{% macro default__made_anew(relation) -%}
    {%- if not execute -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set name = recorded_name(relation) -%}
    {%- set query %}
        select coalesce(any_value(made_anew.key_columns), 'none') as key_columns
        from ops.table_states as states
        left join ops.made_anew as made_anew
            on states.relation = made_anew.relation
        where
            states.relation = '{{ name }}'
            and states.built = 'what changed'
            and states.run_id = '{{ var("run_id") or invocation_id }}'
        having count(*) > 0
    {% endset -%}
    {%- set found = run_query(query).rows -%}
    {%- if not found -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set columns = found[0]['key_columns'] -%}
    {%- if columns == 'none' -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set value = "concat_ws(' ', " ~ columns ~ ")" if ',' in columns else columns -%}
    {{ return(value ~ " in (select key_value from ops.made_anew where relation = '" ~ name ~ "')") }}
{%- endmacro %}

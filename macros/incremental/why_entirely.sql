{# Why all rows of this model have to be made anew, in words; nothing when the last build can be continued. #}
{% macro why_entirely(own, existing) -%}
    {%- set is_keyed = config.get('incremental_strategy') == 'keyed' -%}
    {%- if existing is none -%}
        {{ return('it was not there') }}
    {%- elif flags.FULL_REFRESH -%}
        {{ return('--full-refresh') }}
    {%- elif is_keyed and var('crm_sources') != ['landing'] -%}
        {{ return('changed keys are known for the landing contract alone') }}
    {%- endif -%}
    {%- set query %}
        with now_read as (
            {{ definitions_read() }}
        )

        select
            kept.relation is null as is_unknown,
            kept.own_definition <> '{{ own }}' as is_other,
            kept.last_load is null as has_no_load,
            kept.why is not distinct from 'small' as was_small,
            array_to_string(
                list_filter(
                    list_distinct(list_concat(map_keys(now_read.reads), map_keys(kept.reads))),
                    lambda name: now_read.reads[name] is distinct from kept.reads[name]
                ),
                ', '
            ) as others_read
        from now_read
        left join ops.table_states as kept
            on kept.relation = '{{ recorded_name(this) }}'
    {% endset -%}
    {%- set found = run_query(query).rows[0] -%}
    {%- if found['is_unknown'] -%}
        {{ return('its last build is not on record') }}
    {%- elif found['is_other'] -%}
        {{ return('its definition changed') }}
    {%- elif found['others_read'] -%}
        {{ return('the definition of ' ~ found['others_read'] ~ ' changed') }}
    {%- elif found['was_small'] and not is_keyed -%}
        {{ return('the company has grown') }}
    {%- elif config.get('incremental_strategy') == 'summed' -%}
        {{ return(why_changes_are_unknown()) }}
    {%- elif is_keyed and found['has_no_load'] -%}
        {{ return('its last load is not on record') }}
    {%- endif -%}
{%- endmacro %}

{# Whether the company is so small that making everything anew costs less than finding out what changed. #}
{% macro is_small() -%}
    {{ return(adapter.dispatch('is_small')()) }}
{%- endmacro %}

{# Counting them would cost Spark more than a small model: `warehouse` says how many there are (var `landed_rows`). #}
{% macro spark__is_small() -%}
    {%- set landed_rows = var('landed_rows', none) -%}
    {{ return(landed_rows is not none and landed_rows | int < var('incremental_from_rows') | int) }}
{%- endmacro %}

{% macro default__is_small() -%}
    {%- set query %}
        select coalesce(sum(estimated_size), 0) < {{ var('incremental_from_rows') | int }} as is_small
        from duckdb_tables()
        where
            schema_name like 'raw_%'
            and database_name = current_database()
    {% endset -%}
    {{ return(run_query(query).rows[0]['is_small']) }}
{%- endmacro %}

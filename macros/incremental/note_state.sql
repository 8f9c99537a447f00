{# The statement that notes how the relation of this model was built: what a later build compares itself with. In one
   transaction with the rows, so that a killed build leaves either both or neither. `own` is the model's own_definition. #}
{% macro note_state(own, built, why=none) -%}
    {%- set last_load = '(select max(rowid) from ops.loads)' if config.get('incremental_strategy') == 'keyed' and has_loads() else 'null' -%}
    insert or replace into ops.table_states
    with now_read as (
        {{ definitions_read() }}
    )

    select
        '{{ recorded_name(this) }}' as relation,
        md5(concat_ws(' ', '{{ own }}', array_to_string(map_values(reads), ' '))) as definition,
        '{{ own }}' as own_definition,
        reads,
        {{ as_of() }} as as_of,
        {{ last_load }} as last_load,
        1 + coalesce((select max(last.version) from ops.table_states as last where last.relation = '{{ recorded_name(this) }}'), 0)
            as version,
        {%- if config.get('incremental_strategy') == 'summed' %}
        (select summed.version from ops.table_states as summed where summed.relation = '{{ name_added_up() }}') as summed_version,
        {%- else %}
        null as summed_version,
        {%- endif %}
        '{{ built }}' as built,
        {{ "'" ~ (why | replace("'", "''")) ~ "'" if why else 'null' }} as why,
        '{{ var("run_id") or invocation_id }}' as run_id,
        {{ built_at() }} as built_at
    from now_read;
{%- endmacro %}

{# Whether anything was ever landed by the warehouse's own landing: tests may put rows there themselves. #}
{% macro has_loads() -%}
    {{ return(run_query("select 1 from duckdb_tables() where schema_name = 'ops' and table_name = 'loads'").rows | length > 0) }}
{%- endmacro %}

{# The tables in which builds note what they made of which definition (`note_state`), and of which rows (`keep_checksums`);
   a hook at the start of every run. Which is also where DuckDB is told how many cores it may use. #}
{% macro keep_states() %}
    {{ return(adapter.dispatch('keep_states')()) }}
{% endmacro %}

{# On Spark a state lies with its table (macros/spark/incremental.sql). #}
{% macro spark__keep_states() %}
    create schema if not exists ops
{% endmacro %}

{% macro default__keep_states() %}
    {%- if var('cores', none) %}
    set threads = {{ var('cores') | int }};
    {%- endif %}
    create schema if not exists ops;
    create table if not exists ops.table_states (
        relation varchar primary key,
        definition varchar not null,
        own_definition varchar not null,
        reads map(varchar, varchar),
        as_of timestamp not null,
        last_load bigint,
        version bigint not null,
        summed_version bigint,
        built varchar not null,
        why varchar,
        run_id varchar not null,
        built_at timestamp not null
    );
    create table if not exists ops.period_checksums (
        relation varchar not null,
        input varchar not null,
        happened_on date,
        checksum hugeint not null
    );
    create table if not exists ops.made_anew (
        relation varchar not null,
        key_columns varchar not null,
        key_value varchar not null
    );
{% endmacro %}

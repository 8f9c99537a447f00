{# The tables of macros/incremental/incremental.sql on Spark. A `by_period` model is kept in one partition per quarter of
   period_start, and a build overwrites the quarters in which anything that it reads has changed: checksums per day tell,
   as they do on DuckDB. What they were lies in `_state` inside the table's directory, so that whatever overwrites the
   table as a whole takes them along. Parquet has no transaction: before a partition is touched `_state` says that the
   table is being made, and a build that finds it so makes all of it.
   `keyed` and `summed` models are made whole, for Parquet cannot replace some rows (docs/scaling.md), and so is everything
   while the company is small. #}
{% materialization incremental, adapter='spark' %}
    {%- if config.require('incremental_strategy') != 'by_period' or is_small() -%}
        {{ return(materialization_table_spark()) }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- set fresh = beside('fresh') -%}
    {%- set kept = beside('kept') -%}
    {%- set own = own_definition(sql) -%}
    {%- do run_query('drop table if exists ' ~ fresh) -%}
    {%- do run_query(create_on_spark(fresh, []) ~ ' as ' ~ fresh_state(sql, own)) -%}
    {%- do run_query('drop table if exists ' ~ kept) -%}
    {%- do run_query(create_kept_state(kept)) -%}
    {%- set changed = changed_quarters(fresh, kept, own) -%}
    {%- if changed.why -%}
        {#- A model of the same session may have broken before it took this back. -#}
        {%- do overwrite_partitions('static') -%}
        {%- do run_query('drop table if exists ' ~ target_relation) -%}
        {% call statement('main') -%}
            {{ create_by_quarter(target_relation, sql) }}
        {%- endcall %}
    {%- else -%}
        {%- set made = beside('made') -%}
        {%- do run_query('drop table if exists ' ~ made) -%}
        {% call statement('main') -%}
            {{ create_on_spark(made, []) }} as
            {{ of_quarters(sql, changed.quarters) }}
        {%- endcall %}
        {%- do overwrite_quarters(target_relation, made, fresh, kept, changed.quarters) -%}
        {%- do run_query('drop table ' ~ made) -%}
    {%- endif -%}
    {%- do run_query(keep_state(kept, fresh, 'entirely' if changed.why else 'what changed', changed.why)) -%}
    {%- do run_query('drop table ' ~ fresh) -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# A table that the model which is being built needs for itself. #}
{% macro beside(what) -%}
    {{ return(api.Relation.create(schema='ops', identifier=this.schema ~ '__' ~ this.identifier ~ '__' ~ what, type='table')) }}
{%- endmacro %}

{# The quarter of a row of a mart of periods, by which it is kept. #}
{% macro quarter_kept_by() -%}
    {{ period_start_of('quarter', 'period_start') }}
{%- endmacro %}

{# Spark's hashes leave out nulls, so that one in another column would go unseen. #}
{% macro spark__sum_of_hashes(relation, columns) -%}
    {%- set names = columns.split(', ') -%}
    {%- if columns == '*' -%}
        {%- set schema, name = (relation | string | replace('`', '')).split('.') -%}
        {%- set names = adapter.get_columns_in_relation(api.Relation.create(schema=schema, identifier=name)) | map(attribute='name') -%}
    {%- endif -%}
    {%- set hashed = [] -%}
    {%- for column in names -%}
        {%- do hashed.append(column ~ ', isnull(' ~ column ~ ')') -%}
    {%- endfor -%}
    sum(cast(xxhash64({{ hashed | join(', ') }}) as decimal(20, 0)))
{%- endmacro %}

{# The query for what the next build compares itself with. Of the calendar the days and periods are compared too: definitions
   of other models are not on record here, and their rows tell. #}
{% macro fresh_state(sql, own) -%}
    select /*+ coalesce(1) */
        read.*,
        '{{ recorded_name(this) }}' as relation,
        '{{ own }}' as definition,
        {{ as_of() }} as as_of
    from (
        {{ checksums_of(sql, calendar={'int_days': 'date_day', 'int_periods': 'period_start'}) }}
        union all
        select
            'nothing' as input,
            cast(null as date) as happened_on,
            0 as checksum,
            0 as row_count
    ) as read
{%- endmacro %}

{# The statement that declares where it was kept; empty if it never was. #}
{% macro create_kept_state(kept) -%}
    create table {{ kept }} (
        input string,
        happened_on date,
        checksum decimal(38, 0),
        row_count bigint,
        relation string,
        definition string,
        as_of timestamp_ntz,
        built string,
        why string,
        run_id string
    )
    using parquet
    location '{{ lake_location(this) }}/_state'
{%- endmacro %}

{# The statement that keeps it: `built` is `entirely`, `what changed`, or `unfinished` while the table is being made. #}
{% macro keep_state(kept, fresh, built, why) -%}
    insert overwrite table {{ kept }} by name
    select /*+ coalesce(1) */
        *,
        '{{ built }}' as built,
        {{ "'" ~ spark_text(why) ~ "'" if why else 'cast(null as string)' }} as why,
        '{{ var("run_id") or invocation_id }}' as run_id
    from {{ fresh }}
{%- endmacro %}

{# The quarters to make anew, as dates, or why it has to be all of them: {quarters, why}. #}
{% macro changed_quarters(fresh, kept, own) -%}
    {%- set query %}
        select
            max(definition) as definition,
            coalesce(max(built), '') as built
        from {{ kept }}
    {% endset -%}
    {%- set last = run_query(query).rows[0] -%}
    {%- if flags.FULL_REFRESH -%}
        {{ return({'quarters': [], 'why': '--full-refresh'}) }}
    {%- elif last['definition'] is none -%}
        {{ return({'quarters': [], 'why': 'it was not there'}) }}
    {%- elif last['built'] == 'unfinished' -%}
        {{ return({'quarters': [], 'why': 'its last build did not end'}) }}
    {%- elif last['definition'] != own -%}
        {{ return({'quarters': [], 'why': 'its definition changed'}) }}
    {%- endif -%}
    {%- set query %}
        with changed as (
            select
                coalesce(fresh.input, kept.input) as input,
                coalesce(fresh.happened_on, kept.happened_on) as happened_on
            from {{ fresh }} as fresh
            full join {{ kept }} as kept
                on
                    fresh.input = kept.input
                    and fresh.happened_on is not distinct from kept.happened_on
            where
                fresh.checksum is distinct from kept.checksum
                or fresh.row_count is distinct from kept.row_count
        )

        select distinct
            cast(null as string) as input,
            cast({{ quarter_kept_by() }} as string) as quarter_start
        from (
            {{ periods_touched('changed', '(select max(as_of) as as_of from ' ~ kept ~ ')') }}
        ) as touched
        union all
        select distinct
            input,
            cast(null as string) as quarter_start
        from changed
        where happened_on is null
        order by 1, 2
    {% endset -%}
    {%- set found = run_query(query).rows -%}
    {%- set whole = found | map(attribute='input') | select | list -%}
    {{ return({
        'quarters': found | map(attribute='quarter_start') | select | list,
        'why': whole | join(', ') ~ ' changed' if whole else none,
    }) }}
{%- endmacro %}

{# The statements that make a table with the rows of all quarters: one of two, where a contract gives the columns. #}
{% macro create_by_quarter(relation, sql) -%}
    {%- set query %}
        select
            made.*,
            {{ quarter_kept_by() }} as _quarter
        from (
            {{ sql }}
        ) as made
        distribute by _quarter
    {% endset -%}
    {%- if config.get('contract').enforced -%}
        {%- do run_query(create_on_spark(relation, declared_columns() + [quarter_column()], ['_quarter'])) -%}
        insert overwrite table {{ relation }} by name
        {{ query }}
    {%- else -%}
        {{ create_on_spark(relation, [], ['_quarter']) }} as
        {{ query }}
    {%- endif -%}
{%- endmacro %}

{% macro quarter_column() -%}
    {{ return({'name': '_quarter', 'data_type': 'date'}) }}
{%- endmacro %}

{# The query for the rows of some quarters. Dates as text, so that Spark reads no more of a Parquet file than it has to. #}
{% macro of_quarters(sql, quarters) -%}
    {%- set to_read = [] -%}
    {%- set to_make = [] -%}
    {%- set looks_back = config.get('looks_back', 0) -%}
    {%- for quarter in quarters -%}
        {%- set first = "date '" ~ quarter ~ "'" -%}
        {%- set next = first ~ ' + interval 3 month' -%}
        {#- Its last week ends in the next quarter. -#}
        {%- do to_read.append(
            '\\2 >= ' ~ first ~ ' - interval ' ~ 3 * looks_back ~ ' month and \\2 < ' ~ next ~ ' + interval 6 day'
        ) -%}
        {%- do to_make.append('\\1_start >= ' ~ first ~ ' and \\1_start < ' ~ next) -%}
    {%- endfor -%}
    {%- set kept = modules.re.sub(changed_periods_pattern(), '((' ~ (to_read or ['false']) | join(') or (') ~ '))', sql) -%}
    {%- set kept = modules.re.sub(only_changed_pattern(), '((' ~ (to_make or ['false']) | join(') or (') ~ '))', kept) %}
        select
            made.*,
            {{ quarter_kept_by() }} as _quarter
        from (
            {{ kept }}
        ) as made
        where {{ quarter_kept_by() }} in (
            {%- for quarter in quarters %}date '{{ quarter }}'{{ ', ' if not loop.last }}{% else %}null{% endfor -%}
        )
{%- endmacro %}

{# Put the rows that were made in place of those of their quarters, and empty the quarters that have none any more. #}
{% macro overwrite_quarters(relation, made, fresh, kept, quarters) -%}
    {%- if config.get('contract').enforced -%}
        {%- set columns = declared_columns() + [quarter_column()] -%}
    {%- else -%}
        {%- set columns = [] -%}
        {%- for column in adapter.get_columns_in_relation(made) -%}
            {%- do columns.append({'name': column.name, 'data_type': column.dtype}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- do run_query('drop table if exists ' ~ relation) -%}
    {%- do run_query(create_on_spark(relation, columns, ['_quarter'])) -%}
    {%- do run_query('msck repair table ' ~ relation) -%}
    {%- if not quarters -%}
        {{ return('') }}
    {%- endif -%}
    {%- set held = [] -%}
    {%- for row in run_query('show partitions ' ~ relation).rows -%}
        {%- do held.append(row[0].split('=')[1]) -%}
    {%- endfor -%}
    {%- set come = run_query('select distinct cast(_quarter as string) as _quarter from ' ~ made).columns[0].values() -%}
    {%- do run_query(keep_state(kept, fresh, 'unfinished', none)) -%}
    {%- do overwrite_partitions('dynamic') -%}
    {%- do run_query('insert overwrite table ' ~ relation ~ ' by name select * from ' ~ made ~ ' distribute by _quarter') -%}
    {%- do overwrite_partitions('static') -%}
    {%- for quarter in quarters if quarter in held and quarter not in come -%}
        {%- set nothing %}
        insert overwrite table {{ relation }} partition (_quarter = date '{{ quarter }}')
        select
            {%- for column in columns if column.name != '_quarter' %}
            cast(null as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
            {%- endfor %}
        where false
        {%- endset -%}
        {%- do run_query(nothing) -%}
    {%- endfor -%}
{%- endmacro %}

{# Which partitions an insert overwrites in this session: those of its rows (dynamic), or all (static). #}
{% macro overwrite_partitions(mode) -%}
    {%- do run_query('set spark.sql.sources.partitionOverwriteMode = ' ~ mode) -%}
{%- endmacro %}

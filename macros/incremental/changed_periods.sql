{# In a `by_period` model: the condition that keeps a build to the periods in which something changed. The rows of
   `relation` count in the periods that hold `date`, an expression over its columns; `columns` are those that the model
   uses (all, if not given), `where` the rows. Read by itself it is true, so that `dbt show` and unit tests see all rows. #}
{% macro changed_periods(relation, date, columns=['*'], where='true') -%}
    /* changed periods | {{ relation }} | {{ date }} | {{ columns | join(', ') }} | {{ where }} */ true
{%- endmacro %}

{% macro changed_periods_pattern() -%}
    {{ return('/\\* changed periods \\| (.*?) \\| (.*?) \\| (.*?) \\| (.*?) \\*/ true') }}
{%- endmacro %}

{# In a query of one period grain: the condition that keeps a build of a `by_period` model to the changed periods of this
   grain. `changed_periods` alone would keep whole quarters for the sake of a week. #}
{% macro only_changed(grain) -%}
    /* only changed | {{ grain }} */ true
{%- endmacro %}

{% macro only_changed_pattern() -%}
    {{ return('/\\* only changed \\| (.*?) \\*/ true') }}
{%- endmacro %}

{# The query for checksums and numbers of rows of what a model reads: per day of each relation that it reads by
   `changed_periods`, of each other one as a whole. The sum of the rows' hashes does not depend on their order. `calendar`
   names models of days and periods, and the column by which they are looked at per day; others of the calendar are not. #}
{% macro checksums_of(sql, calendar={}) -%}
    {%- set by_day = modules.re.findall(changed_periods_pattern(), sql) | unique | list -%}
    {%- set whole = [] -%}
    {%- for node in read_by(model.depends_on.nodes, 'model') -%}
        {%- if node.name in calendar -%}
            {%- do by_day.append((node.relation_name, calendar[node.name], '*', 'true')) -%}
        {%- elif node.name not in ('int_days', 'int_periods') and node.relation_name not in by_day | map('first') -%}
            {%- do whole.append(node) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for relation, date, columns, where in by_day %}
        select
            '{{ (relation ~ ' by ' ~ date ~ ': ' ~ columns ~ ' where ' ~ where) | replace("'", "''") }}' as input,
            {{ date }} as happened_on,
            {{ sum_of_hashes(relation, columns) }} as checksum,
            count(*) as row_count
        from {{ relation }} as every
        where
            ({{ where }})
            and {{ date }} is not null
        group by all
        {{ 'union all' if whole or not loop.last }}
    {%- endfor %}
    {%- for node in whole %}
        select
            '{{ node.name }}' as input,
            cast(null as date) as happened_on,
            coalesce({{ sum_of_hashes(node.relation_name, '*') }}, 0) as checksum,
            count(*) as row_count
        from {{ node.relation_name }} as every
        {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# The sum of the hashes of rows: of these columns, or of the whole rows of what a query calls `every`. #}
{% macro sum_of_hashes(relation, columns) -%}
    {{ return(adapter.dispatch('sum_of_hashes')(relation, columns)) }}
{%- endmacro %}

{% macro default__sum_of_hashes(relation, columns) -%}
    sum(hash({{ 'every' if columns == '*' else columns }}))
{%- endmacro %}

{# The same checksums in a temporary table. The calendar follows from as_of, whose days are changed days in any case, and
   from definitions, which the record of builds has. #}
{% macro take_checksums(sql) -%}
    {%- do run_query('create or replace temp table fresh_checksums as ' ~ checksums_of(sql)) -%}
{%- endmacro %}

{# The statements that keep them for the next build. #}
{% macro keep_checksums() -%}
    delete from ops.period_checksums where relation = '{{ recorded_name(this) }}';
    insert into ops.period_checksums
    select
        '{{ recorded_name(this) }}' as relation,
        input,
        happened_on,
        checksum
    from fresh_checksums;
{%- endmacro %}

{# Find the periods of the model that is being built in which anything that it reads has changed, and the days to read for
   them; says why when what has changed belongs to no period. #}
{% macro find_changed_periods() -%}
    {%- set name = recorded_name(this) -%}
    {%- set query %}
        create or replace temp table changed_inputs as
        select
            coalesce(fresh.input, kept.input) as input,
            coalesce(fresh.happened_on, kept.happened_on) as happened_on
        from fresh_checksums as fresh
        full join (select * from ops.period_checksums where relation = '{{ name }}') as kept
            on
                fresh.input = kept.input
                and fresh.happened_on is not distinct from kept.happened_on
        where fresh.checksum is distinct from kept.checksum
    {% endset -%}
    {%- do run_query(query) -%}
    {%- set query %}
        select string_agg(distinct input, ', ' order by input) as names
        from changed_inputs
        where happened_on is null
    {% endset -%}
    {%- set whole = run_query(query).rows[0]['names'] -%}
    {%- if whole -%}
        {{ return(whole ~ ' changed') }}
    {%- endif -%}
    {%- set last_build = "(select as_of from ops.table_states where relation = '" ~ name ~ "')" -%}
    {%- do run_query('create or replace temp table changed_periods as ' ~ periods_touched('changed_inputs', last_build)) -%}
{%- endmacro %}

{# SQL for the periods to make anew: of the days in `changed`, of those that as_of has passed since the last build, a query
   for whose as_of is given, and the periods that look back on them. #}
{% macro periods_touched(changed, last_build) -%}
    -- Time may have gone back: what lies between both instants has begun or ended, or is not yet there.
    with days as (
        select happened_on
        from {{ changed }}
        where happened_on is not null
        {%- for lag in config.get('as_of_lags', [0]) %}
        union
        select
            {{ each_day(
                'least(' ~ local_date('as_of') ~ ', ' ~ as_of_on() ~ ') - interval ' ~ (lag + 1) ~ ' day',
                'greatest(' ~ local_date('as_of') ~ ', ' ~ as_of_on() ~ ') - interval ' ~ lag ~ ' day'
            ) }} as happened_on
        from {{ last_build }} as last_build
        where as_of <> {{ as_of() }}
        {%- endfor %}
    ),

    periods as (
        {{ periods_of_days('days') }}
    )

    {%- for earlier in range(config.get('looks_back', 0) + 1) %}
    select
        period_grain,
        {{ shift_period(earlier) }} as period_start
    from periods
    {{ 'union' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Every day from one to another, as rows: what a list of columns may hold alone. #}
{% macro each_day(first, last) -%}
    {{ return(adapter.dispatch('each_day')(first, last)) }}
{%- endmacro %}

{% macro default__each_day(first, last) -%}
    cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date)
{%- endmacro %}

{% macro spark__each_day(first, last) -%}
    explode(sequence({{ first }}, {{ last }}, interval 1 day))
{%- endmacro %}

{# The same table where all rows are made anew: every period from the first day of what the model reads on. A year more
   than there is, before and after, because a model may have periods in which nothing happened. #}
{% macro take_every_period() -%}
    {%- set query %}
        create or replace temp table changed_periods as
        with days as (
            select
                {{ each_day(
                    'coalesce(min(happened_on), ' ~ as_of_on() ~ ') - interval 1 year',
                    'greatest(max(happened_on), ' ~ as_of_on() ~ ') + interval 1 year'
                ) }} as happened_on
            from fresh_checksums
        )

        {{ periods_of_days('days') }}
    {% endset -%}
    {%- do run_query(query) -%}
{%- endmacro %}

{# Number the batches in which the changed periods are made, and give how many there are: quarter by quarter, with at most
   `rows_at_once` rows to read unless one quarter has more. What a period's groups hold (each value of a percentile, each
   person of a slice) has to fit into memory, and that of all periods together would not. #}
{% macro number_batches() -%}
    {%- set query %}
        create or replace temp table batches as
        with quarters as (
            select
                {{ period_start_of('quarter', 'happened_on') }} as quarter_start,
                sum(row_count) as row_count
            from fresh_checksums
            where happened_on in ({{ days_of_periods('changed_periods') }})
            group by quarter_start
        ),

        added_up as (
            select
                quarter_start,
                floor(
                    (sum(row_count) over (order by quarter_start) - 1) / {{ var('rows_at_once') }}
                ) as so_many_before
            from quarters
        )

        select min(quarter_start) as first_day
        from added_up
        group by so_many_before
    {% endset -%}
    {%- do run_query(query) -%}
    {%- set query %}
        create or replace temp table changed_periods as
        select
            changed_periods.period_grain,
            changed_periods.period_start,
            greatest(count(batches.first_day), 1) as batch
        from changed_periods
        left join batches
            on changed_periods.period_start >= batches.first_day
        group by all
    {% endset -%}
    {%- do run_query(query) -%}
    {{ return(run_query('select coalesce(max(batch), 1) as batches from changed_periods').rows[0]['batches'] | int) }}
{%- endmacro %}

{# SQL for the periods that hold the days in a table. #}
{% macro periods_of_days(days) -%}
    {%- for grain in ['week', 'month', 'quarter'] %}
    select
        '{{ grain }}' as period_grain,
        {{ period_start_of(grain, 'happened_on') }} as period_start
    from {{ days }}
    {{ 'union' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# SQL for the days that the periods in a table are made from. #}
{% macro days_of_periods(periods) -%}
    select distinct
        {{ each_day(shift_period(-config.get('looks_back', 0)), shift_period(1) ~ ' - interval 1 day') }} as date_day
    from {{ periods }}
{%- endmacro %}

{# The statements that say which periods the next statements make. #}
{% macro take_batch(batch) %}
    create or replace temp table periods_to_make as
    select
        period_grain,
        period_start
    from changed_periods
    where batch = {{ batch }};
    create or replace temp table days_to_read as
    {{ days_of_periods('periods_to_make') }};
{% endmacro %}

{# The query of a `by_period` model for the periods to make alone. #}
{% macro of_periods_to_make(sql) -%}
    {%- set kept = modules.re.sub(changed_periods_pattern(), '(\\2 in (select date_day from days_to_read))', sql) -%}
    {%- set kept = modules.re.sub(
        only_changed_pattern(),
        "(\\1_start in (select period_start from periods_to_make where period_grain = '\\1'))", kept
    ) %}
        select * from (
            {{ kept }}
        ) as made
        where (period_grain, period_start) in (select (period_grain, period_start) from periods_to_make)
{%- endmacro %}

{# The statements that make all rows of a `by_period` model, one batch of periods after the other. #}
{% macro create_in_batches(relation, sql, batches) %}
    {{ create_empty(relation, sql) }}
    {%- set wanted = of_periods_to_make(sql) %}
    {%- set narrowing, reading = narrow(wanted), reading_narrowed(wanted) %}
    {%- for batch in range(1, batches + 1) %}
    {{ take_batch(batch) }}
    {{ narrowing }}
    insert into {{ relation }} by name
    {{ reading }};
    {%- endfor %}
    {{ drop_narrowed(wanted) }}
{%- endmacro %}

{# The statements that replace the rows of the changed periods, one batch after the other. #}
{% macro replace_changed_periods(relation, sql, batches) -%}
    {%- set wanted = of_periods_to_make(sql) %}
    {%- set narrowing, reading = narrow(wanted), reading_narrowed(wanted) %}
    {%- for batch in range(1, batches + 1) %}
    {{ take_batch(batch) }}
    {{ narrowing }}
    create or replace temp table fresh_rows as (
        {{ reading }}
    );
    delete from {{ relation }}
    where (period_grain, period_start) in (select (period_grain, period_start) from periods_to_make);
    insert into {{ relation }} by name
    select * from fresh_rows;
    {%- endfor %}
    drop table fresh_rows;
    {{ drop_narrowed(wanted) }}
{%- endmacro %}

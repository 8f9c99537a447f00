{% set grains = ['week', 'month', 'quarter'] %}
{% set dimensions = ['owner', 'team', 'source', 'deal_type', 'region'] %}
{% set stage = ['pipeline', 'stage', 'stage_position'] %}

with periods as (
    select * from {{ ref('int_periods') }}
),

pipelines as (
    select * from {{ ref('int_pipeline_starts') }}
),

open_stages as (
    select
        pipeline,
        stage,
        position as stage_position
    from {{ ref('dim_stage') }}
    where outcome = 'open'
    union
    select
        pipeline,
        stage,
        stage_position
    from {{ ref('int_visits_sliced') }}
),

-- A visit is one entry and, when it has ended, one exit. Both read the table itself: a CTE between would be kept whole.
entries_and_exits as (
    select
        *,
        entered_on as happened_on,
        1 as entered,
        0 as exited,
        cast(null as string) as exit_direction,
        amount as amount_change
    from {{ ref('int_visits_sliced') }}
    union all
    select
        *,
        exited_on as happened_on,
        0 as entered,
        1 as exited,
        direction as exit_direction,
        -amount as amount_change
    from {{ ref('int_visits_sliced') }}
    where exited_at is not null
),

dated as (
    select
        *,
        {{ period_columns('happened_on') }}
    from entries_and_exits
),

flows as (
    select
        {{ slice_columns(grains, dimensions) }},
        {{ stage | join(', ') }},
        sum(entered) as entered,
        sum(exited) as exited,
        count(case when exit_direction = 'forward' then 1 end) as moved_forward,
        count(case when exit_direction = 'back' then 1 end) as moved_back,
        count(case when exit_direction = 'won' then 1 end) as won,
        count(case when exit_direction = 'lost' then 1 end) as lost,
        coalesce(sum(amount_change), 0) as amount_change
    from dated
    group by {{ slices(grains, dimensions, keys=stage) }}
),

-- The total has a row for every open stage of the pipeline from its first visit on,
-- a slice from its own first visit to the stage on.
firsts as (
    select
        period_grain,
        dimension,
        dimension_value,
        {{ stage | join(', ') }},
        min(period_start) as first_period_start
    from flows
    where dimension <> 'all'
    group by period_grain, dimension, dimension_value, {{ stage | join(', ') }}
    union all
    select
        pipelines.period_grain,
        'all' as dimension,
        'all' as dimension_value,
        pipelines.pipeline,
        stages.stage,
        stages.stage_position,
        pipelines.first_period_start
    from pipelines
    inner join open_stages as stages
        on pipelines.pipeline = stages.pipeline
),

stocks as (
    select
        periods.period_grain,
        periods.period_start,
        periods.is_complete_period,
        firsts.dimension,
        firsts.dimension_value,
        firsts.pipeline,
        firsts.stage,
        firsts.stage_position,
        coalesce(flows.entered, 0) as entered,
        coalesce(flows.exited, 0) as exited,
        coalesce(flows.moved_forward, 0) as moved_forward,
        coalesce(flows.moved_back, 0) as moved_back,
        coalesce(flows.won, 0) as won,
        coalesce(flows.lost, 0) as lost,
        sum(coalesce(flows.entered, 0) - coalesce(flows.exited, 0)) over history as open_deals,
        sum(coalesce(flows.amount_change, 0)) over history as open_amount
    from firsts
    inner join periods
        on
            firsts.period_grain = periods.period_grain
            and firsts.first_period_start <= periods.period_start
    left join flows
        on
            periods.period_grain = flows.period_grain
            and periods.period_start = flows.period_start
            and firsts.dimension = flows.dimension
            and firsts.dimension_value = flows.dimension_value
            and firsts.pipeline = flows.pipeline
            and firsts.stage = flows.stage
    window history as (
        partition by
            periods.period_grain, firsts.dimension, firsts.dimension_value, firsts.pipeline, firsts.stage
        order by periods.period_start asc nulls last
    )
),

final as (
    select
        period_grain,
        period_start,
        is_complete_period,
        dimension,
        dimension_value,
        pipeline,
        stage,
        stage_position,
        cast(open_deals as bigint) as open_deals,
        cast(open_amount as decimal(38, 10)) as open_amount,
        cast(entered as bigint) as entered,
        cast(exited as bigint) as exited,
        moved_forward,
        moved_back,
        won,
        lost,
        {{ ratio('moved_forward + won', 'exited') }} as advance_rate
    from stocks
    where
        dimension = 'all'
        or open_deals <> 0
        or entered <> 0
        or exited <> 0
)

select * from final

{% set stage = ['pipeline', 'stage', 'stage_position'] %}
{% set slice = ['dimension', 'dimension_value'] %}

with periods as (
    select * from {{ ref('int_periods') }}
),

pipelines as (
    select * from {{ ref('int_pipeline_starts') }}
),

flows as (
    select * from {{ ref('int_stage_flows') }}
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
    from {{ ref('int_stage_flows') }}
    where dimension = 'all'
),

-- The total has a row for every open stage of the pipeline in every period from its first visit on.
totals as (
    select
        periods.period_grain,
        periods.period_start,
        pipelines.pipeline,
        stages.stage,
        stages.stage_position
    from pipelines
    inner join open_stages as stages
        on pipelines.pipeline = stages.pipeline
    inner join periods
        on
            pipelines.period_grain = periods.period_grain
            and pipelines.first_period_start <= periods.period_start
),

all_flows as (
    select *
    from {{ ref('int_stage_flows') }}
    where dimension <> 'all'
    union all
    select
        totals.period_grain,
        totals.period_start,
        'all' as dimension,
        'all' as dimension_value,
        totals.pipeline,
        totals.stage,
        totals.stage_position,
        coalesce(flows.entered, 0) as entered,
        coalesce(flows.exited, 0) as exited,
        coalesce(flows.moved_forward, 0) as moved_forward,
        coalesce(flows.moved_back, 0) as moved_back,
        coalesce(flows.won, 0) as won,
        coalesce(flows.lost, 0) as lost,
        coalesce(flows.amount_change, 0) as amount_change
    from totals
    left join flows
        on
            flows.dimension = 'all'
            and totals.period_grain = flows.period_grain
            and totals.period_start = flows.period_start
            and totals.pipeline = flows.pipeline
            and totals.stage = flows.stage
),

stocks as (
    select
        *,
        sum(entered - exited) over history as open_deals,
        sum(amount_change) over history as open_amount,
        lead(period_start) over history as next_moved_in
    from all_flows
    window history as (
        partition by period_grain, dimension, dimension_value, pipeline, stage
        order by period_start asc nulls last
    )
),

-- Deals that nobody moved in a period are still there at its end.
unmoved as (
    select
        periods.period_grain,
        periods.period_start,
        stocks.dimension,
        stocks.dimension_value,
        stocks.pipeline,
        stocks.stage,
        stocks.stage_position,
        0 as entered,
        0 as exited,
        0 as moved_forward,
        0 as moved_back,
        0 as won,
        0 as lost,
        stocks.open_deals,
        stocks.open_amount
    from stocks
    inner join periods
        on
            stocks.period_grain = periods.period_grain
            and stocks.period_start < periods.period_start
            and (stocks.next_moved_in > periods.period_start or stocks.next_moved_in is null)
    where
        stocks.dimension <> 'all'
        and stocks.open_deals <> 0
        and (
            stocks.next_moved_in is null
            or stocks.next_moved_in <> {{ shift_period(1, 'stocks.period_grain', 'stocks.period_start') }}
        )
),

every_period as (
    select
        period_grain,
        period_start,
        {{ (slice + stage) | join(',\n        ') }},
        entered,
        exited,
        moved_forward,
        moved_back,
        won,
        lost,
        open_deals,
        open_amount
    from stocks
    union all
    select * from unmoved
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        pipeline,
        stage,
        stage_position,
        cast(open_deals as bigint) as open_deals,
        cast(open_amount as decimal(38, 10)) as open_amount,
        cast(entered as bigint) as entered,
        cast(exited as bigint) as exited,
        cast(moved_forward as bigint) as moved_forward,
        cast(moved_back as bigint) as moved_back,
        cast(won as bigint) as won,
        cast(lost as bigint) as lost,
        {{ ratio('moved_forward + won', 'exited') }} as advance_rate
    from every_period
)

select * from final

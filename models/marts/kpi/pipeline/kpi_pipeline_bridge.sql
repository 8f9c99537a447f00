{% set grains = ['week', 'month', 'quarter'] %}
{% set dimensions = ['owner', 'team', 'source', 'deal_type'] %}

with periods as (
    select * from {{ ref('int_periods') }}
),

pipelines as (
    select * from {{ ref('int_pipeline_starts') }}
),

-- A deal becomes open when it is created or reopened, and stops being open when it is won or lost.
turns as (
    select
        *,
        entered_on as happened_on,
        opened_as as turn
    from {{ ref('int_visits_sliced') }}
    where opened_as is not null
    union all
    select
        *,
        exited_on as happened_on,
        direction as turn
    from {{ ref('int_visits_sliced') }}
    where direction in ('won', 'lost')
),

dated as (
    select
        *,
        {{ period_columns('happened_on') }}
    from turns
),

flows as (
    select
        {{ slice_columns(grains, dimensions) }},
        pipeline,
        {%- for turn in ['created', 'reopened', 'won', 'lost'] %}
        count(case when turn = '{{ turn }}' then 1 end) as {{ turn }}_deals,
        coalesce(sum(case when turn = '{{ turn }}' then amount end), 0) as {{ turn }}_amount
        {{- ',' if not loop.last }}
        {%- endfor %}
    from dated
    group by {{ slices(grains, dimensions, keys=['pipeline']) }}
),

firsts as (
    select
        period_grain,
        dimension,
        dimension_value,
        pipeline,
        min(period_start) as first_period_start
    from flows
    where dimension <> 'all'
    group by period_grain, dimension, dimension_value, pipeline
    union all
    select
        period_grain,
        'all' as dimension,
        'all' as dimension_value,
        pipeline,
        first_period_start
    from pipelines
),

filled as (
    select
        periods.period_grain,
        periods.period_start,
        periods.is_complete_period,
        firsts.dimension,
        firsts.dimension_value,
        firsts.pipeline,
        coalesce(flows.created_deals, 0) as created_deals,
        coalesce(flows.reopened_deals, 0) as reopened_deals,
        coalesce(flows.won_deals, 0) as won_deals,
        coalesce(flows.lost_deals, 0) as lost_deals,
        coalesce(flows.created_amount, 0) as created_amount,
        coalesce(flows.reopened_amount, 0) as reopened_amount,
        coalesce(flows.won_amount, 0) as won_amount,
        coalesce(flows.lost_amount, 0) as lost_amount
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
),

stocks as (
    select
        *,
        sum(created_deals + reopened_deals - won_deals - lost_deals) over history as closing_deals,
        sum(created_amount + reopened_amount - won_amount - lost_amount) over history as closing_amount
    from filled
    window history as (
        partition by period_grain, dimension, dimension_value, pipeline
        order by period_start asc nulls last
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
        cast(closing_deals - created_deals - reopened_deals + won_deals + lost_deals as bigint) as opening_deals,
        created_deals,
        reopened_deals,
        won_deals,
        lost_deals,
        cast(closing_deals as bigint) as closing_deals,
        cast(
            closing_amount - created_amount - reopened_amount + won_amount + lost_amount as decimal(38, 10)
        ) as opening_amount,
        created_amount,
        reopened_amount,
        won_amount,
        lost_amount,
        cast(closing_amount as decimal(38, 10)) as closing_amount
    from stocks
    where
        dimension = 'all'
        or closing_deals <> 0
        or created_deals + reopened_deals + won_deals + lost_deals <> 0
)

select * from final

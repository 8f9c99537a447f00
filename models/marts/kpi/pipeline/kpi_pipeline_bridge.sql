{% set turns = ['created', 'reopened', 'won', 'lost'] %}

with periods as (
    select * from {{ ref('int_periods') }}
),

pipelines as (
    select * from {{ ref('int_pipeline_starts') }}
),

-- The total has a row in every period from the pipeline's first visit on.
totals as (
    select
        periods.period_grain,
        periods.period_start,
        'all' as dimension,
        'all' as dimension_value,
        pipelines.pipeline,
        {%- for turn in turns %}
        coalesce(flows.{{ turn }}_deals, 0) as {{ turn }}_deals,
        coalesce(flows.{{ turn }}_amount, 0) as {{ turn }}_amount{{ ',' if not loop.last }}
        {%- endfor %}
    from pipelines
    inner join periods
        on
            pipelines.period_grain = periods.period_grain
            and pipelines.first_period_start <= periods.period_start
    left join {{ ref('int_pipeline_flows') }} as flows
        on
            flows.dimension = 'all'
            and periods.period_grain = flows.period_grain
            and periods.period_start = flows.period_start
            and pipelines.pipeline = flows.pipeline
),

flows as (
    select * from totals
    union all
    select *
    from {{ ref('int_pipeline_flows') }}
    where dimension <> 'all'
),

stocks as (
    select
        *,
        sum(created_deals + reopened_deals - won_deals - lost_deals) over history as closing_deals,
        sum(created_amount + reopened_amount - won_amount - lost_amount) over history as closing_amount,
        lead(period_start) over history as next_turn_in
    from flows
    window history as (
        partition by period_grain, dimension, dimension_value, pipeline
        order by period_start asc nulls last
    )
),

-- A period in which no deal of a slice turned leaves what was open.
unturned as (
    select
        periods.period_grain,
        periods.period_start,
        stocks.dimension,
        stocks.dimension_value,
        stocks.pipeline,
        {%- for turn in turns %}
        0 as {{ turn }}_deals,
        0 as {{ turn }}_amount,
        {%- endfor %}
        stocks.closing_deals,
        stocks.closing_amount
    from stocks
    inner join periods
        on
            stocks.period_grain = periods.period_grain
            and stocks.period_start < periods.period_start
            and (stocks.next_turn_in > periods.period_start or stocks.next_turn_in is null)
    where
        stocks.dimension <> 'all'
        and stocks.closing_deals <> 0
        and (
            stocks.next_turn_in is null
            or stocks.next_turn_in <> {{ shift_period(1, 'stocks.period_grain', 'stocks.period_start') }}
        )
),

every_period as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        pipeline,
        {%- for turn in turns %}
        {{ turn }}_deals,
        {{ turn }}_amount,
        {%- endfor %}
        closing_deals,
        closing_amount
    from stocks
    union all
    select * from unturned
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
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
    from every_period
)

select * from final

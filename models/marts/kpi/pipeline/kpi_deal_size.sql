{{ config(materialized='incremental', incremental_strategy='by_period', looks_back=1) }}

{% set grains = ['week', 'month', 'quarter'] %}
{% set dimensions = ['owner', 'team', 'source', 'deal_type', 'region', 'product', 'industry', 'segment'] %}

with won_deals as (
    select * from {{ ref('int_deals_closed') }}
    where
        outcome = 'won'
        and amount is not null
        and {{ changed_periods(ref('int_deals_closed'), 'closed_on') }}
),

sliced as (
    select
        {{ slice_columns(grains, dimensions) }},
        count(*) as won_deals,
        sum(amount) as total_amount,
        {{ average('amount') }} as avg_amount,
        {{ percentile('cast(amount as double)', 0.5) }} as median_amount
    from won_deals
    group by {{ slices(grains, dimensions) }}
),

final as (
    select
        current_period.period_grain,
        current_period.period_start,
        {{ is_complete_period('current_period.period_grain', 'current_period.period_start') }} as is_complete_period,
        current_period.dimension,
        current_period.dimension_value,
        current_period.won_deals,
        current_period.total_amount,
        current_period.avg_amount,
        current_period.median_amount,
        previous_period.avg_amount as previous_avg_amount,
        {{ ratio('current_period.avg_amount', 'previous_period.avg_amount') }} - 1 as avg_amount_change
    from sliced as current_period
    left join sliced as previous_period
        on
            current_period.period_grain = previous_period.period_grain
            and {{ shift_period(-1, 'current_period.period_grain', 'current_period.period_start') }}
            = previous_period.period_start
            and current_period.dimension = previous_period.dimension
            and current_period.dimension_value = previous_period.dimension_value
)

select * from final

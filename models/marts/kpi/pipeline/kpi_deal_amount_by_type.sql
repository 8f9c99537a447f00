{{ config(materialized='incremental', incremental_strategy='by_period') }}

{% set grains = ['week', 'month', 'quarter'] %}

with closed_deals as (
    select * from {{ ref('int_deals_closed') }}
    where {{ changed_periods(ref('int_deals_closed'), 'closed_on') }}
),

sliced as (
    select
        {{ slice_columns(grains, ['product']) }},
        deal_type,
        {{ won_and_lost_amounts() }}
    from closed_deals
    group by {{ slices(grains, ['product'], keys=['deal_type']) }}
),

-- The total over products stands beside the products: shares are taken within the one or the other.
final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        deal_type,
        dimension_value as product_id,
        won_deals,
        won_amount,
        {{ ratio('won_amount', 'sum(won_amount) over (partition by period_grain, period_start, dimension)') }}
            as share_of_won_amount,
        avg_amount,
        lost_deals,
        lost_amount,
        {{ ratio('won_deals', 'won_deals + lost_deals') }} as win_rate
    from sliced
)

select * from final

{{ config(materialized='incremental', incremental_strategy='by_period') }}

{% set grains = ['week', 'month', 'quarter'] %}
{% set dimensions = [
    'industry', 'source', 'size_band', 'owner', 'team', 'region', 'deal_type', 'product', 'segment',
] %}

with closed_deals as (
    select * from {{ ref('int_deals_closed') }}
    where {{ changed_periods(ref('int_deals_closed'), 'closed_on') }}
),

sliced as (
    select
        {{ slice_columns(grains, dimensions) }},
        count(case when outcome = 'won' then 1 end) as won_deals,
        count(case when outcome = 'lost' then 1 end) as lost_deals,
        count(*) as closed_deals,
        coalesce(sum(case when outcome = 'won' then amount end), 0) as won_amount,
        coalesce(sum(case when outcome = 'lost' then amount end), 0) as lost_amount
    from closed_deals
    group by {{ slices(grains, dimensions) }}
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        won_deals,
        lost_deals,
        {{ ratio('won_deals', 'closed_deals') }} as win_rate,
        {{ wilson_interval('won_deals', 'closed_deals', 'win_rate') }},
        won_amount,
        lost_amount,
        {{ ratio('won_amount', 'won_amount + lost_amount') }} as amount_win_rate,
        closed_deals
    from sliced
)

select * from final

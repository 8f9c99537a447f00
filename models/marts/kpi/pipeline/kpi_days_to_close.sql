{{ config(materialized='incremental', incremental_strategy='by_period') }}

{% set grains = ['week', 'month', 'quarter'] %}
{% set dimensions = ['owner', 'team', 'source', 'deal_type', 'region', 'size_band', 'product'] %}

-- Deals whose close precedes their creation count as won or lost, and have no days to average.
with closed_deals as (
    select
        *,
        case when outcome = 'won' then us_to_close end as us_to_win,
        case when outcome = 'lost' then us_to_close end as us_to_lose
    from {{ ref('int_deals_closed') }}
    where {{ changed_periods(ref('int_deals_closed'), 'closed_on') }}
),

sliced as (
    select
        {{ slice_columns(grains, dimensions) }},
        count(case when outcome = 'won' then 1 end) as won_deals,
        {{ average('us_to_win') }} as avg_us_to_win,
        {{ percentile('us_to_win', 0.5) }} as median_us_to_win,
        {{ percentile('us_to_win', 0.9) }} as p90_us_to_win,
        count(case when outcome = 'lost' then 1 end) as lost_deals,
        {{ average('us_to_lose') }} as avg_us_to_lose
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
        {{ in_days('avg_us_to_win') }} as avg_days,
        {{ in_days('median_us_to_win') }} as median_days,
        {{ in_days('p90_us_to_win') }} as p90_days,
        lost_deals,
        {{ in_days('avg_us_to_lose') }} as avg_days_lost
    from sliced
)

select * from final

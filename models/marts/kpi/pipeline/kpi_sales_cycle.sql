{% set grains = ['month', 'quarter'] %}
{% set dimensions = ['owner', 'team'] %}

with won_deals as (
    select * from {{ ref('int_deals_closed') }}
    where outcome = 'won'
),

-- Half a year after their first purchase one can say which subscribers stayed.
matured_customers as (
    select
        first_won_deal_id as deal_id,
        churned_at
    from {{ ref('int_customers') }}
    where has_subscribed
),

cycles as (
    select
        won_deals.*,
        case
            when
                matured_customers.deal_id is not null
                and won_deals.closed_at <= {{ as_of() }} - interval 182 day
                then 1
        end as is_matured,
        case
            when
                matured_customers.churned_at >= won_deals.closed_at
                and matured_customers.churned_at <= won_deals.closed_at + interval 182 day
                then 1
        end as churned_in_time
    from won_deals
    left join matured_customers
        on won_deals.deal_id = matured_customers.deal_id
),

sliced as (
    select
        {{ slice_columns(grains, dimensions) }},
        count(*) as won_deals,
        {{ average('us_to_close') }} as avg_us_to_close,
        count(is_matured) as matured_customers,
        count(case when is_matured = 1 and churned_in_time = 1 then 1 end) as churned_within_6_months
    from cycles
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
        {{ in_days('avg_us_to_close') }} as avg_cycle_days,
        matured_customers,
        churned_within_6_months,
        {{ ratio('churned_within_6_months', 'matured_customers') }} as churn_rate_6m
    from sliced
)

select * from final

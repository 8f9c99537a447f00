{% set grains = ['month', 'quarter'] %}
{% set dimensions = ['owner', 'team', 'industry', 'product'] %}

with expansion_deals as (
    select * from {{ ref('int_deals_closed') }}
    where
        outcome = 'won'
        and deal_type in ('upsell', 'cross_sell')
),

customers as (
    select * from {{ ref('int_customers_sliced') }}
),

-- Who became a customer in a period was not yet one before it began.
deals as (
    select
        expansion_deals.*,
        {{ elapsed_us('customers.became_customer_at', 'expansion_deals.closed_at') }}
            as us_since_first_purchase,
        case when customers.month_start < expansion_deals.month_start then customers.account_id end
            as customer_before_month,
        case when customers.quarter_start < expansion_deals.quarter_start then customers.account_id end
            as customer_before_quarter
    from expansion_deals
    left join customers
        on expansion_deals.account_id = customers.account_id
),

sliced as (
    select
        {{ slice_columns(grains, dimensions) }},
        count(case when deal_type = 'upsell' then 1 end) as upsell_deals,
        coalesce(sum(case when deal_type = 'upsell' then amount end), 0) as upsell_amount,
        count(case when deal_type = 'cross_sell' then 1 end) as cross_sell_deals,
        coalesce(sum(case when deal_type = 'cross_sell' then amount end), 0) as cross_sell_amount,
        count(distinct customer_before_month) as expanded_in_month,
        count(distinct customer_before_quarter) as expanded_in_quarter,
        {{ average('us_since_first_purchase') }} as avg_us_since_first_purchase
    from deals
    group by {{ slices(grains, dimensions) }}
),

new_customers as (
    select
        {{ slice_columns(grains, ['industry']) }},
        count(*) as new_customers
    from customers
    group by {{ slices(grains, ['industry']) }}
),

existing_customers as (
    select
        sliced.period_grain,
        sliced.period_start,
        sliced.dimension,
        sliced.dimension_value,
        coalesce(sum(new_customers.new_customers), 0) as existing_customers
    from sliced
    left join new_customers
        on
            sliced.period_grain = new_customers.period_grain
            and sliced.period_start > new_customers.period_start
            and sliced.dimension = new_customers.dimension
            and sliced.dimension_value = new_customers.dimension_value
    where sliced.dimension in ('all', 'industry')
    group by sliced.period_grain, sliced.period_start, sliced.dimension, sliced.dimension_value
),

counted as (
    select
        sliced.*,
        case sliced.period_grain
            when 'month' then sliced.expanded_in_month
            when 'quarter' then sliced.expanded_in_quarter
        end as expanded_customers,
        cast(existing_customers.existing_customers as bigint) as existing_customers
    from sliced
    left join existing_customers
        on
            sliced.period_grain = existing_customers.period_grain
            and sliced.period_start = existing_customers.period_start
            and sliced.dimension = existing_customers.dimension
            and sliced.dimension_value = existing_customers.dimension_value
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        upsell_deals,
        upsell_amount,
        cross_sell_deals,
        cross_sell_amount,
        expanded_customers,
        existing_customers,
        {{ ratio('expanded_customers', 'existing_customers') }} as expansion_rate,
        {{ in_months('avg_us_since_first_purchase') }} as avg_months_since_first_purchase
    from counted
)

select * from final

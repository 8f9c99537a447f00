-- Which product customers bought next, by what they bought first.
with deals as (
    select
        deal_id,
        account_id,
        amount,
        closed_at,
        deal_type,
        product,
        industry
    from {{ ref('int_deals_closed') }}
    where
        outcome = 'won'
        and deal_type in ('upsell', 'cross_sell')
),

customers as (
    select
        account_id,
        first_won_deal_id,
        first_product_id,
        became_customer_at
    from {{ ref('int_customers') }}
),

later_deals as (
    select
        deals.*,
        {{ known_or_unknown('customers.first_product_id') }} as first_product,
        {{ elapsed_us('customers.became_customer_at', 'deals.closed_at') }} as us_since_first_purchase
    from deals
    left join customers
        on deals.account_id = customers.account_id
    where coalesce(deals.deal_id <> customers.first_won_deal_id, true)
),

final as (
    select
        first_product as from_product_id,
        product as to_product_id,
        deal_type,
        industry,
        count(*) as deals,
        coalesce(sum(amount), 0) as amount,
        {{ in_months(percentile('us_since_first_purchase', 0.5)) }} as median_months_since_first_purchase
    from later_deals
    group by first_product, product, deal_type, industry
)

select * from final

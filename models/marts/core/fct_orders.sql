{{ config(materialized='incremental', incremental_strategy='keyed', key='order_id', touched='touched_orders') }}

with orders as (
    select
        order_id,
        line_number,
        account_id,
        location_id,
        channel,
        product_id,
        quantity,
        amount,
        currency,
        ordered_at,
        promotion_id,
        {{ local_date('ordered_at') }} as ordered_on
    from {{ ref('int_orders_known') }}
    where {{ only_touched('order_id') }}
),

rates as (
    select
        currency,
        rate_day,
        rate
    from {{ ref('int_fx_rates_daily') }}
),

final as (
    select
        orders.order_id,
        orders.line_number,
        orders.account_id,
        orders.location_id,
        orders.channel,
        orders.product_id,
        orders.quantity,
        {{ to_reporting_currency('orders.amount', 'rates.rate') }} as amount,
        orders.ordered_at,
        orders.promotion_id
    from orders
    left join rates
        on
            rates.currency = coalesce(orders.currency, '{{ var("reporting_currency") }}')
            and orders.ordered_on = rates.rate_day
)

select * from final

{{ config(materialized='incremental', incremental_strategy='by_period') }}

{% set grains = ['week', 'month', 'quarter'] %}
{% set dimensions = ['location', 'channel', 'region', 'product', 'location_product'] %}
{% set ordered_on = local_date('ordered_at') %}
{% set order_columns = ['order_id', 'quantity', 'amount', 'location_id', 'channel', 'product_id'] %}

with locations as (
    select
        location_id,
        region
    from {{ ref('dim_location') }}
),

order_lines as (
    select
        orders.order_id,
        orders.quantity,
        orders.amount,
        {{ period_columns(local_date('orders.ordered_at')) }},
        {{ known_or_unknown('orders.location_id') }} as location,
        {{ known_or_unknown('orders.channel') }} as channel,
        {{ known_or_unknown('locations.region') }} as region,
        {{ known_or_unknown('orders.product_id') }} as product,
        {{ known_or_unknown('orders.location_id') }} || '/' || {{ known_or_unknown('orders.product_id') }}
            as location_product
    from {{ ref('fct_orders') }} as orders
    left join locations
        on orders.location_id = locations.location_id
    where {{ changed_periods(ref('fct_orders'), ordered_on, order_columns) }}
),

sliced as (
    select
        {{ slice_columns(grains, dimensions) }},
        count(distinct order_id) as orders,
        sum(quantity) as units,
        coalesce(sum(amount), 0) as amount
    from order_lines
    group by {{ slices(grains, dimensions) }}
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        orders,
        cast(units as double) as units,
        amount,
        {{ ratio('amount', 'sum(amount) over (partition by period_grain, period_start, dimension)') }}
            as share_of_amount,
        cast(
            rank() over (
                partition by period_grain, period_start, dimension
                order by amount desc nulls last
            ) as bigint
        ) as rank
    from sliced
)

select * from final

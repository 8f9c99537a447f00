-- What the store of a promotion and its control store took on each day of it and on as many days before.
-- A day without sales is a day with 0; a promotion that still runs has no days yet.
with promotions as (
    select
        promotion_id,
        product_id,
        location_id,
        control_location_id,
        starts_on,
        cast(ends_on - starts_on as integer) + 1 as days
    from {{ ref('int_promotions_known') }}
    where ends_on is not null
),

promotion_days as (
    select
        promotions.promotion_id,
        promotions.product_id,
        promotions.location_id,
        promotions.control_location_id,
        numbers.day_number >= promotions.days as is_during,
        cast(
            promotions.starts_on - promotions.days + cast(numbers.day_number as integer) as date
        ) as date_day
    from promotions
    inner join range(0, 200000) as numbers (day_number)
        on numbers.day_number < 2 * promotions.days
),

order_lines as (
    select
        location_id,
        product_id,
        {{ local_date('ordered_at') }} as ordered_on,
        amount
    from {{ ref('fct_orders') }}
    where location_id is not null
),

-- A promotion without a product is about the whole store.
sales as (
    select
        promotions.promotion_id,
        order_lines.location_id,
        order_lines.ordered_on,
        sum(order_lines.amount) as amount
    from order_lines
    inner join promotions
        on
            (
                order_lines.location_id = promotions.location_id
                or order_lines.location_id = promotions.control_location_id
            )
            and (promotions.product_id is null or order_lines.product_id = promotions.product_id)
    group by promotions.promotion_id, order_lines.location_id, order_lines.ordered_on
),

final as (
    select
        promotion_days.promotion_id,
        promotion_days.date_day,
        promotion_days.is_during,
        coalesce(test_sales.amount, 0) as test_amount,
        case
            when promotion_days.control_location_id is not null then coalesce(control_sales.amount, 0)
        end as control_amount
    from promotion_days
    left join sales as test_sales
        on
            promotion_days.promotion_id = test_sales.promotion_id
            and promotion_days.location_id = test_sales.location_id
            and promotion_days.date_day = test_sales.ordered_on
    left join sales as control_sales
        on
            promotion_days.promotion_id = control_sales.promotion_id
            and promotion_days.control_location_id = control_sales.location_id
            and promotion_days.date_day = control_sales.ordered_on
)

select * from final

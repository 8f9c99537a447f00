-- Orders in the stores and online, numbers first_no up to and without end_no; those of the promotions come
-- with the first numbers.
create or replace table life_orders as
with placed as (
    select
        range as order_no,
        place_in_series(range, getvariable('orders'), getvariable('trade_past_weight'), 'order') as place,
        case
            when chance(range, 'online', 0.34) then 0
            else 1 + floor(getvariable('stores') * uniform(range, 'store'))::bigint
        end as location_no,
    from range(getvariable('first_no'), getvariable('end_no'))
),
ordinary as (
    select
        placed.order_no,
        placed.location_no,
        trade_days.on_date,
        1 + floor(2.4 * uniform(placed.order_no, 'lines') ** 1.3)::bigint as lines,
        null::integer as wanted_product_no,
    from placed
    asof inner join trade_days on placed.place >= trade_days.place
    where placed.order_no <= getvariable('orders') or trade_days.on_date > getvariable('as_of')::date
),
promoted_days as (
    select
        promotion_no,
        product_no,
        location_no,
        extra_orders,
        unnest(range(starts_on::timestamp, ends_on::timestamp + interval 1 day, interval 1 day))::date as on_date,
        date_diff('day', starts_on, on_date) as promotion_day,
    from promotion_plan
    where getvariable('first_no') = 1
),
-- so many more orders a day than an ordinary store day brings
promoted as (
    select
        *,
        unnest(
            range(
                0,
                floor(
                    extra_orders * getvariable('orders_per_store_day')
                    + uniform(promotion_no * 1000 + promotion_day, 'extra orders')
                )::bigint
            )
        ) as extra_no,
    from promoted_days
    where isodow(on_date) < 7 and extra_orders > 0
),
all_orders as (
    select
        order_no,
        location_no,
        on_date,
        lines,
        wanted_product_no,
    from ordinary
    union all
    select
        getvariable('promoted_from_no') + promotion_no * 10000000 + promotion_day * 100000 + extra_no,
        location_no,
        on_date,
        1,
        product_no,
    from promoted
),
timed as (
    select
        all_orders.*,
        location_plan.region,
        location_plan.location_id,
        location_plan.kind,
        all_orders.on_date::timestamp
        + to_seconds(
            case
                when all_orders.location_no = 0 then floor(86399 * uniform(order_no, 'time'))
                else 32400 + office_shift(location_plan.region)
                    + floor(18000 * (uniform(order_no, 'time') + uniform(order_no, 'time too')))
            end::bigint
        ) as ordered_at,
        -- some of the buyers have an account, and only once they are customers
        case
            when chance(order_no, 'shopper', 0.06)
                then getvariable('shopper_from_no')
                    + floor(getvariable('shoppers') * uniform(order_no, 'which shopper'))::bigint
        end as shopper_no,
    from all_orders
    inner join location_plan on all_orders.location_no = location_plan.location_no
),
known_buyers as (
    select
        timed.*,
        case
            when timed.shopper_no is not null then timed.shopper_no
            when chance(timed.order_no, 'with account', 0.55) then buyers.account_no
        end as account_no,
    from timed
    asof left join customer_counts on timed.ordered_at >= customer_counts.won_at
    left join customers as buyers
        on buyers.customer_no
        = 1 + floor(customer_counts.customers * uniform(timed.order_no, 'which customer'))::bigint
),
order_lines as (
    select
        *,
        unnest(range(1, lines + 1)) as line_number,
        order_no * 4 + line_number as line_key,
        coalesce(
            wanted_product_no,
            case
                when uniform(line_key, 'product') < 0.26 then 8
                when uniform(line_key, 'product') < 0.46 then 9
                when uniform(line_key, 'product') < 0.64 then 10
                when uniform(line_key, 'product') < 0.84 then 11
                else 12
            end
        ) as product_no,
    from known_buyers
),
priced as (
    select
        order_lines.*,
        product_plan.list_price
        * case
            when product_plan.category = 'supplies' then 1
            else 0.88 + 0.12 * uniform(order_lines.line_key, 'discount')
        end as unit_price,
        case
            when product_plan.category = 'supplies' then 2 + floor(9 * uniform(order_lines.line_key, 'quantity'))
            else 1 + floor(3.4 * uniform(order_lines.line_key, 'quantity') ** 2)
        end::bigint as quantity,
    from order_lines
    inner join product_plan on order_lines.product_no = product_plan.product_no
)
select
    priced.order_no,
    priced.line_number,
    priced.account_no,
    priced.location_id,
    case priced.kind when 'online' then 'online' else 'in_store' end as channel,
    priced.product_no,
    priced.quantity,
    round(
        priced.quantity * priced.unit_price * case when promotion_plan.promotion_id is null then 1 else 0.9 end, 2
    )::decimal(18, 2) as amount,
    case priced.region when 'EMEA' then 'EUR' else 'USD' end as currency,
    priced.ordered_at,
    promotion_plan.promotion_id,
    -- stores send their day in the evening, some the day after
    case
        when chance(priced.order_no, 'sent late', 0.03) then priced.on_date::timestamp + interval 47 hour
        else greatest(priced.ordered_at, priced.on_date::timestamp + interval 20 hour)
    end as known_at,
from priced
left join promotion_plan
    on
        priced.location_no = promotion_plan.location_no
        and (promotion_plan.product_no is null or priced.product_no = promotion_plan.product_no)
        and priced.on_date between promotion_plan.starts_on and promotion_plan.ends_on;

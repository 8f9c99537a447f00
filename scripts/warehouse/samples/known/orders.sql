select
    'O' || lpad(order_no::varchar, 9, '0') as order_id,
    line_number,
    account_id(account_no) as account_id,
    location_id,
    channel,
    'P' || lpad(product_no::varchar, 2, '0') as product_id,
    quantity,
    amount,
    currency,
    ordered_at,
    promotion_id,
from life_orders
where known_at <= getvariable('cut_at') and is_news(known_at)
order by order_no, line_number

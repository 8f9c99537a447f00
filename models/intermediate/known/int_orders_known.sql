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
    promotion_id
from {{ staged('orders') }}
where
    ordered_at <= {{ as_of() }}

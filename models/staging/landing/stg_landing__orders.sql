select
    order_id,
    line_number,
    account_id,
    location_id,
    channel,
    product_id,
    coalesce(quantity, 1) as quantity,
    amount,
    currency,
    ordered_at,
    promotion_id
from {{ source('raw_crm', 'orders') }}
where _vanished_at is null

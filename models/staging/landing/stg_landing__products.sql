select
    product_id,
    name,
    category,
    list_price,
    currency
from {{ source('raw_crm', 'products') }}
where _vanished_at is null

select
    product_id,
    name,
    category,
    list_price,
    currency
from {{ ref('stg_landing__products') }}

select
    product_id,
    name,
    category,
    list_price,
    currency
from {{ staged('products') }}

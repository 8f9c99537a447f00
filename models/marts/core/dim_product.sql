select
    product_id,
    name,
    category,
    list_price,
    currency
from {{ ref('int_products_known') }}

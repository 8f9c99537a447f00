select
    competitor,
    product_id,
    observed_on,
    price,
    currency
from {{ source('raw_market', 'competitor_prices') }}
where _vanished_at is null

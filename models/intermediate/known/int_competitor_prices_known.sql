select
    competitor,
    product_id,
    observed_on,
    price,
    currency
from {{ ref('stg_landing__competitor_prices') }}
where
    observed_on <= {{ as_of_on() }}

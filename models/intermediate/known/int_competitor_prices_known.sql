select
    competitor,
    product_id,
    observed_on,
    price,
    currency
from {{ staged('competitor_prices') }}
where
    observed_on <= {{ as_of_on() }}

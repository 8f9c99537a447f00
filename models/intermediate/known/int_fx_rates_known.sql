select
    currency,
    rate_on,
    rate
from {{ ref('stg_landing__fx_rates') }}
where
    rate_on <= {{ as_of_on() }}

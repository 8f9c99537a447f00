select
    currency,
    rate_on,
    rate
from {{ staged('fx_rates') }}
where
    rate_on <= {{ as_of_on() }}

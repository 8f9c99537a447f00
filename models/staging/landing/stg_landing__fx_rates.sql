select
    currency,
    rate_on,
    rate
from {{ source('raw_finance', 'fx_rates') }}
where _vanished_at is null

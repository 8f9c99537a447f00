select
    account_id,
    incurred_on,
    cost_type,
    amount,
    currency
from {{ staged('account_costs') }}
where
    incurred_on <= {{ as_of_on() }}

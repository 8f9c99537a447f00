select
    account_id,
    incurred_on,
    cost_type,
    amount,
    currency
from {{ source('raw_finance', 'account_costs') }}
where _vanished_at is null

select
    spend_id,
    spent_on,
    department,
    source,
    segment,
    amount,
    currency
from {{ source('raw_finance', 'spend') }}
where _vanished_at is null

select
    user_id,
    metric,
    period_grain,
    period_start,
    target
from {{ source('raw_crm', 'quotas') }}
where _vanished_at is null

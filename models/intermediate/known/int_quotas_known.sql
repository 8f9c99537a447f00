select
    user_id,
    metric,
    period_grain,
    period_start,
    target
from {{ staged('quotas') }}
where
    period_start <= {{ as_of_on() }}

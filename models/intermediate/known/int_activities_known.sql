select
    activity_id,
    activity_type,
    direction,
    user_id,
    lead_id,
    contact_id,
    account_id,
    deal_id,
    created_at,
    occurred_at,
    reply_sentiment,
    meeting_status
from {{ staged('activities') }}
where
    created_at <= {{ as_of() }}

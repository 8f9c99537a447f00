select
    activity_id,
    activity_type,
    direction,
    user_id,
    lead_id,
    contact_id,
    account_id,
    deal_id,
    coalesce(created_at, occurred_at) as created_at,
    occurred_at,
    reply_sentiment,
    meeting_status
from {{ source('raw_crm', 'activities') }}
where _vanished_at is null

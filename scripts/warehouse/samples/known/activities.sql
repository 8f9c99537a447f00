select
    activity_id,
    activity_type,
    direction,
    user_id(user_no) as user_id,
    'L' || lpad(lead_no::varchar, 10, '0') as lead_id,
    contact_id(contact_account_no, 1) as contact_id,
    account_id(account_no) as account_id,
    deal_id(deal_no) as deal_id,
    case when not is_log_time_missing then known_at end as created_at,
    occurred_at,
    reply_sentiment,
    case when settled_at <= getvariable('cut_at') then final_status else booked_status end as meeting_status,
from life_activities
where known_at <= getvariable('cut_at') and is_news(greatest(known_at, if_known(settled_at)))
order by activity_id

select
    user_id,
    full_name,
    email,
    role,
    team,
    region,
    manager_id,
    max_daily_leads,
    max_daily_deals,
    hired_on,
    left_on
from {{ source('raw_crm', 'users') }}
where _vanished_at is null

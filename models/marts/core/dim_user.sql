select
    user_id,
    full_name,
    role,
    team,
    region,
    manager_id,
    max_daily_leads,
    max_daily_deals,
    hired_on,
    left_on
from {{ ref('int_users_known') }}

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
    case when left_on <= {{ as_of_on() }} then left_on end as left_on
from {{ staged('users') }}

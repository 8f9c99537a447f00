select
    account_id,
    name,
    industry,
    segment,
    region,
    owner_id,
    created_at
from {{ staged('accounts') }}
where
    coalesce(created_at <= {{ as_of() }}, true)

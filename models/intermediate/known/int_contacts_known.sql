select
    contact_id,
    account_id,
    created_at
from {{ staged('contacts') }}
where
    coalesce(created_at <= {{ as_of() }}, true)

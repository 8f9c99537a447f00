select
    contact_id,
    account_id,
    created_at
from {{ ref('stg_landing__contacts') }}
where
    coalesce(created_at <= {{ as_of() }}, true)

select
    account_id,
    name,
    industry,
    segment,
    region,
    owner_id,
    created_at,
    updated_at
from {{ source('raw_crm', 'accounts') }}
where _vanished_at is null

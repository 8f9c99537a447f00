select
    deal_id,
    account_id,
    name,
    pipeline,
    stage,
    deal_type,
    source,
    product_id,
    owner_id,
    region,
    amount,
    currency,
    created_at,
    closed_at,
    expected_close_on,
    lost_reason,
    coalesce(is_deleted, false) as is_deleted,
    updated_at
from {{ source('raw_crm', 'deals') }}
where _vanished_at is null

select
    deal_id,
    account_id,
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
    case when closed_at <= {{ as_of() }} then closed_at end as closed_at
from {{ staged('deals') }}
where
    created_at <= {{ as_of() }}
    and not is_deleted

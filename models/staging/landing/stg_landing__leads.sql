select
    lead_id,
    created_at,
    source,
    campaign,
    owner_id,
    region,
    became_mql_at,
    became_sql_at,
    disqualified_at,
    converted_at,
    converted_account_id,
    converted_contact_id,
    converted_deal_id,
    updated_at
from {{ source('raw_crm', 'leads') }}
where _vanished_at is null

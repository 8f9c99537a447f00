select
    lead_id,
    created_at,
    source,
    campaign,
    owner_id,
    region,
    case when became_mql_at <= {{ as_of() }} then became_mql_at end as became_mql_at,
    case when became_sql_at <= {{ as_of() }} then became_sql_at end as became_sql_at,
    case when disqualified_at <= {{ as_of() }} then disqualified_at end as disqualified_at,
    case when converted_at <= {{ as_of() }} then converted_at end as converted_at,
    converted_account_id,
    converted_contact_id,
    converted_deal_id
from {{ staged('leads') }}
where
    created_at <= {{ as_of() }}

{{ config(enabled='salesforce' in var('crm_sources')) }}

select
    id as contact_id,
    account_id,
    email,
    created_date as created_at,
    system_modstamp as updated_at
from {{ source_rows('raw_salesforce', 'contact') }}
where
    not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))
    and coalesce(_fivetran_active, true)

{{ config(enabled='salesforce' in var('crm_sources')) }}

select
    id as account_id,
    name,
    industry,
    type as segment,
    coalesce(billing_country, billing_state) as region,
    owner_id,
    created_date as created_at,
    system_modstamp as updated_at
from {{ source_rows('raw_salesforce', 'account') }}
where
    not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))
    and coalesce(_fivetran_active, true)

{{ config(enabled='hubspot' in var('crm_sources')) }}

select
    id as account_id,
    property_name as name,
    property_industry as industry,
    property_type as segment,
    property_country as region,
    property_hubspot_owner_id as owner_id,
    property_createdate as created_at,
    property_hs_lastmodifieddate as updated_at
from {{ source_rows('raw_hubspot', 'company') }}
where not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))

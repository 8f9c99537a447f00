{{ config(enabled='hubspot' in var('crm_sources')) }}

select
    id as product_id,
    coalesce(property_name, id) as name,
    property_hs_product_type as category,
    property_price as list_price,
    property_hs_price_currency as currency
from {{ source_rows('raw_hubspot', 'product') }}
where not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))

{{ config(enabled='hubspot' in var('crm_sources')) }}

with contacts as (
    select
        id as contact_id,
        property_associatedcompanyid as account_id,
        property_email as email,
        property_createdate as created_at,
        property_lastmodifieddate as updated_at
    from {{ source_rows('raw_hubspot', 'contact') }}
    where not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))
),

-- A contact that was merged into another one may stay in the table: the survivor names it.
merged_contacts as (
    select unnest(string_split(property_hs_merged_object_ids, ';')) as contact_id
    from {{ source_rows('raw_hubspot', 'contact') }}
    where property_hs_merged_object_ids is not null
),

final as (
    select contacts.*
    from contacts
    where contacts.contact_id not in (select merged_contacts.contact_id from merged_contacts)
)

select * from final

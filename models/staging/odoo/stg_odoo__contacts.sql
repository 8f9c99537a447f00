{{ config(enabled='odoo' in var('crm_sources'), materialized='table') }}

with partners as (
    select *
    from {{ source_rows('raw_odoo', 'res_partner') }}
    where
        id is not null
        and not coalesce(is_company, false)
),

colleagues as (
    select distinct partner_id
    from {{ source_rows('raw_odoo', 'res_users') }}
    where
        partner_id is not null
        and not coalesce(share, false)
),

final as (
    select
        cast(partners.id as varchar) as contact_id,
        cast(coalesce(partners.commercial_partner_id, partners.id) as varchar) as account_id,
        partners.email,
        partners.create_date as created_at,
        partners.write_date as updated_at
    from partners
    left join colleagues
        on partners.id = colleagues.partner_id
    where colleagues.partner_id is null
)

select * from final

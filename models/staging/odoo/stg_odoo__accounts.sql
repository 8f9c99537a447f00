{{ config(enabled='odoo' in var('crm_sources'), materialized='table') }}

-- Whoever does business under an own name: companies, and people who belong to none. No colleagues.
with partners as (
    select *
    from {{ source_rows('raw_odoo', 'res_partner') }}
    where
        id is not null
        and coalesce(commercial_partner_id, id) = id
),

colleagues as (
    select distinct partner_id
    from {{ source_rows('raw_odoo', 'res_users') }}
    where
        partner_id is not null
        and not coalesce(share, false)
),

industries as (
    select
        id,
        {{ odoo_text('name') }} as name
    from {{ source_rows('raw_odoo', 'res_partner_industry') }}
),

countries as (
    select
        id,
        {{ odoo_text('name') }} as name
    from {{ source_rows('raw_odoo', 'res_country') }}
),

final as (
    select
        cast(partners.id as varchar) as account_id,
        partners.name,
        industries.name as industry,
        cast(null as varchar) as segment,
        countries.name as region,
        cast(partners.user_id as varchar) as owner_id,
        partners.create_date as created_at,
        partners.write_date as updated_at
    from partners
    left join colleagues
        on partners.id = colleagues.partner_id
    left join industries
        on partners.industry_id = industries.id
    left join countries
        on partners.country_id = countries.id
    where colleagues.partner_id is null
)

select * from final

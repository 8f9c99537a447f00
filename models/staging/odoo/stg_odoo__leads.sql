{{ config(enabled='odoo' in var('crm_sources'), materialized='table') }}

-- An opportunity that was a lead before stays the same row; one that never was a lead is none.
with leads as (
    select *
    from {{ ref('stg_odoo__opportunities') }}
    where
        was_lead
        and create_date is not null
),

final as (
    select
        cast(lead_id as varchar) as lead_id,
        create_date as created_at,
        source,
        campaign,
        cast(user_id as varchar) as owner_id,
        region,
        cast(null as timestamp) as became_mql_at,
        cast(null as timestamp) as became_sql_at,
        case when is_lost and not is_opportunity then date_closed end as disqualified_at,
        case when is_opportunity then date_conversion end as converted_at,
        case when is_opportunity then cast(account_id as varchar) end as converted_account_id,
        case when is_opportunity then cast(contact_id as varchar) end as converted_contact_id,
        case when is_opportunity then cast(lead_id as varchar) end as converted_deal_id,
        write_date as updated_at
    from leads
)

select * from final

{{ config(enabled='salesforce' in var('crm_sources'), materialized='table') }}

with leads as (
    select
        id as lead_id,
        created_date as created_at,
        lead_source as source,
        status,
        owner_id,
        country as region,
        -- The day of a conversion is all that Salesforce keeps: on the first day it is no earlier than the lead.
        case when is_converted then greatest({{ midnight_of('converted_date') }}, created_date) end as converted_at,
        converted_account_id,
        converted_contact_id,
        converted_opportunity_id as converted_deal_id,
        system_modstamp as updated_at
    from {{ source_rows('raw_salesforce', 'lead') }}
    where
        created_date is not null
        and not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))
        and coalesce(_fivetran_active, true)
),

history as (
    select
        lead_id,
        new_value as status,
        created_date as changed_at
    from {{ source_rows('raw_salesforce', 'lead_history') }}
    where field = 'Status'
),

statuses as (
    {{ meanings('salesforce', 'lead_status') }}
),

reached as (
    select
        history.lead_id,
        min(case when statuses.meaning = 'mql' then history.changed_at end) as became_mql_at,
        min(case when statuses.meaning = 'sql' then history.changed_at end) as became_sql_at,
        max(case when statuses.meaning = 'disqualified' then history.changed_at end) as disqualified_at
    from history
    inner join statuses
        on history.status = statuses.source_value
    group by history.lead_id
),

-- Sales accepted whoever it converted.
final as (
    select
        leads.lead_id,
        leads.created_at,
        leads.source,
        cast(null as varchar) as campaign,
        leads.owner_id,
        leads.region,
        reached.became_mql_at,
        coalesce(reached.became_sql_at, leads.converted_at) as became_sql_at,
        case when statuses.meaning = 'disqualified' then reached.disqualified_at end as disqualified_at,
        leads.converted_at,
        leads.converted_account_id,
        leads.converted_contact_id,
        leads.converted_deal_id,
        leads.updated_at
    from leads
    left join reached
        on leads.lead_id = reached.lead_id
    left join statuses
        on leads.status = statuses.source_value
)

select * from final

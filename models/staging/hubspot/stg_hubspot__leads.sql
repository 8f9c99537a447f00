{{ config(enabled='hubspot' in var('crm_sources'), materialized='table') }}

-- A HubSpot lead is a contact that has come as far as the lifecycle stage lead; a stage that nobody has explained
-- counts as a lead.
with contacts as (
    select
        id as lead_id,
        property_createdate as created_at,
        property_hs_analytics_source as source,
        property_hs_analytics_first_touch_converting_campaign as campaign,
        property_hubspot_owner_id as owner_id,
        property_country as region,
        property_associatedcompanyid as account_id,
        property_lifecyclestage as lifecycle_stage,
        property_hs_lead_status as lead_status,
        property_hs_lifecyclestage_marketingqualifiedlead_date as became_mql_at,
        property_hs_lifecyclestage_salesqualifiedlead_date as became_sql_at,
        property_hs_lifecyclestage_opportunity_date as became_opportunity_at,
        property_hs_lifecyclestage_customer_date as became_customer_at,
        property_lastmodifieddate as updated_at
    from {{ source_rows('raw_hubspot', 'contact') }}
    where
        property_lifecyclestage is not null
        and not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))
),

history as (
    select
        contact_id as lead_id,
        name as property,
        timestamp as changed_at,
        value
    from {{ source_rows('raw_hubspot', 'contact_property_history') }}
    where name in ('lifecyclestage', 'hs_lead_status')
),

lifecycle_stages as (
    {{ meanings('hubspot', 'lifecycle_stage') }}
),

lead_statuses as (
    {{ meanings('hubspot', 'lead_status') }}
),

-- Stages that a company added have no date property: their history says when they were reached.
reached as (
    select
        history.lead_id,
        min(case when lifecycle_stages.meaning = 'mql' then history.changed_at end) as became_mql_at,
        min(case when lifecycle_stages.meaning = 'sql' then history.changed_at end) as became_sql_at,
        min(case when lifecycle_stages.meaning = 'converted' then history.changed_at end) as converted_at,
        max(case when lead_statuses.meaning = 'disqualified' then history.changed_at end) as disqualified_at
    from history
    left join lifecycle_stages
        on
            history.property = 'lifecyclestage'
            and history.value = lifecycle_stages.source_value
    left join lead_statuses
        on
            history.property = 'hs_lead_status'
            and history.value = lead_statuses.source_value
    group by history.lead_id
),

deal_contacts as (
    select distinct
        deal_id,
        contact_id as lead_id
    from {{ source_rows('raw_hubspot', 'deal_contact') }}
),

deals as (
    select
        deal_id,
        account_id,
        created_at
    from {{ ref('stg_hubspot__deals') }}
    where not is_deleted
),

-- What came of a lead is the first deal that was made with the person.
first_deals as (
    select
        contacts.lead_id,
        deals.deal_id,
        deals.account_id,
        deals.created_at
    from contacts
    inner join deal_contacts
        on contacts.lead_id = deal_contacts.lead_id
    inner join deals
        on deal_contacts.deal_id = deals.deal_id
    where deals.created_at >= contacts.created_at
    qualify row_number() over (
        partition by contacts.lead_id order by deals.created_at asc nulls last, deals.deal_id asc nulls last
    ) = 1
),

converted as (
    select
        contacts.*,
        first_deals.deal_id as converted_deal_id,
        coalesce(contacts.account_id, first_deals.account_id) as converted_account_id,
        coalesce(
            contacts.became_opportunity_at,
            contacts.became_customer_at,
            reached.converted_at,
            first_deals.created_at
        ) as converted_at,
        coalesce(contacts.became_mql_at, reached.became_mql_at) as reached_mql_at,
        coalesce(contacts.became_sql_at, reached.became_sql_at) as reached_sql_at,
        case when lead_statuses.meaning = 'disqualified' then reached.disqualified_at end as disqualified_at
    from contacts
    left join lifecycle_stages
        on contacts.lifecycle_stage = lifecycle_stages.source_value
    left join lead_statuses
        on contacts.lead_status = lead_statuses.source_value
    left join reached
        on contacts.lead_id = reached.lead_id
    left join first_deals
        on contacts.lead_id = first_deals.lead_id
    where lifecycle_stages.source_value is null or lifecycle_stages.meaning is not null
),

-- Sales accepted whoever it made a deal of.
final as (
    select
        lead_id,
        created_at,
        source,
        campaign,
        owner_id,
        region,
        reached_mql_at as became_mql_at,
        coalesce(reached_sql_at, converted_at) as became_sql_at,
        disqualified_at,
        converted_at,
        case when converted_at is not null then converted_account_id end as converted_account_id,
        case when converted_at is not null then lead_id end as converted_contact_id,
        case when converted_at is not null then converted_deal_id end as converted_deal_id,
        updated_at
    from converted
    where created_at is not null
)

select * from final

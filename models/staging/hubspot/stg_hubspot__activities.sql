{{ config(enabled='hubspot' in var('crm_sources'), materialized='table') }}

with engagements as (
    select *
    from {{ ref('stg_hubspot__engagements') }}
    where occurred_at is not null
),

kinds as (
    {{ meanings('hubspot', 'activity_kind') }}
),

directions as (
    {{ meanings('hubspot', 'direction') }}
),

meeting_statuses as (
    {{ meanings('hubspot', 'meeting_status') }}
),

merged_deals as (
    select
        merged_deal_id,
        min(deal_id) as deal_id
    from {{ source_rows('raw_hubspot', 'merged_deal') }}
    group by merged_deal_id
),

-- An engagement may be about several deals, contacts and companies: it counts for one of each, always the same.
engagement_deals as (
    select
        engagement_deal.engagement_id,
        min(coalesce(merged_deals.deal_id, engagement_deal.deal_id)) as deal_id
    from {{ source_rows('raw_hubspot', 'engagement_deal') }}
    left join merged_deals
        on engagement_deal.deal_id = merged_deals.merged_deal_id
    group by engagement_deal.engagement_id
),

engagement_contacts as (
    select
        engagement_id,
        min(contact_id) as contact_id
    from {{ source_rows('raw_hubspot', 'engagement_contact') }}
    group by engagement_id
),

engagement_companies as (
    select
        engagement_id,
        min(company_id) as account_id
    from {{ source_rows('raw_hubspot', 'engagement_company') }}
    group by engagement_id
),

leads as (
    select lead_id
    from {{ ref('stg_hubspot__leads') }}
),

final as (
    select
        engagements.engagement_id as activity_id,
        case
            when kinds.meaning = 'meeting' and engagements.conference_url is not null then 'video_meeting'
            else kinds.meaning
        end as activity_type,
        case when kinds.meaning not in ('meeting', 'video_meeting') then directions.meaning end as direction,
        engagements.owner_id as user_id,
        leads.lead_id,
        engagement_contacts.contact_id,
        engagement_companies.account_id,
        engagement_deals.deal_id,
        engagements.created_at,
        engagements.occurred_at,
        cast(null as varchar) as reply_sentiment,
        case when kinds.meaning in ('meeting', 'video_meeting') then meeting_statuses.meaning end as meeting_status
    from engagements
    inner join kinds
        on
            engagements.kind = kinds.source_value
            and kinds.meaning is not null
    left join directions
        on coalesce(engagements.direction, '(none)') = directions.source_value
    left join meeting_statuses
        on engagements.outcome = meeting_statuses.source_value
    left join engagement_deals
        on engagements.engagement_id = engagement_deals.engagement_id
    left join engagement_contacts
        on engagements.engagement_id = engagement_contacts.engagement_id
    left join engagement_companies
        on engagements.engagement_id = engagement_companies.engagement_id
    left join leads
        on engagement_contacts.contact_id = leads.lead_id
)

select * from final

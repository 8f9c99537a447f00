{{ config(materialized='incremental', incremental_strategy='keyed', key='activity_id', touched='touched_activities') }}

with activities as (
    select
        activity_id,
        activity_type,
        direction,
        user_id,
        lead_id,
        contact_id,
        account_id,
        deal_id,
        created_at,
        occurred_at,
        reply_sentiment,
        meeting_status,
        occurred_at <= {{ as_of() }} as has_occurred,
        activity_type in ('meeting', 'video_meeting') as is_meeting_set
    from {{ ref('int_activities_known') }}
    where {{ only_touched('activity_id') }}
),

leads as (
    select
        lead_id,
        source,
        converted_contact_id,
        converted_account_id
    from {{ ref('int_leads_known') }}
),

deals as (
    select
        deal_id,
        account_id,
        source
    from {{ ref('int_deals_known') }}
),

contacts as (
    select
        contact_id,
        account_id
    from {{ ref('int_contacts_known') }}
),

users as (
    select
        user_id,
        team
    from {{ ref('dim_user') }}
),

-- A lead that turned into a contact is one person with it, also before it did;
-- a lead that the CRM does not list is a person all the same.
final as (
    select
        activities.activity_id,
        activities.activity_type,
        activities.direction,
        activities.user_id,
        users.team,
        coalesce(activities.contact_id, leads.converted_contact_id, 'lead:' || activities.lead_id) as person,
        activities.lead_id,
        coalesce(
            activities.account_id, deals.account_id, contacts.account_id, leads.converted_account_id
        ) as account_id,
        activities.deal_id,
        coalesce(leads.source, deals.source) as source,
        activities.created_at,
        activities.occurred_at,
        activities.has_occurred
        and case
            when activities.is_meeting_set
                then coalesce(activities.meeting_status not in ('declined', 'cancelled', 'no_show'), true)
            else coalesce(activities.direction = 'outbound', false)
        end as is_touch,
        activities.has_occurred
        and not activities.is_meeting_set
        and coalesce(activities.direction = 'outbound', false) as is_outreach,
        activities.has_occurred
        and not activities.is_meeting_set
        and coalesce(activities.direction = 'inbound', false) as is_reply,
        activities.is_meeting_set,
        activities.reply_sentiment,
        activities.meeting_status
    from activities
    left join leads
        on activities.lead_id = leads.lead_id
    left join deals
        on activities.deal_id = deals.deal_id
    left join contacts
        on activities.contact_id = contacts.contact_id
    left join users
        on activities.user_id = users.user_id
)

select * from final

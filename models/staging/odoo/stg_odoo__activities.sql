{{ config(enabled='odoo' in var('crm_sources'), materialized='table') }}

-- What was done: messages, and meetings of the calendar. Planned activities are none yet; when they are done they
-- become messages. A meeting in the calendar leaves a message too, when its activity is ticked off: it counts once.
with messages as (
    select *
    from {{ ref('stg_odoo__messages') }}
    where lead_id is not null
),

kinds as (
    {{ meanings('odoo', 'activity_kind') }}
),

opportunities as (
    select *
    from {{ ref('stg_odoo__opportunities') }}
),

meetings as (
    select
        id,
        coalesce(opportunity_id, case when res_model = 'crm.lead' then res_id end) as lead_id,
        user_id,
        start,
        coalesce(create_date, start) as create_date,
        nullif(videocall_location, '') is not null as is_video,
        coalesce(active, true) as is_active
    from {{ source_rows('raw_odoo', 'calendar_event') }}
    where start is not null
),

met as (
    select
        lead_id,
        min(start) as first_met_at
    from meetings
    where lead_id is not null
    group by lead_id
),

-- A reply cannot be told from a first letter by its mood: Odoo keeps no sentiment.
found as (
    select
        'message-' || cast(messages.message_id as varchar) as activity_id,
        kinds.meaning as activity_type,
        messages.direction,
        messages.user_id,
        messages.lead_id,
        messages.date as created_at,
        messages.date as occurred_at,
        cast(null as varchar) as meeting_status
    from messages
    inner join kinds
        on messages.kind = kinds.source_value
    left join met
        on messages.lead_id = met.lead_id
    where
        kinds.meaning in ('call', 'email', 'chat', 'meeting', 'video_meeting')
        and (messages.kind <> 'meeting' or coalesce(met.first_met_at > messages.date, true))
    union all
    select
        'event-' || cast(id as varchar) as activity_id,
        case when is_video then 'video_meeting' else 'meeting' end as activity_type,
        'outbound' as direction,
        user_id,
        lead_id,
        least(create_date, start) as created_at,
        start as occurred_at,
        case when not is_active then 'cancelled' end as meeting_status
    from meetings
    where lead_id is not null
),

-- Until it is converted a row is a lead, from then on a deal.
final as (
    select
        found.activity_id,
        found.activity_type,
        found.direction,
        cast(found.user_id as varchar) as user_id,
        case
            when
                not opportunities.is_opportunity
                or (opportunities.was_lead and found.occurred_at < opportunities.date_conversion)
                then cast(found.lead_id as varchar)
        end as lead_id,
        cast(opportunities.contact_id as varchar) as contact_id,
        cast(opportunities.account_id as varchar) as account_id,
        case
            when
                opportunities.is_opportunity
                and not (opportunities.was_lead and found.occurred_at < opportunities.date_conversion)
                then cast(found.lead_id as varchar)
        end as deal_id,
        found.created_at,
        found.occurred_at,
        cast(null as varchar) as reply_sentiment,
        found.meeting_status
    from found
    inner join opportunities
        on found.lead_id = opportunities.lead_id
)

select * from final

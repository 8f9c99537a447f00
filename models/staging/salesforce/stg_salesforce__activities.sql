{{ config(enabled='salesforce' in var('crm_sources')) }}

with tasks_and_events as (
    select *
    from {{ ref('stg_salesforce__tasks_and_events') }}
    where occurred_at is not null
),

kinds as (
    {{ meanings('salesforce', 'activity_kind') }}
),

directions as (
    {{ meanings('salesforce', 'direction') }}
),

-- The first three characters of an id say which object it is of.
final as (
    select
        tasks_and_events.activity_id,
        kinds.meaning as activity_type,
        case when kinds.meaning not in ('meeting', 'video_meeting') then directions.meaning end as direction,
        tasks_and_events.owner_id as user_id,
        case when tasks_and_events.who_id like '00Q%' then tasks_and_events.who_id end as lead_id,
        case when tasks_and_events.who_id like '003%' then tasks_and_events.who_id end as contact_id,
        case
            when tasks_and_events.what_id like '001%' then tasks_and_events.what_id
            else tasks_and_events.account_id
        end as account_id,
        case when tasks_and_events.what_id like '006%' then tasks_and_events.what_id end as deal_id,
        coalesce(tasks_and_events.created_at, tasks_and_events.occurred_at) as created_at,
        tasks_and_events.occurred_at,
        cast(null as varchar) as reply_sentiment,
        cast(null as varchar) as meeting_status
    from tasks_and_events
    inner join kinds
        on
            tasks_and_events.kind = kinds.source_value
            and kinds.meaning is not null
    left join directions
        on coalesce(tasks_and_events.direction, '(none)') = directions.source_value
)

select * from final

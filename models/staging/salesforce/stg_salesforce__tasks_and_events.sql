{{ config(enabled='salesforce' in var('crm_sources')) }}

-- Tasks that were done and events, in one shape. Mails that were received are known by the mail itself.
with mails as (
    select
        activity_id,
        bool_or(incoming) as is_incoming
    from {{ source_rows('raw_salesforce', 'email_message') }}
    where
        activity_id is not null
        and not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))
    group by activity_id
),

tasks as (
    select
        id as activity_id,
        -- Only a plain task is what its type says: calls and mails have a subtype of their own.
        case
            when task_subtype is null or task_subtype = 'Task' then coalesce(type, task_subtype, '(none)')
            else task_subtype
        end as kind,
        call_type as direction,
        what_id,
        who_id,
        account_id,
        owner_id,
        created_date as created_at,
        -- The day of a task has no time: it is no earlier than what was logged that day.
        coalesce(
            completed_date_time,
            case
                when activity_date = {{ local_date('created_date') }} then created_date
                else {{ midnight_of('activity_date') }}
            end,
            created_date
        ) as occurred_at
    from {{ source_rows('raw_salesforce', 'task') }}
    where
        coalesce(is_closed, status = 'Completed')
        and not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))
        and coalesce(_fivetran_active, true)
),

events as (
    select
        id as activity_id,
        coalesce(type, event_subtype, 'Event') as kind,
        cast(null as varchar) as direction,
        what_id,
        who_id,
        account_id,
        owner_id,
        created_date as created_at,
        coalesce(
            start_date_time,
            activity_date_time,
            {{ midnight_of('activity_date') }},
            created_date
        ) as occurred_at
    from {{ source_rows('raw_salesforce', 'event') }}
    where
        not coalesce(is_child, false)
        and not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))
        and coalesce(_fivetran_active, true)
),

final as (
    select
        tasks.activity_id,
        tasks.kind,
        case when mails.is_incoming then 'Inbound' else tasks.direction end as direction,
        tasks.what_id,
        tasks.who_id,
        tasks.account_id,
        tasks.owner_id,
        tasks.created_at,
        tasks.occurred_at
    from tasks
    left join mails
        on tasks.activity_id = mails.activity_id
    union all
    select
        activity_id,
        kind,
        direction,
        what_id,
        who_id,
        account_id,
        owner_id,
        created_at,
        occurred_at
    from events
)

select * from final

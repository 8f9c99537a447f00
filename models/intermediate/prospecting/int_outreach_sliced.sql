{{ config(materialized='view') }}

-- Outbound calls, mails and chats with the dimensions of whoever acted.
with outreach as (
    select
        person,
        lead_id,
        occurred_at,
        {{ local_date('occurred_at') }} as occurred_on,
        {{ known_or_unknown('user_id') }} as owner,
        {{ known_or_unknown('team') }} as team,
        activity_type as channel,
        {{ known_or_unknown('source') }} as source
    from {{ ref('fct_activities') }}
    where is_outreach
),

final as (
    select
        person,
        lead_id,
        occurred_at,
        {{ period_columns('occurred_on') }},
        owner,
        team,
        channel,
        source,
        owner || '/' || channel as owner_channel
    from outreach
)

select * from final

{{ config(materialized='view') }}

-- Leads that somebody touched, with the dimensions of the first touch: whoever opened the door
-- is the owner here, not whoever has the lead now.
with leads as (
    select
        lead_id,
        source,
        region,
        first_touch_at,
        first_touch_type,
        first_touch_user_id,
        is_acquired,
        touches_before_acquisition
    from {{ ref('fct_leads') }}
    where first_touch_at is not null
),

users as (
    select
        user_id,
        team
    from {{ ref('dim_user') }}
),

final as (
    select
        leads.lead_id,
        leads.is_acquired,
        leads.touches_before_acquisition,
        {{ local_date('leads.first_touch_at') }} as first_touch_on,
        {{ known_or_unknown('leads.first_touch_user_id') }} as owner,
        {{ known_or_unknown('users.team') }} as team,
        leads.first_touch_type as channel,
        {{ known_or_unknown('leads.source') }} as source,
        {{ known_or_unknown('leads.region') }} as region
    from leads
    left join users
        on leads.first_touch_user_id = users.user_id
)

select * from final

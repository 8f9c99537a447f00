{{ config(materialized='view') }}

-- How many people a rep may aim to reach in a week: as many as in those of the 26 weeks before
-- in which the outreach paid off at least as well as usual.
with owner_weeks as (
    select
        dimension_value as owner,
        period_start as week_start,
        people
    from {{ ref('int_people_contacted') }}
    where
        period_grain = 'week'
        and dimension = 'owner'
        and dimension_value <> 'unknown'
),

meetings_set as (
    select
        user_id as owner,
        {{ period_start_of('week', local_date('created_at')) }} as week_start,
        count(*) as meetings
    from {{ ref('fct_activities') }}
    where is_meeting_set
    group by
        owner,
        week_start
),

active_weeks as (
    select
        owner_weeks.owner,
        owner_weeks.week_start,
        owner_weeks.people,
        coalesce(meetings_set.meetings, 0) as meetings
    from owner_weeks
    left join meetings_set
        on
            owner_weeks.owner = meetings_set.owner
            and owner_weeks.week_start = meetings_set.week_start
),

weeks_before as (
    select
        active_weeks.owner,
        active_weeks.week_start,
        earlier.people,
        earlier.meetings
    from active_weeks
    inner join active_weeks as earlier
        on
            active_weeks.owner = earlier.owner
            and active_weeks.week_start > earlier.week_start
            and active_weeks.week_start <= earlier.week_start + {{ 26 * 7 }}
),

-- Fewer than four weeks say nothing about what is usual.
usual_weeks as (
    select
        owner,
        week_start,
        {{ percentile('meetings', 0.5) }} as median_meetings
    from weeks_before
    group by
        owner,
        week_start
    having count(*) >= 4
),

final as (
    select
        weeks_before.owner,
        weeks_before.week_start,
        {{ average('weeks_before.people') }} as suggested_weekly_contacts
    from weeks_before
    inner join usual_weeks
        on
            weeks_before.owner = usual_weeks.owner
            and weeks_before.week_start = usual_weeks.week_start
            and weeks_before.meetings >= usual_weeks.median_meetings
    group by
        weeks_before.owner,
        weeks_before.week_start
)

select * from final

{{ config(materialized='incremental', incremental_strategy='by_period') }}

with contacted as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        touches,
        people
    from {{ ref('int_people_contacted') }}
    where
        dimension <> 'source'
        and {{ changed_periods(ref('int_people_contacted'), 'period_start') }}
),

goals as (
    select
        owner,
        week_start,
        suggested_weekly_contacts
    from {{ ref('int_goals_suggested') }}
    where {{ changed_periods(ref('int_goals_suggested'), 'week_start') }}
),

final as (
    select
        contacted.period_grain,
        contacted.period_start,
        {{ is_complete_period('contacted.period_grain', 'contacted.period_start') }} as is_complete_period,
        contacted.dimension,
        contacted.dimension_value,
        contacted.touches,
        contacted.people as unique_contacts,
        goals.suggested_weekly_contacts
    from contacted
    left join goals
        on
            contacted.period_grain = 'week'
            and contacted.dimension = 'owner'
            and contacted.dimension_value = goals.owner
            and contacted.period_start = goals.week_start
)

select * from final

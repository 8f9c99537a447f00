with contacted as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        touches,
        people
    from {{ ref('int_people_contacted') }}
    where dimension <> 'source'
),

goals as (
    select
        owner,
        week_start,
        suggested_weekly_contacts
    from {{ ref('int_goals_suggested') }}
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

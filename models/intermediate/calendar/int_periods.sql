with days as (
    select
        week_start,
        month_start,
        quarter_start
    from {{ ref('int_days') }}
    where date_day <= {{ as_of_on() }}
),

periods as (
    select distinct
        'week' as period_grain,
        week_start as period_start
    from days
    union all
    select distinct
        'month' as period_grain,
        month_start as period_start
    from days
    union all
    select distinct
        'quarter' as period_grain,
        quarter_start as period_start
    from days
),

final as (
    select
        period_grain,
        period_start,
        {{ shift_period(1) }} as next_period_start,
        {{ is_complete_period() }} as is_complete_period
    from periods
)

select * from final

with capacity_used as (
    select * from {{ ref('int_capacity_used') }}
    where role = 'ae'
),

final as (
    select
        'month' as period_grain,
        month_start as period_start,
        {{ is_complete_period("'month'", 'month_start') }} as is_complete_period,
        dimension,
        dimension_value,
        reps,
        capacity,
        work_items as won_deals,
        utilisation,
        capacity_signal
    from capacity_used
)

select * from final

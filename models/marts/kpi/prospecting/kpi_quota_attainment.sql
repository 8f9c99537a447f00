with quotas as (
    select * from {{ ref('int_quotas_attained') }}
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        'owner' as dimension,
        user_id as dimension_value,
        metric,
        target,
        actual,
        attainment
    from quotas
)

select * from final

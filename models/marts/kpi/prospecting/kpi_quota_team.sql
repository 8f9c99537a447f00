{% set dimensions = ['team', 'region'] %}

with quotas as (
    select
        user_id,
        metric,
        period_grain,
        period_start,
        attainment
    from {{ ref('int_quotas_attained') }}
),

users as (
    select
        user_id,
        team,
        region
    from {{ ref('dim_user') }}
),

quotas_of_teams as (
    select
        quotas.metric,
        quotas.period_grain,
        quotas.period_start,
        quotas.attainment,
        {{ known_or_unknown('users.team') }} as team,
        {{ known_or_unknown('users.region') }} as region
    from quotas
    left join users
        on quotas.user_id = users.user_id
),

sliced as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        {{ slice_columns([], dimensions) }},
        metric,
        count(*) as reps_with_quota,
        count(case when attainment >= 1 then 1 end) as reps_at_quota,
        {{ ratio('count(case when attainment >= 1 then 1 end)', 'count(*)') }} as pct_at_quota
    from quotas_of_teams
    group by {{ slices([], dimensions, keys=['period_grain', 'period_start', 'metric']) }}
),

-- In a running period nearly everybody is still below quota, which says nothing about the quota.
final as (
    select
        period_grain,
        period_start,
        is_complete_period,
        dimension,
        dimension_value,
        metric,
        reps_with_quota,
        reps_at_quota,
        pct_at_quota,
        case
            when not is_complete_period then null
            when pct_at_quota < {{ var('quota_too_high_below') }} then 'too_high'
            when pct_at_quota > {{ var('quota_too_low_above') }} then 'too_low'
            else 'ok'
        end as quota_signal
    from sliced
)

select * from final

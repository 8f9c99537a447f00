{% set grains = ['month', 'quarter'] %}

-- What each rep achieved of each quota, in the period that holds the quota's first day.
with quotas as (
    select
        user_id,
        metric,
        period_grain,
        case period_grain
            when 'month' then {{ period_start_of('month', 'period_start') }}
            when 'quarter' then {{ period_start_of('quarter', 'period_start') }}
        end as period_start,
        target
    from {{ ref('int_quotas_known') }}
),

-- Two quotas that fall into one period add up.
targets as (
    select
        user_id,
        metric,
        period_grain,
        period_start,
        sum(target) as target
    from quotas
    group by
        user_id,
        metric,
        period_grain,
        period_start
),

results as (
    select
        owner_id as user_id,
        'won_amount' as metric,
        {{ local_date('closed_at') }} as achieved_on,
        amount as result
    from {{ ref('fct_deals') }}
    where outcome = 'won'
    union all
    select
        owner_id as user_id,
        'new_leads' as metric,
        {{ local_date('created_at') }} as achieved_on,
        1 as result
    from {{ ref('fct_leads') }}
    union all
    select
        owner_id as user_id,
        'new_deals' as metric,
        {{ local_date('created_at') }} as achieved_on,
        1 as result
    from {{ ref('fct_deals') }}
),

dated_results as (
    select
        user_id,
        metric,
        {{ period_columns('achieved_on') }},
        result
    from results
    where user_id is not null
),

actuals as (
    select
        {{ slice_columns(grains, []) }},
        user_id,
        metric,
        sum(result) as actual
    from dated_results
    group by {{ slices(grains, [], keys=['user_id', 'metric']) }}
),

final as (
    select
        targets.user_id,
        targets.metric,
        targets.period_grain,
        targets.period_start,
        targets.target,
        coalesce(actuals.actual, 0) as actual,
        {{ ratio('coalesce(actuals.actual, 0)', 'targets.target') }} as attainment
    from targets
    left join actuals
        on
            targets.user_id = actuals.user_id
            and targets.metric = actuals.metric
            and targets.period_grain = actuals.period_grain
            and targets.period_start = actuals.period_start
)

select * from final

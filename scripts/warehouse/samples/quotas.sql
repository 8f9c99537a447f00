-- Targets look at what people of the role reached: about half of them make it. In some months the plan was
-- far too high, in some far too low; who has just started gets a smaller target, in the first month none.
create table life_quotas as
with results as (
    select
        user_no,
        month,
        metric,
        sum(reached) as reached,
    from rep_results
    group by user_no, month, metric
),
grains as (
    select
        *,
    from (
        values
            ('ae', 'won_amount', 'month', 1), ('ae', 'won_amount', 'quarter', 3), ('ae', 'new_deals', 'month', 1),
            ('am', 'won_amount', 'month', 1), ('am', 'won_amount', 'quarter', 3), ('am', 'new_deals', 'quarter', 3),
            ('bdr', 'new_leads', 'month', 1), ('bdr', 'new_leads', 'quarter', 3)
    ) as grains (role, metric, period_grain, period_months)
),
periods as (
    select
        roster.role,
        roster.user_no,
        roster.month,
        grains.metric,
        grains.period_grain,
        grains.period_months,
        make_date(roster.month // 12, roster.month % 12 + 1, 1) as period_start,
        (period_start - user_plan.hired_on)::integer as tenure_days,
        least(1, 0.35 + tenure_days / 300.0) as ramp,
        roster.month + grains.period_months <= month_no(getvariable('as_of')) as is_past,
    from roster
    inner join user_plan on roster.user_no = user_plan.user_no
    inner join grains on roster.role = grains.role
    where roster.month % grains.period_months = 0 and roster.month >= month_no(getvariable('start_on') + 14)
),
reached as (
    select
        periods.role,
        periods.metric,
        periods.period_grain,
        periods.month // 12 as year,
        periods.user_no,
        periods.month,
        coalesce(sum(results.reached), 0)::double / any_value(periods.ramp)::double as reached,
    from periods
    left join results
        on
            periods.user_no = results.user_no
            and periods.metric = results.metric
            and results.month >= periods.month
            and results.month < periods.month + periods.period_months
    where periods.is_past
    group by periods.role, periods.metric, periods.period_grain, periods.user_no, periods.month
),
levels as (
    select
        role,
        metric,
        period_grain,
        year,
        quantile_disc(reached, 0.40 order by reached) as usual,
        quantile_disc(reached, 0.75 order by reached) as good,
    from reached
    group by role, metric, period_grain, year
),
targets as (
    select
        periods.*,
        greatest(levels.usual, 0.35 * levels.good, 1) * periods.ramp
        * case
            when periods.period_grain = 'month' and periods.month % 11 = 3 then 2.8
            when periods.period_grain = 'month' and periods.month % 13 = 6 then 0.12
            when periods.period_grain = 'quarter' and (periods.month // 3) % 7 = 2 then 2.2
            when periods.period_grain = 'quarter' and (periods.month // 3) % 9 = 4 then 0.3
            else 0.94 + 0.12 * uniform(periods.user_no * 65536 + periods.month, 'target')
        end as target,
    from periods
    asof inner join levels
        on
            periods.role = levels.role
            and periods.metric = levels.metric
            and periods.period_grain = levels.period_grain
            and periods.month // 12 >= levels.year
)
select
    user_no,
    metric,
    period_grain,
    period_start,
    case
        when tenure_days < 31 and metric = 'won_amount' then 0
        when metric = 'won_amount' then round(target, -2)
        else greatest(1, round(target))
    end::decimal(18, 2) as target,
    period_start::timestamp as known_at,
from targets;

-- Do reps who close fast lose their customers within six months?
-- All matured customers of each rep: mean cycle and early churn side by side, reps with few of them last.
with cycles as (
    select
        dimension_value as user_id,
        sum(won_deals) as won_deals,
        {{ ratio('sum(avg_cycle_days * won_deals)', 'sum(case when avg_cycle_days is not null then won_deals end)') }}
            as avg_cycle_days,
        sum(matured_customers) as matured_customers,
        sum(churned_within_6_months) as churned_within_6_months
    from {{ ref('kpi_sales_cycle') }}
    where
        period_grain = 'quarter'
        and dimension = 'owner'
    group by dimension_value
),

users as (
    select
        user_id,
        full_name,
        team
    from {{ ref('dim_user') }}
),

final as (
    select
        coalesce(users.full_name, cycles.user_id) as rep,
        users.team,
        cycles.won_deals,
        cycles.avg_cycle_days,
        cycles.matured_customers,
        cycles.churned_within_6_months,
        {{ ratio('cycles.churned_within_6_months', 'cycles.matured_customers') }} as churn_rate_6m,
        {{ wilson_interval('cycles.churned_within_6_months', 'cycles.matured_customers', 'churn_rate_6m') }}
    from cycles
    left join users
        on cycles.user_id = users.user_id
    where cycles.matured_customers > 0
)

select * from final
order by (matured_customers >= 10) desc nulls last, avg_cycle_days asc nulls last

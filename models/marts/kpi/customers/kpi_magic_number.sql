-- What a unit of spend brought in recurring revenue one quarter later.
with months as (
    select
        month_start,
        quarter_start
    from {{ ref('int_mrr_months') }}
),

monthly_revenue as (
    select
        period_start as month_start,
        closing_mrr
    from {{ ref('kpi_mrr') }}
    where dimension = 'all'
),

spend as (
    select
        period_start as quarter_start,
        spend
    from {{ ref('kpi_cac') }}
    where dimension = 'all'
),

quarters as (
    select
        months.quarter_start,
        {{ shift_period(-1, "'quarter'", 'months.quarter_start') }} as previous_quarter_start,
        coalesce(sum(monthly_revenue.closing_mrr), 0) as recurring_revenue
    from months
    left join monthly_revenue
        on months.month_start = monthly_revenue.month_start
    group by months.quarter_start
),

compared as (
    select
        'quarter' as period_grain,
        quarters.quarter_start as period_start,
        quarters.recurring_revenue,
        coalesce(previous_quarters.recurring_revenue, 0) as previous_recurring_revenue,
        coalesce(spend.spend, 0) as previous_spend
    from quarters
    left join quarters as previous_quarters
        on quarters.previous_quarter_start = previous_quarters.quarter_start
    left join spend
        on quarters.previous_quarter_start = spend.quarter_start
    where {{ is_complete_period("'quarter'", 'quarters.quarter_start') }}
),

rated as (
    select
        *,
        case
            when previous_recurring_revenue <> 0
                then {{ ratio('(recurring_revenue - previous_recurring_revenue) * 4', 'previous_spend') }}
        end as magic_number
    from compared
),

final as (
    select
        period_grain,
        period_start,
        true as is_complete_period,
        'all' as dimension,
        'all' as dimension_value,
        recurring_revenue,
        previous_recurring_revenue,
        previous_spend,
        magic_number,
        case
            when magic_number < 0.75 then 'review_cac'
            when magic_number <= 1 then 'efficient'
            when magic_number > 1 then 'invest_more'
        end as magic_number_signal
    from rated
)

select * from final

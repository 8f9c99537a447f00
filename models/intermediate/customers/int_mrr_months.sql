-- The months for which recurring revenue is told: from the first subscription to the last complete month.
with months as (
    select
        period_start as month_start,
        next_period_start as next_month_start
    from {{ ref('int_periods') }}
    where
        period_grain = 'month'
        and is_complete_period
),

first_start as (
    select min(started_on) as started_on from {{ ref('int_subscriptions_known') }}
),

final as (
    select
        months.month_start,
        {{ period_start_of('quarter', 'months.month_start') }} as quarter_start,
        cast(months.month_start - interval 1 day as date) as last_day_before,
        cast(months.next_month_start - interval 1 day as date) as last_day
    from months
    inner join first_start
        on months.next_month_start > first_start.started_on
)

select * from final

{{ config(materialized='view') }}

-- What an account pays per month in one currency, and from which month until which: the subscriptions that
-- are active on a month's last day. One that begins and ends within a month never is.
with subscriptions as (
    select
        account_id,
        coalesce(currency, '{{ var("reporting_currency") }}') as currency,
        mrr,
        {{ period_start_of('month', 'started_on') }} as started_month,
        {{ period_start_of('month', 'ended_on') }} as ended_month
    from {{ ref('int_subscriptions_known') }}
),

starts_and_ends as (
    select
        account_id,
        currency,
        started_month as month_start,
        mrr as change
    from subscriptions
    union all
    select
        account_id,
        currency,
        ended_month as month_start,
        -mrr as change
    from subscriptions
    where ended_month is not null
),

changes as (
    select
        account_id,
        currency,
        month_start,
        sum(change) as change
    from starts_and_ends
    group by account_id, currency, month_start
    having sum(change) <> 0
),

final as (
    select
        account_id,
        currency,
        month_start as first_month,
        lead(month_start) over steps as next_step_month,
        cast(sum(change) over steps as decimal(28, 10)) as mrr,
        cast(sum(change) over (steps) - change as decimal(28, 10)) as mrr_before
    from changes
    window steps as (
        partition by account_id, currency
        order by month_start asc nulls last
    )
)

select * from final

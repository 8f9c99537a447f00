{{ config(materialized='incremental', incremental_strategy='keyed', key='account_id', touched='touched_accounts') }}

with steps as (
    select
        account_id,
        currency,
        first_month,
        next_step_month,
        mrr,
        mrr_before
    from {{ ref('int_subscription_steps') }}
    where {{ only_touched('account_id') }}
),

months as (
    select
        month_start,
        last_day_before,
        last_day
    from {{ ref('int_mrr_months') }}
),

rates as (
    select
        currency,
        rate_day,
        rate
    from {{ ref('int_fx_rates_daily') }}
),

-- Movements are measured at last month's rate, so that a moving currency is no expansion. Until its currency
-- has a rate a subscription is worth nothing.
month_rates as (
    select
        months.month_start,
        rates.currency,
        rates.rate,
        rates_before.rate as rate_before,
        coalesce(rates_before.rate, rates.rate) as rate_for_movements
    from months
    inner join rates
        on months.last_day = rates.rate_day
    left join rates as rates_before
        on
            months.last_day_before = rates_before.rate_day
            and rates.currency = rates_before.currency
),

step_months as (
    select
        steps.account_id,
        steps.currency,
        months.month_start,
        steps.mrr,
        case when months.month_start = steps.first_month then steps.mrr_before else steps.mrr end
            as mrr_before
    from steps
    inner join months
        on
            steps.first_month <= months.month_start
            and (steps.next_step_month > months.month_start or steps.next_step_month is null)
),

account_months as (
    select
        step_months.account_id,
        step_months.month_start,
        sum({{ to_reporting_currency('step_months.mrr', 'month_rates.rate') }}) as mrr,
        coalesce(
            sum({{ to_reporting_currency('step_months.mrr_before', 'month_rates.rate_before') }}), 0
        ) as previous_mrr,
        sum({{ to_reporting_currency('step_months.mrr', 'month_rates.rate_for_movements') }})
            as mrr_at_previous_rate
    from step_months
    inner join month_rates
        on
            step_months.month_start = month_rates.month_start
            and step_months.currency = month_rates.currency
    group by step_months.account_id, step_months.month_start
),

first_active_months as (
    select
        account_id,
        min(month_start) as month_start
    from account_months
    where mrr > 0
    group by account_id
),

moved as (
    select
        account_months.account_id,
        account_months.month_start,
        cast(account_months.mrr as decimal(28, 10)) as mrr,
        cast(account_months.previous_mrr as decimal(28, 10)) as previous_mrr,
        cast(account_months.mrr_at_previous_rate - account_months.previous_mrr as decimal(28, 10))
            as movement_amount,
        cast(account_months.mrr - account_months.mrr_at_previous_rate as decimal(28, 10)) as fx_amount,
        account_months.month_start = first_active_months.month_start as is_first_active
    from account_months
    inner join first_active_months
        on
            account_months.account_id = first_active_months.account_id
            and account_months.month_start >= first_active_months.month_start
),

final as (
    select
        account_id,
        month_start,
        mrr,
        previous_mrr,
        case
            when is_first_active then 'new'
            when mrr > 0 and previous_mrr <= 0 then 'reactivation'
            when mrr <= 0 and previous_mrr > 0 then 'churn'
            when movement_amount >= 0.000001 then 'expansion'
            when movement_amount <= -0.000001 then 'contraction'
            else 'none'
        end as movement,
        movement_amount,
        fx_amount
    from moved
)

select * from final

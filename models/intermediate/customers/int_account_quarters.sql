{{ config(materialized='incremental', incremental_strategy='keyed', key='account_id', touched='touched_account_money') }}

-- What an account brought and what it cost by fiscal quarter: months of recurring revenue, orders, costs.
with months as (
    select
        account_id,
        month_start,
        mrr
    from {{ ref('fct_account_months') }}
    where
        mrr <> 0
        and {{ only_touched('account_id') }}
),

orders as (
    select
        account_id,
        {{ local_date('ordered_at') }} as ordered_on,
        amount
    from {{ ref('fct_orders') }}
    where
        account_id is not null
        and {{ only_touched('account_id') }}
),

costs as (
    select
        account_id,
        incurred_on,
        amount,
        currency
    from {{ ref('int_account_costs_known') }}
    where {{ only_touched('account_id') }}
),

rates as (
    select
        currency,
        rate_day,
        rate
    from {{ ref('int_fx_rates_daily') }}
),

flows as (
    select
        account_id,
        month_start as flowed_on,
        mrr as revenue,
        cast(0 as decimal(28, 10)) as cost
    from months
    union all
    select
        account_id,
        ordered_on as flowed_on,
        amount as revenue,
        cast(0 as decimal(28, 10)) as cost
    from orders
    union all
    select
        costs.account_id,
        costs.incurred_on as flowed_on,
        cast(0 as decimal(28, 10)) as revenue,
        {{ to_reporting_currency('costs.amount', 'rates.rate') }} as cost
    from costs
    left join rates
        on
            coalesce(costs.currency, '{{ var("reporting_currency") }}') = rates.currency
            and costs.incurred_on = rates.rate_day
),

-- An amount whose currency has no rate counts as nothing here; a check names it.
final as (
    select
        account_id,
        {{ period_start_of('quarter', 'flowed_on') }} as quarter_start,
        coalesce(sum(revenue), 0) as revenue,
        coalesce(sum(cost), 0) as cost
    from flows
    group by account_id, {{ period_start_of('quarter', 'flowed_on') }}
)

select * from final

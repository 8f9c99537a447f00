{{ config(materialized='view') }}

-- What the customers of each complete quarter brought and cost, to date and within the quarter.
with customers as (
    select
        account_id,
        segment,
        quarter_start
    from {{ ref('int_customers_sliced') }}
),

account_quarters as (
    select
        account_id,
        quarter_start,
        revenue,
        cost
    from {{ ref('int_account_quarters') }}
),

quarters as (
    select
        period_grain,
        period_start
    from {{ ref('int_periods') }}
    where
        period_grain = 'quarter'
        and is_complete_period
),

-- What an account brought before it was a customer is counted from the quarter in which it became one.
flows as (
    select
        quarter_start,
        segment,
        1 as new_customers,
        0 as revenue,
        0 as cost,
        0 as revenue_in_quarter,
        0 as cost_in_quarter
    from customers
    union all
    select
        greatest(account_quarters.quarter_start, customers.quarter_start) as quarter_start,
        customers.segment,
        0 as new_customers,
        account_quarters.revenue,
        account_quarters.cost,
        case when account_quarters.quarter_start >= customers.quarter_start then account_quarters.revenue end
            as revenue_in_quarter,
        case when account_quarters.quarter_start >= customers.quarter_start then account_quarters.cost end
            as cost_in_quarter
    from account_quarters
    inner join customers
        on account_quarters.account_id = customers.account_id
),

sliced as (
    select
        {{ slice_columns(['quarter'], ['segment']) }},
        sum(new_customers) as new_customers,
        sum(revenue) as revenue,
        sum(cost) as cost,
        sum(revenue_in_quarter) as revenue_in_quarter,
        sum(cost_in_quarter) as cost_in_quarter
    from flows
    group by {{ slices(['quarter'], ['segment']) }}
),

-- Inner: a slice begins with its first customer.
final as (
    select
        quarters.period_grain,
        quarters.period_start,
        sliced.dimension,
        sliced.dimension_value,
        sum(sliced.new_customers) as customers,
        sum(sliced.revenue) as revenue_to_date,
        sum(sliced.cost) as cost_to_date,
        sum(case when sliced.period_start = quarters.period_start then sliced.revenue_in_quarter end)
            as revenue_in_quarter,
        sum(case when sliced.period_start = quarters.period_start then sliced.cost_in_quarter end)
            as cost_in_quarter
    from quarters
    inner join sliced
        on quarters.period_start >= sliced.period_start
    group by quarters.period_grain, quarters.period_start, sliced.dimension, sliced.dimension_value
)

select * from final

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

firsts as (
    select
        dimension,
        dimension_value,
        min(period_start) as first_period_start
    from sliced
    group by dimension, dimension_value
),

final as (
    select
        quarters.period_grain,
        quarters.period_start,
        firsts.dimension,
        firsts.dimension_value,
        sum(coalesce(sliced.new_customers, 0)) over to_date as customers,
        sum(coalesce(sliced.revenue, 0)) over to_date as revenue_to_date,
        sum(coalesce(sliced.cost, 0)) over to_date as cost_to_date,
        sliced.revenue_in_quarter,
        sliced.cost_in_quarter
    from quarters
    inner join firsts
        on quarters.period_start >= firsts.first_period_start
    left join sliced
        on
            quarters.period_start = sliced.period_start
            and firsts.dimension = sliced.dimension
            and firsts.dimension_value = sliced.dimension_value
    window to_date as (
        partition by firsts.dimension, firsts.dimension_value
        order by quarters.period_start asc nulls last
    )
)

select * from final

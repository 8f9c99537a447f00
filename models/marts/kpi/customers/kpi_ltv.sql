{% set running = 'partition by firsts.dimension, firsts.dimension_value order by quarters.period_start asc nulls last' %}

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

to_date as (
    select
        quarters.period_grain,
        quarters.period_start,
        firsts.dimension,
        firsts.dimension_value,
        sum(coalesce(sliced.new_customers, 0)) over ({{ running }}) as customers,
        sum(coalesce(sliced.revenue, 0)) over ({{ running }}) as revenue_to_date,
        sum(coalesce(sliced.cost, 0)) over ({{ running }}) as cost_to_date,
        1 - {{ ratio('sliced.cost_in_quarter', 'sliced.revenue_in_quarter') }} as gross_margin
    from quarters
    inner join firsts
        on quarters.period_start >= firsts.first_period_start
    left join sliced
        on
            quarters.period_start = sliced.period_start
            and firsts.dimension = sliced.dimension
            and firsts.dimension_value = sliced.dimension_value
),

recurring as (
    select
        {{ period_start_of('quarter', 'period_start') }} as quarter_start,
        dimension,
        dimension_value,
        sum(churned_accounts) as churned_accounts,
        sum(opening_accounts) as account_months,
        max(
            case
                when period_start = {{ period_start_of('quarter', 'period_start') }} + interval 2 month
                    then {{ ratio('closing_mrr', 'active_accounts') }}
            end
        ) as arpa
    from {{ ref('kpi_mrr') }}
    where dimension in ('all', 'segment')
    group by {{ period_start_of('quarter', 'period_start') }}, dimension, dimension_value
),

cac as (
    select
        period_start,
        dimension,
        dimension_value,
        cac
    from {{ ref('kpi_cac') }}
),

expected as (
    select
        to_date.*,
        {{ ratio('to_date.revenue_to_date', 'to_date.customers') }} as avg_revenue_to_date,
        {{ ratio('to_date.cost_to_date', 'to_date.customers') }} as avg_cost_to_date,
        recurring.arpa,
        cast(coalesce(recurring.churned_accounts, 0) as bigint) as churned_accounts,
        cast(coalesce(recurring.account_months, 0) as bigint) as account_months,
        {{ expected_lifetime_months('recurring.churned_accounts', 'recurring.account_months') }}
            as expected_lifetime_months,
        cac.cac
    from to_date
    left join recurring
        on
            to_date.period_start = recurring.quarter_start
            and to_date.dimension = recurring.dimension
            and to_date.dimension_value = recurring.dimension_value
    left join cac
        on
            to_date.period_start = cac.period_start
            and to_date.dimension = cac.dimension
            and to_date.dimension_value = cac.dimension_value
),

final as (
    select
        period_grain,
        period_start,
        true as is_complete_period,
        dimension,
        dimension_value,
        cast(customers as bigint) as customers,
        avg_revenue_to_date,
        avg_cost_to_date,
        {{ ratio('revenue_to_date - cost_to_date', 'customers') }} as ltv_to_date,
        gross_margin,
        arpa,
        churned_accounts,
        account_months,
        {{ ratio('churned_accounts', 'account_months') }} as monthly_churn_rate,
        expected_lifetime_months,
        arpa * gross_margin * expected_lifetime_months as ltv_expected,
        cac,
        {{ ratio('arpa * gross_margin * expected_lifetime_months', 'cac') }} as ltv_to_cac
    from expected
)

select * from final

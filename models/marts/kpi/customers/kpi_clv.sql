with customers as (
    select
        account_id,
        segment,
        became_customer_at,
        churned_at
    from {{ ref('int_customers_sliced') }}
),

to_date as (
    select
        account_id,
        sum(revenue) as revenue_to_date,
        sum(cost) as cost_to_date
    from {{ ref('int_account_quarters') }}
    group by account_id
),

current_months as (
    select
        account_id,
        mrr
    from {{ ref('fct_account_months') }}
    where {{ period_start_of('month', as_of_on()) }} = cast(month_start + interval 1 month as date)
),

lifetimes as (
    select
        dimension_value as segment,
        {{ expected_lifetime_months('sum(churned_accounts)', 'sum(opening_accounts)') }}
            as expected_lifetime_months
    from {{ ref('kpi_mrr') }}
    where
        dimension = 'segment'
        and period_start >= {{ period_start_of('month', as_of_on()) }} - interval 12 month
    group by dimension_value
),

valued as (
    select
        customers.account_id,
        customers.segment,
        customers.became_customer_at,
        customers.churned_at,
        cast(coalesce(to_date.revenue_to_date, 0) as decimal(38, 10)) as revenue_to_date,
        cast(coalesce(to_date.cost_to_date, 0) as decimal(38, 10)) as cost_to_date,
        cast(coalesce(current_months.mrr, 0) as decimal(28, 10)) as current_mrr
    from customers
    left join to_date
        on customers.account_id = to_date.account_id
    left join current_months
        on customers.account_id = current_months.account_id
),

-- What is still to come is valued at the margin and the churn of the customer's segment.
expected as (
    select
        valued.*,
        valued.revenue_to_date - valued.cost_to_date as clv_to_date,
        1 - {{ ratio('sum(valued.cost_to_date) over segments', 'sum(valued.revenue_to_date) over segments') }}
            as gross_margin,
        case
            when valued.churned_at is not null then 0
            else lifetimes.expected_lifetime_months
        end as expected_remaining_months
    from valued
    left join lifetimes
        on valued.segment = lifetimes.segment
    window segments as (partition by valued.segment)
),

summed as (
    select
        *,
        cast(clv_to_date as double)
        + cast(current_mrr as double) * gross_margin * expected_remaining_months as clv_expected
    from expected
),

final as (
    select
        account_id,
        became_customer_at,
        revenue_to_date,
        cost_to_date,
        clv_to_date,
        current_mrr,
        expected_remaining_months,
        clv_expected,
        row_number() over (
            order by clv_expected desc nulls last, clv_to_date desc nulls last, account_id asc nulls last
        ) as clv_rank
    from summed
)

select * from final

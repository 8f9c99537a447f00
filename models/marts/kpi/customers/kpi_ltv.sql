with customer_values as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        customers,
        revenue_to_date,
        cost_to_date,
        revenue_in_quarter,
        cost_in_quarter
    from {{ ref('int_customer_value_quarters') }}
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
        customer_values.*,
        1 - {{ ratio('customer_values.cost_in_quarter', 'customer_values.revenue_in_quarter') }} as gross_margin,
        recurring.arpa,
        cast(coalesce(recurring.churned_accounts, 0) as bigint) as churned_accounts,
        cast(coalesce(recurring.account_months, 0) as bigint) as account_months,
        {{ expected_lifetime_months('recurring.churned_accounts', 'recurring.account_months') }}
            as expected_lifetime_months,
        cac.cac
    from customer_values
    left join recurring
        on
            customer_values.period_start = recurring.quarter_start
            and customer_values.dimension = recurring.dimension
            and customer_values.dimension_value = recurring.dimension_value
    left join cac
        on
            customer_values.period_start = cac.period_start
            and customer_values.dimension = cac.dimension
            and customer_values.dimension_value = cac.dimension_value
),

final as (
    select
        period_grain,
        period_start,
        true as is_complete_period,
        dimension,
        dimension_value,
        cast(customers as bigint) as customers,
        {{ ratio('revenue_to_date', 'customers') }} as avg_revenue_to_date,
        {{ ratio('cost_to_date', 'customers') }} as avg_cost_to_date,
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

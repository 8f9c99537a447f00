{{ config(materialized='view') }}

-- Customers with the dimensions of their account and the periods in which they became customers.
with customers as (
    select
        account_id,
        first_won_deal_id,
        first_product_id,
        became_customer_at,
        churned_at,
        {{ local_date('became_customer_at') }} as became_customer_on
    from {{ ref('int_customers') }}
),

accounts as (
    select
        account_id,
        owner_id,
        industry,
        segment
    from {{ ref('int_accounts_known') }}
),

final as (
    select
        customers.account_id,
        customers.first_won_deal_id,
        customers.first_product_id,
        customers.became_customer_at,
        customers.churned_at,
        {{ period_columns('customers.became_customer_on') }},
        {{ known_or_unknown('accounts.owner_id') }} as owner,
        {{ known_or_unknown('accounts.industry') }} as industry,
        {{ known_or_unknown('accounts.segment') }} as segment
    from customers
    inner join accounts
        on customers.account_id = accounts.account_id
)

select * from final

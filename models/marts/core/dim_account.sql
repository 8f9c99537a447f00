with accounts as (
    select
        account_id,
        name,
        industry,
        segment,
        region,
        owner_id,
        created_at
    from {{ ref('int_accounts_known') }}
),

customers as (
    select
        account_id,
        became_customer_at,
        churned_at
    from {{ ref('int_customers') }}
),

final as (
    select
        accounts.account_id,
        accounts.name,
        accounts.industry,
        accounts.segment,
        accounts.region,
        accounts.owner_id,
        accounts.created_at,
        customers.became_customer_at,
        customers.churned_at
    from accounts
    left join customers
        on accounts.account_id = customers.account_id
)

select * from final

-- Accounts that bought: since when, with what, and whether they have left.
with accounts as (
    select account_id from {{ ref('int_accounts_known') }}
),

won_deals as (
    select
        account_id,
        deal_id,
        product_id,
        closed_at,
        row_number() over (
            partition by account_id
            order by closed_at asc nulls last, deal_id asc nulls last
        ) as purchase_number
    from {{ ref('fct_deals') }}
    where
        outcome = 'won'
        and account_id is not null
),

first_won_deals as (
    select
        account_id,
        deal_id,
        product_id,
        closed_at
    from won_deals
    where purchase_number = 1
),

-- A free subscription makes no customer, and its end no churn.
paid_subscriptions as (
    select
        account_id,
        min(started_on) as first_started_on,
        max(ended_on) as last_ended_on,
        count(*) - count(ended_on) as active_subscriptions
    from {{ ref('int_subscriptions_known') }}
    where mrr > 0
    group by account_id
),

first_orders as (
    select
        account_id,
        min(ordered_at) as first_ordered_at
    from {{ ref('int_orders_known') }}
    where account_id is not null
    group by account_id
),

final as (
    select
        accounts.account_id,
        first_won_deals.deal_id as first_won_deal_id,
        first_won_deals.product_id as first_product_id,
        coalesce(
            first_won_deals.closed_at,
            least({{ midnight_of('paid_subscriptions.first_started_on') }}, first_orders.first_ordered_at)
        ) as became_customer_at,
        paid_subscriptions.account_id is not null as has_subscribed,
        case
            when paid_subscriptions.active_subscriptions = 0
                then {{ midnight_of('paid_subscriptions.last_ended_on') }}
        end as churned_at
    from accounts
    left join first_won_deals
        on accounts.account_id = first_won_deals.account_id
    left join paid_subscriptions
        on accounts.account_id = paid_subscriptions.account_id
    left join first_orders
        on accounts.account_id = first_orders.account_id
    where
        first_won_deals.account_id is not null
        or paid_subscriptions.account_id is not null
        or first_orders.account_id is not null
)

select * from final

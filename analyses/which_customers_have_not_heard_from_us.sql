-- Which valuable customers have not heard from us for a quarter?
with engagement as (
    select
        account_id,
        owner_id,
        last_touch_at,
        days_since_last_touch,
        touches_per_quarter
    from {{ ref('kpi_customer_engagement') }}
    where
        not is_churned
        and (days_since_last_touch > 91 or last_touch_at is null)
),

lifetime_values as (
    select
        account_id,
        current_mrr,
        clv_expected,
        clv_rank
    from {{ ref('kpi_clv') }}
),

accounts as (
    select
        account_id,
        name,
        segment
    from {{ ref('dim_account') }}
),

final as (
    select
        lifetime_values.clv_rank,
        accounts.name,
        accounts.segment,
        engagement.owner_id,
        lifetime_values.current_mrr,
        lifetime_values.clv_expected,
        engagement.last_touch_at,
        engagement.touches_per_quarter
    from engagement
    inner join lifetime_values
        on engagement.account_id = lifetime_values.account_id
    inner join accounts
        on engagement.account_id = accounts.account_id
)

select * from final
order by clv_rank asc nulls last

with customers as (
    select
        account_id,
        owner,
        became_customer_at,
        churned_at,
        -- A subscription may have ended before the first deal was won.
        greatest({{ elapsed_us('became_customer_at', 'coalesce(churned_at, ' ~ as_of() ~ ')') }}, 0)
            as relationship_us
    from {{ ref('int_customers_sliced') }}
),

touches as (
    select
        account_id,
        occurred_at
    from {{ ref('fct_activities') }}
    where
        is_touch
        and account_id is not null
),

touched as (
    select
        customers.account_id,
        count(*) as touches,
        count(case when touches.occurred_at >= {{ as_of() }} - interval 90 day then 1 end)
            as touches_last_90_days,
        min(touches.occurred_at) as first_touch_at,
        max(touches.occurred_at) as last_touch_at
    from customers
    inner join touches
        on
            customers.account_id = touches.account_id
            and customers.became_customer_at <= touches.occurred_at
    group by customers.account_id
),

ranked as (
    select
        customers.account_id,
        customers.owner,
        customers.became_customer_at,
        customers.relationship_us,
        customers.churned_at is not null as is_churned,
        coalesce(touched.touches, 0) as touches,
        coalesce(touched.touches_last_90_days, 0) as touches_last_90_days,
        touched.first_touch_at,
        touched.last_touch_at,
        case
            when customers.churned_at is null
                then row_number() over (
                    partition by customers.churned_at is null
                    order by customers.became_customer_at asc nulls last, customers.account_id asc nulls last
                )
        end as tenure_rank
    from customers
    left join touched
        on customers.account_id = touched.account_id
),

final as (
    select
        account_id,
        owner as owner_id,
        became_customer_at,
        {{ in_days('relationship_us') }} as relationship_days,
        touches,
        touches_last_90_days,
        {{ ratio('touches', in_days('relationship_us')) }} * 91.3125 as touches_per_quarter,
        {{ ratio(in_days(elapsed_us('first_touch_at', 'last_touch_at')), 'touches - 1') }}
            as avg_days_between_touches,
        last_touch_at,
        {{ in_days(elapsed_us('last_touch_at', as_of())) }} as days_since_last_touch,
        is_churned,
        tenure_rank,
        coalesce(tenure_rank <= 10, false) as is_top_long_term
    from ranked
)

select * from final

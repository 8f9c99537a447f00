{% set dimensions = ['segment', 'region'] %}

with account_months as (
    select
        account_id,
        month_start,
        mrr,
        previous_mrr,
        movement,
        movement_amount,
        fx_amount
    from {{ ref('fct_account_months') }}
),

accounts as (
    select
        account_id,
        segment,
        region
    from {{ ref('dim_account') }}
),

-- The money of an account that `accounts` does not list counts as well.
attributed as (
    select
        account_months.*,
        {{ known_or_unknown('accounts.segment') }} as segment,
        {{ known_or_unknown('accounts.region') }} as region
    from account_months
    left join accounts
        on account_months.account_id = accounts.account_id
),

sliced as (
    select
        {{ slice_columns(['month'], dimensions) }},
        sum(previous_mrr) as opening_mrr,
        {%- for movement in ['new', 'reactivation', 'expansion', 'contraction', 'churn'] %}
        coalesce(sum(case when movement = '{{ movement }}' then movement_amount end), 0)
            as {{ movement }}_amount,
        {%- endfor %}
        sum(fx_amount) as fx_mrr,
        sum(mrr) as closing_mrr,
        count(case when previous_mrr > 0 then 1 end) as opening_accounts,
        count(case when mrr > 0 then 1 end) as active_accounts,
        count(case when movement = 'churn' then 1 end) as churned_accounts
    from attributed
    group by {{ slices(['month'], dimensions) }}
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        opening_mrr,
        new_amount as new_mrr,
        reactivation_amount as reactivation_mrr,
        expansion_amount as expansion_mrr,
        -contraction_amount as contraction_mrr,
        -churn_amount as churned_mrr,
        fx_mrr,
        closing_mrr,
        opening_accounts,
        active_accounts,
        churned_accounts,
        {{ ratio('opening_mrr + expansion_amount + contraction_amount + churn_amount', 'opening_mrr') }}
            as net_revenue_retention,
        {{ ratio('opening_mrr + contraction_amount + churn_amount', 'opening_mrr') }}
            as gross_revenue_retention,
        {{ ratio('churned_accounts', 'opening_accounts') }} as logo_churn_rate
    from sliced
)

select * from final

-- Which sources bring won amount per unit of marketing spend?
-- Spend of a quarter against the amount won from the same source in the quarter after: deals take their time.
with won as (
    select
        period_start,
        source,
        won_deals,
        won_amount
    from {{ ref('kpi_deal_amount_by_source') }}
    where
        period_grain = 'quarter'
        and is_complete_period
),

spend as (
    select
        {{ period_start_of('quarter', 'spent_on') }} as period_start,
        coalesce(source, 'unknown') as source,
        sum(amount) as spend
    from {{ ref('fct_spend') }}
    group by {{ period_start_of('quarter', 'spent_on') }}, coalesce(source, 'unknown')
),

final as (
    select
        spend.period_start as spent_in,
        spend.source,
        spend.spend,
        won.won_deals as won_deals_next_quarter,
        won.won_amount as won_amount_next_quarter,
        {{ ratio('won.won_amount', 'spend.spend') }} as won_per_unit_of_spend
    from spend
    inner join won
        on
            cast(spend.period_start + interval 3 month as date) = won.period_start
            and spend.source = won.source
)

select * from final
order by spent_in asc nulls last, won_per_unit_of_spend desc nulls last

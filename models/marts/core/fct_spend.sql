with spend as (
    select
        spend_id,
        spent_on,
        department,
        source,
        segment,
        amount,
        currency
    from {{ ref('int_spend_known') }}
),

rates as (
    select
        currency,
        rate_day,
        rate
    from {{ ref('int_fx_rates_daily') }}
),

final as (
    select
        spend.spend_id,
        spend.spent_on,
        spend.department,
        spend.source,
        spend.segment,
        {{ to_reporting_currency('spend.amount', 'rates.rate') }} as amount
    from spend
    left join rates
        on
            coalesce(spend.currency, '{{ var("reporting_currency") }}') = rates.currency
            and spend.spent_on = rates.rate_day
)

select * from final

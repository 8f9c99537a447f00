with prices as (
    select
        competitor,
        product_id,
        observed_on,
        price,
        currency
    from {{ ref('int_competitor_prices_known') }}
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
        prices.competitor,
        prices.product_id,
        prices.observed_on,
        {{ to_reporting_currency('prices.price', 'rates.rate') }} as price
    from prices
    left join rates
        on
            rates.currency = coalesce(prices.currency, '{{ var("reporting_currency") }}')
            and prices.observed_on = rates.rate_day
)

select * from final

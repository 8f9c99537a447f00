{% set grains = ['week', 'month'] %}

with competitor_prices as (
    select
        competitor,
        product_id,
        price,
        {{ period_columns('observed_on') }}
    from {{ ref('fct_competitor_prices') }}
),

order_lines as (
    select
        product_id,
        amount,
        quantity,
        {{ period_columns(local_date('ordered_at')) }}
    from {{ ref('fct_orders') }}
    where
        amount is not null
        and product_id is not null
),

products as (
    select
        product_id,
        list_price,
        currency
    from {{ ref('dim_product') }}
),

periods as (
    select
        period_grain,
        period_start,
        is_complete_period,
        -- A list price is converted at the last day of the period, or at as_of's date if that is earlier.
        least(cast(next_period_start - interval 1 day as date), {{ as_of_on() }}) as priced_on
    from {{ ref('int_periods') }}
),

rates as (
    select
        currency,
        rate_day,
        rate
    from {{ ref('int_fx_rates_daily') }}
),

competitor_averages as (
    select
        {{ slice_columns(grains, []) }},
        product_id,
        competitor,
        {{ average('price') }} as competitor_avg_price
    from competitor_prices
    group by {{ slices(grains, [], keys=['product_id', 'competitor']) }}
),

own_averages as (
    select
        {{ slice_columns(grains, []) }},
        product_id,
        {{ ratio('sum(amount)', 'sum(quantity)') }} as own_avg_price
    from order_lines
    group by {{ slices(grains, [], keys=['product_id']) }}
),

compared as (
    select
        competitor_averages.period_grain,
        competitor_averages.period_start,
        periods.is_complete_period,
        competitor_averages.product_id,
        competitor_averages.competitor,
        competitor_averages.competitor_avg_price,
        own_averages.own_avg_price,
        {{ to_reporting_currency('products.list_price', 'rates.rate') }} as list_price
    from competitor_averages
    inner join periods
        on
            competitor_averages.period_grain = periods.period_grain
            and competitor_averages.period_start = periods.period_start
    left join own_averages
        on
            competitor_averages.period_grain = own_averages.period_grain
            and competitor_averages.period_start = own_averages.period_start
            and competitor_averages.product_id = own_averages.product_id
    left join products
        on competitor_averages.product_id = products.product_id
    left join rates
        on
            rates.currency = coalesce(products.currency, '{{ var("reporting_currency") }}')
            and periods.priced_on = rates.rate_day
),

gaps as (
    select
        *,
        {{ ratio('coalesce(own_avg_price, list_price)', 'competitor_avg_price') }} - 1 as price_gap
    from compared
),

-- Dearer, but not by much; a gap within 1e-9 of a bound counts as on it.
final as (
    select
        period_grain,
        period_start,
        is_complete_period,
        product_id,
        competitor,
        competitor_avg_price,
        own_avg_price,
        list_price,
        price_gap,
        coalesce(
            price_gap > 1e-9 and price_gap <= {{ var('price_match_threshold') }} + 1e-9, false
        ) as is_price_match_candidate
    from gaps
)

select * from final

with rates as (
    select
        currency,
        rate_on,
        rate,
        lead(rate_on) over (partition by currency order by rate_on asc nulls last) as next_rate_on
    from {{ ref('int_fx_rates_known') }}
    where currency <> '{{ var("reporting_currency") }}'
),

days as (
    select date_day
    from {{ ref('int_days') }}
    where date_day <= {{ as_of_on() }}
),

-- The latest rate on or before the day holds until the next one; before the first there is none.
final as (
    select
        rates.currency,
        days.date_day as rate_day,
        rates.rate
    from rates
    inner join days
        on
            rates.rate_on <= days.date_day
            and (rates.next_rate_on > days.date_day or rates.next_rate_on is null)
    union all
    select
        '{{ var("reporting_currency") }}' as currency,
        days.date_day as rate_day,
        cast(1 as decimal(30, 18)) as rate
    from days
)

select * from final

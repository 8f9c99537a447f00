{{ config(enabled='odoo' in var('crm_sources')) }}

-- Odoo says, per company, how many units of a currency one unit of the company's own buys. Taken from the company that
-- works in the reporting currency, else from the first one that knows it.
with rates as (
    select *
    from {{ source_rows('raw_odoo', 'res_currency_rate') }}
    where
        name is not null
        and rate > 0
),

currencies as (
    select
        id,
        name
    from {{ source_rows('raw_odoo', 'res_currency') }}
),

companies as (
    select
        res_company.id,
        currencies.name as currency
    from {{ source_rows('raw_odoo', 'res_company') }}
    left join currencies
        on res_company.currency_id = currencies.id
),

-- Rates without a company hold for all of them.
units as (
    select
        companies.id as company_id,
        companies.currency as own_currency,
        currencies.name as currency,
        rates.name as rate_on,
        cast(rates.rate as double) as units,
        rates.id
    from rates
    inner join currencies
        on rates.currency_id = currencies.id
    inner join companies
        on coalesce(rates.company_id, companies.id) = companies.id
),

chosen as (
    select company_id
    from units
    where
        own_currency = '{{ var("reporting_currency") }}'
        or currency = '{{ var("reporting_currency") }}'
    order by
        case when own_currency = '{{ var("reporting_currency") }}' then 0 else 1 end asc,
        company_id asc
    limit 1
),

-- One unit of its own currency is one unit, at all times.
known as (
    select
        units.currency,
        units.rate_on,
        units.units
    from units
    inner join chosen
        on units.company_id = chosen.company_id
    where units.currency <> units.own_currency
    qualify row_number() over (partition by units.currency, units.rate_on order by units.id desc nulls last) = 1
    union all
    select distinct
        units.own_currency as currency,
        units.rate_on,
        1.0 as units
    from units
    inner join chosen
        on units.company_id = chosen.company_id
),

reporting as (
    select
        rate_on,
        units
    from known
    where currency = '{{ var("reporting_currency") }}'
),

-- A rate changes when either of the two currencies does.
dates as (
    select distinct rate_on
    from known
),

days as (
    select distinct
        known.currency,
        dates.rate_on
    from known
    cross join dates
    where known.currency <> '{{ var("reporting_currency") }}'
),

final as (
    select
        days.currency,
        days.rate_on,
        cast(reporting.units / known.units as decimal(28, 10)) as rate
    from days
    asof inner join known
        on
            days.currency = known.currency
            and days.rate_on >= known.rate_on
    asof inner join reporting
        on days.rate_on >= reporting.rate_on
)

select * from final

-- What the adapters could not pass on, and amounts in a currency that no rate ever converts.
with adapters as (
    {{ staged_unmapped_values() }}
),

deals as (
    select
        {{ source_system_of('deal_id') }} as source_system,
        currency
    from {{ ref('int_deals_known') }}
    where
        currency is not null
        and amount is not null
        and currency <> '{{ var("reporting_currency") }}'
),

currencies as (
    select
        source_system,
        currency,
        count(*) as rows
    from deals
    group by
        source_system,
        currency
),

rated as (
    select distinct currency from {{ ref('int_fx_rates_known') }}
),

final as (
    select
        source_system,
        table_name,
        column_name,
        value,
        rows,
        counts_as
    from adapters
    union all
    select
        currencies.source_system,
        'deals' as table_name,
        'currency' as column_name,
        currencies.currency as value,
        currencies.rows,
        'no amount, for want of a rate' as counts_as
    from currencies
    where currencies.currency not in (select rated.currency from rated)
)

select * from final

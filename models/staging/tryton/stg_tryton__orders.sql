{{ config(enabled='tryton' in var('crm_sources')) }}

with sales as (
    select *
    from {{ source_rows('raw_tryton', 'sale_sale') }}
    where state in ('confirmed', 'processing', 'done')
),

lines as (
    select *
    from {{ source_rows('raw_tryton', 'sale_line') }}
    where
        type = 'line'
        and quantity is not null
        and unit_price is not null
),

currencies as (
    select
        id,
        code
    from {{ source_rows('raw_tryton', 'currency_currency') }}
),

final as (
    select
        cast(sales.id as varchar) as order_id,
        row_number() over (partition by sales.id order by lines.id asc nulls last) as line_number,
        cast(sales.party as varchar) as account_id,
        cast(null as varchar) as location_id,
        cast(null as varchar) as channel,
        cast(lines.product as varchar) as product_id,
        cast(lines.quantity as decimal(28, 10)) as quantity,
        cast(cast(lines.quantity as double) * cast(lines.unit_price as double) as decimal(28, 10)) as amount,
        currencies.code as currency,
        coalesce(cast(sales.sale_date as timestamp), sales.create_date) as ordered_at,
        cast(null as varchar) as promotion_id
    from sales
    inner join lines
        on sales.id = lines.sale
    left join currencies
        on sales.currency = currencies.id
)

select * from final

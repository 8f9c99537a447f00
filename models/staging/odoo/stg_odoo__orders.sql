{{ config(enabled='odoo' in var('crm_sources'), materialized='table') }}

-- Confirmed orders; a quotation is none. Sections and notes of an order are lines without a product.
with orders as (
    select *
    from {{ source_rows('raw_odoo', 'sale_order') }}
    where
        state in ('sale', 'done')
        and date_order is not null
),

lines as (
    select *
    from {{ source_rows('raw_odoo', 'sale_order_line') }}
    where
        display_type is null
        and price_subtotal is not null
),

partners as (
    select
        id,
        account_id
    from {{ ref('stg_odoo__partners') }}
),

currencies as (
    select
        id,
        name
    from {{ source_rows('raw_odoo', 'res_currency') }}
),

final as (
    select
        cast(orders.id as varchar) as order_id,
        row_number() over (partition by orders.id order by lines.id asc nulls last) as line_number,
        cast(partners.account_id as varchar) as account_id,
        cast(null as varchar) as location_id,
        cast(null as varchar) as channel,
        cast(lines.product_id as varchar) as product_id,
        coalesce(lines.product_uom_qty, 1) as quantity,
        lines.price_subtotal as amount,
        currencies.name as currency,
        orders.date_order as ordered_at,
        cast(null as varchar) as promotion_id
    from orders
    inner join lines
        on orders.id = lines.order_id
    left join partners
        on orders.partner_id = partners.id
    left join currencies
        on coalesce(lines.currency_id, orders.currency_id) = currencies.id
)

select * from final

{{ config(enabled='odoo' in var('crm_sources'), materialized='table') }}

with opportunities as (
    select *
    from {{ ref('stg_odoo__opportunities') }}
    where is_opportunity
),

orders as (
    select
        id,
        opportunity_id
    from {{ source_rows('raw_odoo', 'sale_order') }}
    where
        opportunity_id is not null
        and state <> 'cancel'
),

lines as (
    select
        id,
        order_id,
        product_id,
        price_subtotal
    from {{ source_rows('raw_odoo', 'sale_order_line') }}
    where product_id is not null
),

-- A deal is about the product that brings most of its quotations' amount.
products as (
    select
        orders.opportunity_id,
        lines.product_id
    from orders
    inner join lines
        on orders.id = lines.order_id
    qualify row_number() over (
        partition by orders.opportunity_id order by lines.price_subtotal desc nulls last, lines.id asc nulls last
    ) = 1
),

final as (
    select
        cast(opportunities.lead_id as varchar) as deal_id,
        cast(opportunities.account_id as varchar) as account_id,
        opportunities.name,
        'crm' as pipeline,
        case when opportunities.is_lost then 'lost' else opportunities.stage end as stage,
        cast(null as varchar) as deal_type,
        opportunities.source,
        cast(products.product_id as varchar) as product_id,
        cast(opportunities.user_id as varchar) as owner_id,
        opportunities.region,
        opportunities.expected_revenue as amount,
        opportunities.currency,
        opportunities.create_date as created_at,
        case
            when opportunities.is_lost or opportunities.is_in_won_stage then opportunities.date_closed
        end as closed_at,
        opportunities.date_deadline as expected_close_on,
        case when opportunities.is_lost then opportunities.lost_reason end as lost_reason,
        opportunities.is_put_away as is_deleted,
        opportunities.write_date as updated_at
    from opportunities
    left join products
        on opportunities.lead_id = products.opportunity_id
)

select * from final

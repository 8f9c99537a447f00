{{ config(enabled='tryton' in var('crm_sources'), materialized='table') }}

with opportunities as (
    select *
    from {{ source_rows('raw_tryton', 'sale_opportunity') }}
),

first_deals as (
    select
        opportunity_id,
        changed_at as created_at
    from {{ ref('stg_tryton__versions') }}
    where version_id = first_deal_version_id
),

currencies as (
    select
        id,
        code
    from {{ source_rows('raw_tryton', 'currency_currency') }}
),

lines as (
    select
        opportunity,
        arg_min(product, id) as product
    from {{ source_rows('raw_tryton', 'sale_opportunity_line') }}
    where product is not null
    group by opportunity
),

-- Tryton knows the day of a close alone; the instant is that of the move.
final as (
    select
        cast(opportunities.id as varchar) as deal_id,
        cast(opportunities.party as varchar) as account_id,
        opportunities.description as name,
        'sales' as pipeline,
        opportunities.state as stage,
        cast(null as varchar) as deal_type,
        cast(null as varchar) as source,
        cast(lines.product as varchar) as product_id,
        cast(opportunities.employee as varchar) as owner_id,
        cast(null as varchar) as region,
        opportunities.amount,
        currencies.code as currency,
        first_deals.created_at,
        cast(null as timestamp) as closed_at,
        opportunities.end_date as expected_close_on,
        opportunities.lost_reason,
        false as is_deleted,
        coalesce(opportunities.write_date, opportunities.create_date) as updated_at
    from opportunities
    inner join first_deals
        on opportunities.id = first_deals.opportunity_id
    left join currencies
        on opportunities.currency = currencies.id
    left join lines
        on opportunities.id = lines.opportunity
)

select * from final

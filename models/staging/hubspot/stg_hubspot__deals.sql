{{ config(enabled='hubspot' in var('crm_sources'), materialized='table') }}

with deals as (
    select
        deal_id,
        property_dealname as name,
        coalesce(deal_pipeline_id, 'unknown') as pipeline,
        coalesce(deal_pipeline_stage_id, 'unknown') as stage,
        property_dealtype as deal_type,
        property_hs_analytics_source as source,
        owner_id,
        property_amount as amount,
        property_deal_currency_code as currency,
        property_createdate as created_at,
        property_closedate as close_date,
        property_closed_lost_reason as lost_reason,
        coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false) as is_deleted,
        property_hs_lastmodifieddate as updated_at
    from {{ source_rows('raw_hubspot', 'deal') }}
),

stages as (
    select
        pipeline,
        stage,
        outcome
    from {{ ref('stg_hubspot__pipeline_stages') }}
),

-- A deal that was merged into another one stays in the table, and nothing in its row says so.
merged_deals as (
    select distinct merged_deal_id as deal_id
    from {{ source_rows('raw_hubspot', 'merged_deal') }}
),

-- The primary company, which HubSpot calls association type 5; else any one, always the same.
companies as (
    select
        deal_id,
        coalesce(
            min(case when type_id = '5' and category = 'HUBSPOT_DEFINED' then company_id end), min(company_id)
        ) as account_id
    from {{ source_rows('raw_hubspot', 'deal_company') }}
    group by deal_id
),

lines as (
    select
        id as line_id,
        product_id,
        property_amount as amount
    from {{ source_rows('raw_hubspot', 'line_item') }}
    where not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))
),

deal_lines as (
    select
        line_item_id,
        deal_id
    from {{ source_rows('raw_hubspot', 'line_item_deal') }}
),

-- A deal is about the product that brings most of its amount.
products as (
    select
        deal_lines.deal_id,
        lines.product_id
    from deal_lines
    inner join lines
        on deal_lines.line_item_id = lines.line_id
    where lines.product_id is not null
    qualify row_number() over (
        partition by deal_lines.deal_id order by lines.amount desc nulls last, lines.line_id asc nulls last
    ) = 1
),

deal_types as (
    {{ meanings('hubspot', 'deal_type') }}
),

-- An open deal's close date is a hope, not a close. A closed deal without one closed when it entered its stage.
final as (
    select
        deals.deal_id,
        companies.account_id,
        deals.name,
        deals.pipeline,
        deals.stage,
        coalesce(deal_types.meaning, deals.deal_type) as deal_type,
        deals.source,
        products.product_id,
        deals.owner_id,
        cast(null as varchar) as region,
        deals.amount,
        deals.currency,
        deals.created_at,
        case when stages.outcome in ('won', 'lost') then deals.close_date end as closed_at,
        cast(deals.close_date as date) as expected_close_on,
        deals.lost_reason,
        deals.is_deleted or merged_deals.deal_id is not null as is_deleted,
        deals.updated_at
    from deals
    left join stages
        on
            deals.pipeline = stages.pipeline
            and deals.stage = stages.stage
    left join merged_deals
        on deals.deal_id = merged_deals.deal_id
    left join companies
        on deals.deal_id = companies.deal_id
    left join products
        on deals.deal_id = products.deal_id
    left join deal_types
        on deals.deal_type = deal_types.source_value
)

select * from final

{{ config(enabled='tryton' in var('crm_sources')) }}

with variants as (
    select *
    from {{ source_rows('raw_tryton', 'product_product') }}
    where id is not null
),

templates as (
    select
        id,
        name
    from {{ source_rows('raw_tryton', 'product_template') }}
),

final as (
    select
        cast(variants.id as varchar) as product_id,
        coalesce(templates.name, variants.code, cast(variants.id as varchar)) as name,
        cast(null as varchar) as category,
        cast(null as decimal(28, 10)) as list_price,
        cast(null as varchar) as currency
    from variants
    left join templates
        on variants.template = templates.id
)

select * from final

{{ config(enabled='odoo' in var('crm_sources')) }}

-- Orders name variants. List prices are in the currency of the first company.
with variants as (
    select *
    from {{ source_rows('raw_odoo', 'product_product') }}
    where id is not null
),

templates as (
    select
        id,
        categ_id,
        list_price,
        {{ odoo_text('name') }} as name
    from {{ source_rows('raw_odoo', 'product_template') }}
),

categories as (
    select
        id,
        complete_name
    from {{ source_rows('raw_odoo', 'product_category') }}
),

first_company as (
    select currency_id
    from {{ source_rows('raw_odoo', 'res_company') }}
    qualify row_number() over (order by id asc nulls last) = 1
),

currencies as (
    select res_currency.name
    from {{ source_rows('raw_odoo', 'res_currency') }}
    inner join first_company
        on res_currency.id = first_company.currency_id
),

final as (
    select
        cast(variants.id as varchar) as product_id,
        coalesce(templates.name, variants.default_code, cast(variants.id as varchar)) as name,
        coalesce(categories.complete_name, cast(templates.categ_id as varchar)) as category,
        templates.list_price,
        (select name from currencies) as currency
    from variants
    left join templates
        on variants.product_tmpl_id = templates.id
    left join categories
        on templates.categ_id = categories.id
)

select * from final

{{ config(enabled='salesforce' in var('crm_sources')) }}

with products as (
    select
        id as product_id,
        coalesce(name, id) as name,
        family as category
    from {{ source_rows('raw_salesforce', 'product_2') }}
    where
        not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))
        and coalesce(_fivetran_active, true)
),

standard_books as (
    select id as pricebook_id
    from {{ source_rows('raw_salesforce', 'pricebook_2') }}
    where is_standard
),

-- The standard price book says what a product costs; of several currencies it is one, always the same.
prices as (
    select
        product_2_id as product_id,
        unit_price,
        currency_iso_code
    from {{ source_rows('raw_salesforce', 'pricebook_entry') }}
    where
        pricebook_2_id in (select standard_books.pricebook_id from standard_books)
        and coalesce(is_active, true)
        and not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))
        and coalesce(_fivetran_active, true)
    qualify row_number() over (
        partition by product_2_id order by currency_iso_code asc nulls first, id asc nulls last
    ) = 1
),

final as (
    select
        products.product_id,
        products.name,
        products.category,
        prices.unit_price as list_price,
        prices.currency_iso_code as currency
    from products
    left join prices
        on products.product_id = prices.product_id
)

select * from final

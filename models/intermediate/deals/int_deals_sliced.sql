{{ config(materialized='view') }}

-- Every deal in a stage that we know, with the dimensions that KPI marts slice by.
select
    deal_id,
    account_id,
    outcome,
    amount,
    created_at,
    closed_at,
    {{ local_date('created_at') }} as created_on,
    {{ local_date('closed_at') }} as closed_on,
    case when closed_at >= created_at then {{ elapsed_us('created_at', 'closed_at') }} end as us_to_close,
    pipeline,
    product_id,
    {{ known_or_unknown('owner_id') }} as owner,
    {{ known_or_unknown('team') }} as team,
    {{ known_or_unknown('region') }} as region,
    {{ known_or_unknown('source') }} as source,
    {{ known_or_unknown('deal_type') }} as deal_type,
    {{ known_or_unknown('product_id') }} as product,
    {{ known_or_unknown('industry') }} as industry,
    {{ known_or_unknown('segment') }} as segment,
    {{ known_or_unknown('size_band') }} as size_band
from {{ ref('fct_deals') }}
where outcome is not null

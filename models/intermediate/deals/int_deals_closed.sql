{{ config(materialized='incremental', incremental_strategy='keyed', key='deal_id', touched='touched_deals') }}

-- Won and lost deals with the periods of their close: the base of every KPI that counts by closed_at.
select
    deal_id,
    account_id,
    outcome,
    amount,
    created_at,
    closed_at,
    closed_on,
    us_to_close,
    {{ period_columns('closed_on') }},
    owner,
    team,
    region,
    source,
    deal_type,
    product,
    industry,
    segment,
    size_band
from {{ ref('int_deals_sliced') }}
where
    outcome in ('won', 'lost')
    and {{ only_touched('deal_id') }}

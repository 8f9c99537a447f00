{{ config(materialized='incremental', incremental_strategy='by_period') }}

{% set grains = ['week', 'month', 'quarter'] %}
{% set dimensions = ['owner', 'team', 'region', 'source'] %}
{% set lead_columns = ['lead_id', 'owner', 'team', 'region', 'source'] %}
{% set deal_columns = ['deal_id', 'amount', 'owner_id', 'team', 'region', 'source'] %}

-- A deal in no stage that we know is new all the same: hence fct_deals and not int_deals_sliced.
with opportunities as (
    select
        lead_id,
        cast(null as string) as deal_id,
        cast(null as decimal(28, 10)) as amount,
        created_on,
        owner,
        team,
        region,
        source
    from {{ ref('int_leads_sliced') }}
    where {{ changed_periods(ref('int_leads_sliced'), 'created_on', lead_columns) }}
    union all
    select
        cast(null as string) as lead_id,
        deal_id,
        amount,
        {{ local_date('created_at') }} as created_on,
        {{ known_or_unknown('owner_id') }} as owner,
        {{ known_or_unknown('team') }} as team,
        {{ known_or_unknown('region') }} as region,
        {{ known_or_unknown('source') }} as source
    from {{ ref('fct_deals') }}
    where {{ changed_periods(ref('fct_deals'), local_date('created_at'), deal_columns) }}
),

dated as (
    select
        *,
        {{ period_columns('created_on') }}
    from opportunities
),

sliced as (
    select
        {{ slice_columns(grains, dimensions) }},
        count(lead_id) as new_leads,
        count(deal_id) as new_deals,
        coalesce(sum(amount), 0) as new_deal_amount
    from dated
    group by {{ slices(grains, dimensions) }}
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        new_leads,
        new_deals,
        new_deal_amount
    from sliced
)

select * from final

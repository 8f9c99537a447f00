{{ config(materialized='incremental', incremental_strategy='by_period') }}

{% set grains = ['week', 'month', 'quarter'] %}
{% set dimensions = ['owner', 'team', 'channel', 'source', 'region'] %}

with touched_leads as (
    select
        *,
        {{ period_columns('first_touch_on') }}
    from {{ ref('int_leads_touched') }}
    where {{ changed_periods(ref('int_leads_touched'), 'first_touch_on') }}
),

sliced as (
    select
        {{ slice_columns(grains, dimensions) }},
        count(*) as contacted_leads,
        count(case when is_acquired then 1 end) as acquired_leads
    from touched_leads
    group by {{ slices(grains, dimensions) }}
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        contacted_leads,
        acquired_leads,
        {{ ratio('acquired_leads', 'contacted_leads') }} as acquisition_rate,
        {{ wilson_interval('acquired_leads', 'contacted_leads', 'acquisition_rate') }}
    from sliced
)

select * from final

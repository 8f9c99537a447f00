{{ config(materialized='incremental', incremental_strategy='by_period',
          as_of_lags=[(var('lead_response_target_minutes') | float / 1440) | round(0, 'ceil') | int]) }}

{% set grains = ['week', 'month'] %}
{% set dimensions = ['owner', 'team', 'source', 'region'] %}
{% set target_us = (var('lead_response_target_minutes') | float * 60000000) | round | int %}
{% set columns = ['lead_id', 'created_at', 'us_to_response'] + dimensions %}

-- An unanswered lead younger than the target is not due yet: it can still be answered in time.
with leads as (
    select
        *,
        {{ period_columns('created_on') }},
        case when us_to_response <= {{ target_us }} then 1 end as is_within_target,
        case
            when us_to_response is not null then 1
            when {{ elapsed_us('created_at', as_of()) }} >= {{ target_us }} then 1
        end as is_due
    from {{ ref('int_leads_sliced') }}
    where {{ changed_periods(ref('int_leads_sliced'), 'created_on', columns) }}
),

sliced as (
    select
        {{ slice_columns(grains, dimensions) }},
        count(*) as leads,
        count(us_to_response) as responded,
        {{ average('us_to_response') }} as avg_us,
        {{ percentile('us_to_response', 0.5) }} as median_us,
        {{ percentile('us_to_response', 0.9) }} as p90_us,
        count(is_within_target) as within_target,
        count(is_due) as leads_due
    from leads
    group by {{ slices(grains, dimensions) }}
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        leads,
        responded,
        {{ in_minutes('avg_us') }} as avg_minutes,
        {{ in_minutes('median_us') }} as median_minutes,
        {{ in_minutes('p90_us') }} as p90_minutes,
        within_target,
        leads_due,
        {{ ratio('within_target', 'leads_due') }} as within_target_rate,
        {{ wilson_interval('within_target', 'leads_due', 'within_target_rate') }}
    from sliced
)

select * from final

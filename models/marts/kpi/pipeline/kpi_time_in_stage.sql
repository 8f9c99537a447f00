{% set grains = ['week', 'month', 'quarter'] %}
{% set dimensions = ['owner', 'team', 'source', 'deal_type', 'region', 'size_band'] %}

with completed_visits as (
    select
        *,
        {{ period_columns('exited_on') }}
    from {{ ref('int_visits_sliced') }}
    where exited_at is not null
),

sliced as (
    select
        {{ slice_columns(grains, dimensions) }},
        pipeline,
        stage,
        stage_position,
        count(*) as visits,
        sum(us_in_stage) as total_us,
        {{ percentile('us_in_stage', 0.5) }} as median_us,
        {{ percentile('us_in_stage', 0.9) }} as p90_us,
        count(distinct deal_id) as deals
    from completed_visits
    group by {{ slices(grains, dimensions, keys=['pipeline', 'stage', 'stage_position']) }}
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        pipeline,
        stage,
        stage_position,
        visits,
        {{ in_days(ratio('total_us', 'visits')) }} as avg_days,
        {{ in_days('median_us') }} as median_days,
        {{ in_days('p90_us') }} as p90_days,
        deals,
        {{ in_days(ratio('total_us', 'deals')) }} as avg_days_per_deal
    from sliced
)

select * from final

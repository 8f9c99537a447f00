{% set grains = ['week', 'month', 'quarter'] %}
{% set dimensions = ['owner', 'team', 'source', 'deal_type', 'region', 'size_band'] %}

with completed_visits as (
    select
        *,
        {{ period_columns('exited_on') }}
    from {{ ref('int_visits_sliced') }}
    where exited_at is not null
),

-- A deal that left the stage twice in a period counts once there: the first time. Counting those first times costs a
-- fraction of a distinct count in every slice.
counted_visits as (
    select
        *,
        {%- for grain in grains %}
        case
            when {{ grain }}_start > lag({{ grain }}_start, 1, date '0001-01-01') over exits then 1
        end as is_first_of_{{ grain }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from completed_visits
    window exits as (
        partition by deal_id, pipeline, stage
        order by visit_number asc nulls last
    )
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
        case
            {%- for grain in grains %}
            when grouping({{ grain }}_start) = 0 then count(is_first_of_{{ grain }})
            {%- endfor %}
        end as deals
    from counted_visits
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

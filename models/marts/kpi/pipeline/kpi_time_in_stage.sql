{% set grains = ['week', 'month', 'quarter'] %}
{% set dimensions = ['owner', 'team', 'source', 'deal_type', 'region', 'size_band'] %}
{% set stage = ['pipeline', 'stage', 'stage_position'] %}

with
-- One grain after the other, each from the table itself: percentiles keep every value of every slice in memory until
-- they are done, and a shared CTE would be kept beside them.
{%- for grain in grains %}
{{ grain }}s as (
    select
        {{ slice_columns([grain], dimensions) }},
        {{ stage | join(', ') }},
        count(*) as visits,
        sum(us_in_stage) as total_us,
        {{ percentiles('us_in_stage', [0.5, 0.9]) }} as percentiles_us,
        -- The deals: of several visits to the stage that a deal ended in the period, the first.
        count(case when previous_start is null or previous_start < {{ grain }}_start then 1 end) as deals
    from (
        select
            *,
            {{ period_start_of(grain, 'exited_on') }} as {{ grain }}_start,
            {{ period_start_of(grain, 'previous_exited_on') }} as previous_start
        from {{ ref('int_visits_sliced') }}
        where exited_at is not null
    ) as completed_visits
    group by {{ slices([grain], dimensions, keys=stage) }}
),
{%- endfor %}

sliced as (
    {%- for grain in grains %}
    select * from {{ grain }}s
    {{ 'union all' if not loop.last }}
    {%- endfor %}
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
        {{ in_days(percentile_of('percentiles_us', 1)) }} as median_days,
        {{ in_days(percentile_of('percentiles_us', 2)) }} as p90_days,
        deals,
        {{ in_days(ratio('total_us', 'deals')) }} as avg_days_per_deal
    from sliced
)

select * from final

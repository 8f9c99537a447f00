{{ config(materialized='incremental', incremental_strategy='by_period') }}

{% set grains = ['week', 'month', 'quarter'] %}
{% set dimensions = ['owner', 'team', 'source', 'deal_type', 'region', 'size_band'] %}
{% set stage = ['pipeline', 'stage', 'stage_position'] %}
{% set columns = ['previous_exited_on', 'us_in_stage'] + stage + dimensions %}
{% set completed_visits %}
    {% call narrowed('completed_visits', ['pipeline', 'stage'] + dimensions, order_by='week_start') %}
        select
            {{ columns | join(', ') }},
            {{ period_columns('exited_on') }}
        from {{ ref('int_visits_sliced') }}
        where
            us_in_stage is not null
            and {{ changed_periods(ref('int_visits_sliced'), 'exited_on', columns, 'us_in_stage is not null') }}
    {% endcall %}
{%- endset %}

with sliced as (
    {% call(grain) each_slice(completed_visits, grains, dimensions, keys=stage) %}
        count(*) as visits,
        sum(us_in_stage) as total_us,
        {{ percentiles('us_in_stage', [0.5, 0.9]) }} as percentiles_us,
        -- The deals: of several visits to the stage that a deal ended in the period, the first.
        count(case when previous_exited_on is null or previous_exited_on < {{ grain }}_start then 1 end) as deals
    {% endcall %}
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

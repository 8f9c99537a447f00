-- What is open at the end of a period is what was open before, plus what came, minus what went.
with deals_by_stage as (
    select
        *,
        lag(open_deals, 1, 0) over history as previous_deals,
        lag(period_start) over history as previous_start
    from {{ ref('kpi_deals_by_stage') }}
    window history as (
        partition by period_grain, dimension, dimension_value, pipeline, stage
        order by period_start asc nulls last
    )
),

bridges as (
    select
        *,
        lag(closing_deals, 1, 0) over history as previous_deals,
        lag(closing_amount, 1, 0) over history as previous_amount,
        lag(period_start) over history as previous_start
    from {{ ref('kpi_pipeline_bridge') }}
    window history as (
        partition by period_grain, dimension, dimension_value, pipeline
        order by period_start asc nulls last
    )
)

select
    'kpi_deals_by_stage' as mart,
    period_grain,
    period_start,
    dimension,
    dimension_value,
    pipeline
from deals_by_stage
where
    open_deals <> entered - exited
    + case when previous_start = {{ shift_period(-1) }} then previous_deals else 0 end
union all
select
    'kpi_pipeline_bridge' as mart,
    period_grain,
    period_start,
    dimension,
    dimension_value,
    pipeline
from bridges
where
    opening_deals <> case when previous_start = {{ shift_period(-1) }} then previous_deals else 0 end
    or opening_amount <> case when previous_start = {{ shift_period(-1) }} then previous_amount else 0 end

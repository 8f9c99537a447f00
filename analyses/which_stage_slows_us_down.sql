-- Which stage slows us down, and since when?
-- Median days per stage and quarter against the same stage's median over the quarters before. The first quarter
-- in which a stage takes a quarter longer than it used to is where to start asking.
with time_in_stage as (
    select
        pipeline,
        stage,
        stage_position,
        period_start,
        visits,
        median_days
    from {{ ref('kpi_time_in_stage') }}
    where
        period_grain = 'quarter'
        and is_complete_period
        and dimension = 'all'
),

compared as (
    select
        *,
        avg(median_days) over (
            partition by pipeline, stage
            order by period_start asc nulls last
            rows between 4 preceding and 1 preceding
        ) as usual_days
    from time_in_stage
),

final as (
    select
        pipeline,
        stage,
        period_start,
        visits,
        median_days,
        usual_days,
        {{ ratio('median_days', 'usual_days') }} - 1 as slower_by,
        min(case when median_days > 1.25 * usual_days then period_start end) over (
            partition by pipeline, stage
        ) as slow_since
    from compared
)

select * from final
order by pipeline asc nulls last, stage asc nulls last, period_start asc nulls last

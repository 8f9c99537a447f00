with levels as (
    select
        pipeline,
        stage,
        dimension,
        dimension_value,
        share_percent,
        us_in_stage,
        visits,
        completed,
        naive_avg_us
    from {{ ref('int_stage_survival_levels') }}
),

summary as (
    select *
    from levels
    where share_percent = 100
),

-- The median is where the curve first falls to one half.
medians as (
    select *
    from levels
    where share_percent = 50
),

final as (
    select
        summary.pipeline,
        summary.stage,
        summary.dimension,
        summary.dimension_value,
        summary.visits,
        summary.completed,
        summary.visits - summary.completed as still_open,
        {{ in_days('medians.us_in_stage') }} as km_median_days,
        {{ in_days('summary.naive_avg_us') }} as naive_avg_days
    from summary
    left join medians
        on
            summary.pipeline = medians.pipeline
            and summary.stage = medians.stage
            and summary.dimension = medians.dimension
            and summary.dimension_value = medians.dimension_value
)

select * from final

{% set dimensions = ['source', 'deal_type', 'owner'] %}
{% set slice = ['pipeline', 'stage', 'dimension', 'dimension_value'] %}

-- Visits that still last are censored at as_of: they were at risk for as long as they have lasted.
with visits as (
    select
        pipeline,
        stage,
        source,
        deal_type,
        owner,
        us_in_stage as us_completed,
        coalesce(us_in_stage, {{ elapsed_us('entered_at', as_of()) }}) as us_at_risk
    from {{ ref('int_visits_sliced') }}
),

summary as (
    select
        {{ slice_columns([], dimensions) }},
        pipeline,
        stage,
        count(*) as visits,
        count(us_completed) as completed,
        {{ average('us_completed') }} as naive_avg_us
    from visits
    group by {{ slices([], dimensions, keys=['pipeline', 'stage']) }}
),

exits_by_duration as (
    select
        {{ slice_columns([], dimensions) }},
        pipeline,
        stage,
        us_at_risk,
        count(*) as ended_or_censored,
        count(us_completed) as exits
    from visits
    group by {{ slices([], dimensions, keys=['pipeline', 'stage', 'us_at_risk']) }}
),

risk_sets as (
    select
        *,
        sum(ended_or_censored) over (
            partition by {{ slice | join(', ') }}
            order by us_at_risk desc nulls last
        ) as at_risk
    from exits_by_duration
),

-- Kaplan-Meier: S(t) is the product over the durations up to t of the share that did not leave. The product is
-- taken as a sum of logarithms; once everybody at risk has left, S is 0.
survival as (
    select
        {{ slice | join(', ') }},
        us_at_risk,
        min(at_risk - exits) over durations as fewest_left,
        sum(case when at_risk > exits then ln(1 - {{ ratio('exits', 'at_risk') }}) else 0 end) over durations
            as log_survival
    from risk_sets
    where exits > 0
    window durations as (
        partition by {{ slice | join(', ') }}
        order by us_at_risk asc nulls last
    )
),

medians as (
    select
        {{ slice | join(', ') }},
        min(us_at_risk) as km_median_us
    from survival
    where fewest_left = 0 or exp(log_survival) <= 0.5 + 1e-9
    group by {{ slice | join(', ') }}
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
        {{ in_days('medians.km_median_us') }} as km_median_days,
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

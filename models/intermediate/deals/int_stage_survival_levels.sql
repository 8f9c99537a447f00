{% set dimensions = ['source', 'deal_type', 'owner'] %}
{% set slice = ['pipeline', 'stage', 'dimension', 'dimension_value'] %}
{% set curve_percents = range(0, 100, 2) %}

-- Visits that still last are censored at as_of: they were at risk for as long as they have lasted.
with visits as (
    select
        pipeline,
        stage,
        source,
        deal_type,
        owner,
        us_in_stage as us_completed,
        coalesce(us_in_stage, {{ elapsed_us('entered_at', as_of()) }}) as us_at_risk,
        case when us_in_stage is null then 1 else 0 end as is_censored
    from {{ ref('int_visits_sliced') }}
),

summary as (
    select
        {{ slice_columns([], dimensions) }},
        pipeline,
        stage,
        count(*) as visits,
        count(us_completed) as completed,
        {{ average('us_completed') }} as naive_avg_us,
        count(case when us_completed = 0 then 1 end) as left_at_once,
        max(us_at_risk) as longest_us
    from visits
    group by {{ slices([], dimensions, keys=['pipeline', 'stage']) }}
),

-- One row per visit and slice, in the order in which the visits leave the group at risk; of equal durations the
-- censored ones leave last.
sliced_visits as (
    {%- for dimension in [none] + dimensions %}
    select
        pipeline,
        stage,
        '{{ dimension or "all" }}' as dimension,
        {{ dimension or "'all'" }} as dimension_value,
        us_at_risk,
        is_censored
    from visits
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

ranked_visits as (
    select
        {{ slice | join(', ') }},
        us_at_risk,
        is_censored,
        row_number() over (
            partition by {{ slice | join(', ') }}
            order by us_at_risk asc nulls last, is_censored asc nulls last
        ) as left_so_far
    from sliced_visits
),

-- Kaplan-Meier, written down where few rows are. After the i-th of n visits has left, S is (n - i) / n as long as
-- nobody was censored. Each censored visit, at rank c, raises what comes after it by the factor (n - c + 1) / (n - c):
-- it left the group at risk without an exit. So S between two censored visits is known from the censored ones alone.
censored_visits as (
    select
        ranked_visits.pipeline,
        ranked_visits.stage,
        ranked_visits.dimension,
        ranked_visits.dimension_value,
        summary.visits,
        ranked_visits.left_so_far,
        case
            when ranked_visits.left_so_far < summary.visits
                then
                    ln(
                        cast(summary.visits - ranked_visits.left_so_far + 1 as double)
                        / cast(summary.visits - ranked_visits.left_so_far as double)
                    )
            else 0
        end as log_raise
    from ranked_visits
    inner join summary
        on
            ranked_visits.pipeline = summary.pipeline
            and ranked_visits.stage = summary.stage
            and ranked_visits.dimension = summary.dimension
            and ranked_visits.dimension_value = summary.dimension_value
    where ranked_visits.is_censored = 1
    union all
    select
        pipeline,
        stage,
        dimension,
        dimension_value,
        visits,
        0 as left_so_far,
        0.0 as log_raise
    from summary
),

stretches as (
    select
        {{ slice | join(', ') }},
        visits,
        left_so_far as stretch_begins,
        lead(left_so_far) over history as next_censored,
        sum(log_raise) over history_so_far as log_raised
    from censored_visits
    window
        history as (
            partition by {{ slice | join(', ') }}
            order by left_so_far asc nulls last
        ),
        history_so_far as (
            partition by {{ slice | join(', ') }}
            order by left_so_far asc nulls last
            rows between unbounded preceding and current row
        )
),

-- The half gives the median of every slice; the other levels draw the curve of the total.
levels as (
    {%- for percent in curve_percents %}
    select
        {{ percent }} as share_percent,
        {{ percent / 100 }} + 1e-9 as share_at_most,
        {{ 'true' if percent == 50 else 'false' }} as is_for_slices
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- The first exit of each stretch after which S is at most the level, if there is one before the next censored visit.
crossings as (
    select
        stretches.pipeline,
        stretches.stage,
        stretches.dimension,
        stretches.dimension_value,
        stretches.visits,
        stretches.next_censored,
        stretches.log_raised,
        levels.share_percent,
        greatest(
            stretches.stretch_begins + 1,
            cast(ceil(stretches.visits * (1 - levels.share_at_most * exp(-stretches.log_raised))) as bigint)
        ) as left_so_far
    from stretches
    inner join levels
        on levels.is_for_slices or stretches.dimension = 'all'
),

reached as (
    select
        {{ slice | join(', ') }},
        share_percent,
        min(left_so_far) as left_so_far,
        -- S falls and log_raised rises from stretch to stretch: the first crossing has the least of both.
        min(log_raised) as log_raised
    from crossings
    where
        left_so_far <= visits
        and (left_so_far < next_censored or next_censored is null)
    group by {{ slice | join(', ') }}, share_percent
),

durations as (
    select
        reached.pipeline,
        reached.stage,
        reached.dimension,
        reached.dimension_value,
        reached.share_percent,
        reached.log_raised,
        ranked_visits.us_at_risk
    from reached
    inner join ranked_visits
        on
            reached.pipeline = ranked_visits.pipeline
            and reached.stage = ranked_visits.stage
            and reached.dimension = ranked_visits.dimension
            and reached.dimension_value = ranked_visits.dimension_value
            and reached.left_so_far = ranked_visits.left_so_far
),

-- Visits of one duration leave together: S at a duration counts all exits of that duration.
total_shares as (
    select
        durations.pipeline,
        durations.stage,
        durations.share_percent,
        max(summary.visits) - min(ranked_visits.left_so_far) + 1 as at_risk,
        cast(
            max(summary.visits) - max(case when ranked_visits.is_censored = 0 then ranked_visits.left_so_far end) as double
        )
        / max(summary.visits)
        * exp(max(durations.log_raised)) as share_still_there
    from durations
    inner join ranked_visits
        on
            durations.pipeline = ranked_visits.pipeline
            and durations.stage = ranked_visits.stage
            and durations.us_at_risk = ranked_visits.us_at_risk
    inner join summary
        on
            durations.pipeline = summary.pipeline
            and durations.stage = summary.stage
    where
        durations.dimension = 'all'
        and ranked_visits.dimension = 'all'
        and summary.dimension = 'all'
    group by durations.pipeline, durations.stage, durations.share_percent
),

-- What is left of S after the last exit stays until the longest visit.
total_ends as (
    select
        pipeline,
        stage,
        min(
            cast(visits - coalesce(next_censored - 1, visits) as double) / visits * exp(log_raised)
        ) as share_still_there
    from stretches
    where
        dimension = 'all'
        and stretch_begins < visits
    group by pipeline, stage
),

final as (
    select
        pipeline,
        stage,
        dimension,
        dimension_value,
        100 as share_percent,
        0 as us_in_stage,
        1 - {{ ratio('left_at_once', 'visits') }} as share_still_there,
        visits as at_risk,
        visits,
        completed,
        naive_avg_us
    from summary
    union all
    select
        durations.pipeline,
        durations.stage,
        durations.dimension,
        durations.dimension_value,
        durations.share_percent,
        durations.us_at_risk as us_in_stage,
        total_shares.share_still_there,
        total_shares.at_risk,
        null as visits,
        null as completed,
        null as naive_avg_us
    from durations
    left join total_shares
        on
            durations.dimension = 'all'
            and durations.pipeline = total_shares.pipeline
            and durations.stage = total_shares.stage
            and durations.share_percent = total_shares.share_percent
    union all
    select
        summary.pipeline,
        summary.stage,
        summary.dimension,
        summary.dimension_value,
        null as share_percent,
        summary.longest_us as us_in_stage,
        total_ends.share_still_there,
        count(*) as at_risk,
        null as visits,
        null as completed,
        null as naive_avg_us
    from summary
    inner join total_ends
        on
            summary.pipeline = total_ends.pipeline
            and summary.stage = total_ends.stage
    inner join ranked_visits
        on
            summary.pipeline = ranked_visits.pipeline
            and summary.stage = ranked_visits.stage
            and summary.longest_us = ranked_visits.us_at_risk
    where
        summary.dimension = 'all'
        and ranked_visits.dimension = 'all'
    group by
        summary.pipeline, summary.stage, summary.dimension, summary.dimension_value, summary.longest_us,
        total_ends.share_still_there
)

select * from final

{% set dimensions = ['source', 'deal_type', 'owner'] %}
{% set curve_percents = range(0, 100, 2) %}
{# A query and not a CTE: it is read once per dimension, and would be kept whole. Visits that still last are censored at
   as_of: they were at risk for as long as they have lasted. #}
{% set visits %}
    (
        select
            pipeline,
            stage,
            source,
            deal_type,
            owner,
            us_in_stage as us_completed,
            coalesce(us_in_stage, {{ elapsed_us('entered_at', as_of()) }}) as us_at_risk,
            -- One number to sort by: twice the duration, and one more if censored.
            coalesce(2 * us_in_stage, 2 * {{ elapsed_us('entered_at', as_of()) }} + 1) as leaves_at
        from {{ ref('int_visits_sliced') }}
    ) as visits
{%- endset %}

with sliced as (
    {% call(grain) each_slice(visits, [], dimensions, keys=['pipeline', 'stage']) %}
        count(*) as visits,
        count(us_completed) as completed,
        {{ average('us_completed') }} as naive_avg_us,
        count(case when us_completed = 0 then 1 end) as left_at_once,
        max(us_at_risk) as longest_us
    {% endcall %}
),

-- A number for each slice: sorting and joining millions of visits by four texts is what would cost most here.
summary as (
    select
        *,
        row_number() over (
            order by
                dimension asc nulls last, dimension_value asc nulls last, pipeline asc nulls last, stage asc nulls last
        ) as slice_number
    from sliced
),

-- One row per visit and slice, numbered as the visits leave the group at risk; of equal durations the censored ones
-- leave last. Nothing else comes along: sorting wide rows costs twice as much.
{%- for dimension in [none] + dimensions %}
visits_ranked_by_{{ dimension or 'all' }} as (
    select
        summary.slice_number,
        visits.leaves_at,
        row_number() over (
            partition by summary.slice_number
            order by visits.leaves_at asc nulls last
        ) as left_so_far
    from {{ visits }}
    inner join summary
        on
            summary.dimension = '{{ dimension or "all" }}'
            and visits.pipeline = summary.pipeline
            and visits.stage = summary.stage
            and {{ 'visits.' ~ dimension if dimension else "'all'" }} = summary.dimension_value
),
{%- endfor %}

-- A slice wants its median alone. That is not before half of the visits have left, since a censored visit only puts it
-- off, and not after half of them have ended.
ranked_visits as (
    select
        slice_number,
        leaves_at,
        left_so_far
    from visits_ranked_by_all
    {%- for dimension in dimensions %}
    union all
    select
        ranked.slice_number,
        ranked.leaves_at,
        ranked.left_so_far
    from visits_ranked_by_{{ dimension }} as ranked
    inner join summary
        on ranked.slice_number = summary.slice_number
    where
        ranked.leaves_at % 2 = 1
        or ranked.left_so_far * 2
        between summary.visits - 2 and summary.visits + 2 * (summary.visits - summary.completed) + 2
    {%- endfor %}
),

needed_visits as (
    select
        slice_number,
        leaves_at - leaves_at % 2 as twice_us_at_risk,
        leaves_at % 2 as is_censored,
        left_so_far
    from ranked_visits
),

-- Kaplan-Meier, written down where few rows are. After the i-th of n visits has left, S is (n - i) / n as long as
-- nobody was censored. Each censored visit, at rank c, raises what comes after it by the factor (n - c + 1) / (n - c):
-- it left the group at risk without an exit. So S between two censored visits is known from the censored ones alone.
censored_visits as (
    select
        summary.slice_number,
        summary.dimension,
        summary.visits,
        needed_visits.left_so_far,
        -- A decimal, so that the sum does not depend on the order of adding.
        cast(
            case
                when needed_visits.left_so_far < summary.visits
                    then
                        ln(
                            cast(summary.visits - needed_visits.left_so_far + 1 as double)
                            / cast(summary.visits - needed_visits.left_so_far as double)
                        )
                else 0
            end as decimal(38, 24)
        ) as log_raise
    from needed_visits
    inner join summary
        on needed_visits.slice_number = summary.slice_number
    where needed_visits.is_censored = 1
    union all
    select
        slice_number,
        dimension,
        visits,
        0 as left_so_far,
        cast(0 as decimal(38, 24)) as log_raise
    from summary
),

stretches as (
    select
        slice_number,
        dimension,
        visits,
        left_so_far as stretch_begins,
        lead(left_so_far) over history as next_censored,
        cast(sum(log_raise) over history_so_far as double) as log_raised
    from censored_visits
    window
        history as (partition by slice_number order by left_so_far asc nulls last),
        history_so_far as (
            partition by slice_number
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
        stretches.slice_number,
        stretches.dimension,
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
        slice_number,
        dimension,
        visits,
        share_percent,
        min(left_so_far) as left_so_far,
        -- S falls and log_raised rises from stretch to stretch: the first crossing has the least of both.
        min(log_raised) as log_raised
    from crossings
    where
        left_so_far <= visits
        and (left_so_far < next_censored or next_censored is null)
    group by slice_number, dimension, visits, share_percent
),

durations as (
    select
        reached.slice_number,
        reached.dimension,
        reached.visits,
        reached.share_percent,
        reached.log_raised,
        needed_visits.twice_us_at_risk
    from reached
    inner join needed_visits
        on
            reached.slice_number = needed_visits.slice_number
            and reached.left_so_far = needed_visits.left_so_far
),

-- Visits of one duration leave together: S at a duration counts all exits of that duration.
total_shares as (
    select
        durations.slice_number,
        durations.share_percent,
        max(durations.visits) - min(needed_visits.left_so_far) + 1 as at_risk,
        cast(
            max(durations.visits)
            - max(case when needed_visits.is_censored = 0 then needed_visits.left_so_far end) as double
        )
        / max(durations.visits)
        * exp(max(durations.log_raised)) as share_still_there
    from durations
    inner join needed_visits
        on
            durations.slice_number = needed_visits.slice_number
            and durations.twice_us_at_risk = needed_visits.twice_us_at_risk
    where durations.dimension = 'all'
    group by durations.slice_number, durations.share_percent
),

-- What is left of S after the last exit stays until the longest visit.
total_ends as (
    select
        slice_number,
        min(
            cast(visits - coalesce(next_censored - 1, visits) as double) / visits * exp(log_raised)
        ) as share_still_there
    from stretches
    where
        dimension = 'all'
        and stretch_begins < visits
    group by slice_number
),

longest_visits as (
    select
        summary.slice_number,
        count(*) as at_risk
    from summary
    inner join needed_visits
        on
            summary.slice_number = needed_visits.slice_number
            and summary.longest_us * 2 = needed_visits.twice_us_at_risk
    where summary.dimension = 'all'
    group by summary.slice_number
),

points as (
    select
        slice_number,
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
        durations.slice_number,
        durations.share_percent,
        cast(durations.twice_us_at_risk / 2 as bigint) as us_in_stage,
        total_shares.share_still_there,
        total_shares.at_risk,
        null as visits,
        null as completed,
        null as naive_avg_us
    from durations
    left join total_shares
        on
            durations.slice_number = total_shares.slice_number
            and durations.share_percent = total_shares.share_percent
    union all
    select
        summary.slice_number,
        null as share_percent,
        summary.longest_us as us_in_stage,
        total_ends.share_still_there,
        longest_visits.at_risk,
        null as visits,
        null as completed,
        null as naive_avg_us
    from summary
    inner join total_ends
        on summary.slice_number = total_ends.slice_number
    inner join longest_visits
        on summary.slice_number = longest_visits.slice_number
),

final as (
    select
        summary.pipeline,
        summary.stage,
        summary.dimension,
        summary.dimension_value,
        points.share_percent,
        points.us_in_stage,
        points.share_still_there,
        points.at_risk,
        points.visits,
        points.completed,
        points.naive_avg_us
    from points
    inner join summary
        on points.slice_number = summary.slice_number
)

select * from final

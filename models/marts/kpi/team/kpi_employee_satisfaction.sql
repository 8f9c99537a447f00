{% set grains = ['month', 'quarter'] %}
{% set dimensions = ['team', 'wave'] %}

with responses as (
    select
        question,
        rating,
        {{ period_columns(local_date('responded_at')) }},
        {{ known_or_unknown('team') }} as team,
        wave
    from {{ ref('fct_employee_responses') }}
),

sliced as (
    select
        {{ slice_columns(grains, dimensions) }},
        question,
        count(*) as responses,
        sum(rating) as total_rating,
        count(case when rating = 5 then 1 end) as excellent,
        count(case when rating = 4 then 1 end) as good
    from responses
    group by {{ slices(grains, dimensions, keys=['question']) }}
),

-- One small team among larger ones could be worked out from the total:
-- then the smallest team that is shown is hidden too.
grouped as (
    select
        *,
        responses < {{ var('survey_min_group') }} as is_small,
        sum(case when dimension = 'team' and responses < {{ var('survey_min_group') }} then 1 else 0 end) over (
            partition by period_grain, period_start, question
        ) as small_teams,
        row_number() over (
            partition by period_grain, period_start, question, dimension
            order by
                case when responses < {{ var('survey_min_group') }} then 1 else 0 end asc nulls last,
                responses asc nulls last,
                dimension_value asc nulls last
        ) as size_order
    from sliced
),

suppressed as (
    select
        *,
        is_small
        or (dimension = 'team' and small_teams = 1 and size_order = 1) as is_suppressed
    from grouped
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        question,
        case when not is_suppressed then responses end as responses,
        case when not is_suppressed then {{ ratio('total_rating', 'responses') }} end as avg_rating,
        case when not is_suppressed then {{ ratio('excellent', 'responses') }} end as excellent_share,
        case when not is_suppressed then {{ ratio('good', 'responses') }} end as good_share,
        case when not is_suppressed then {{ ratio('excellent + good', 'responses') }} end as favourable_share,
        case when not is_suppressed then cast({{ var('employee_satisfaction_goal') }} as double) end as goal,
        case
            when not is_suppressed
                then {{ ratio('total_rating', 'responses') }} - {{ var('employee_satisfaction_goal') }}
        end as gap_to_goal,
        is_suppressed
    from suppressed
)

select * from final

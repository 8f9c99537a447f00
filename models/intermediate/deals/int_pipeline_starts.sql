-- The period of each pipeline's first visit: from there on its totals have a row in every period.
with first_visits as (
    select
        pipeline,
        {{ period_columns(local_date('min(entered_at)')) }}
    from {{ ref('fct_deal_stage_visits') }}
    group by pipeline
),

final as (
    select
        pipeline,
        'week' as period_grain,
        week_start as first_period_start
    from first_visits
    union all
    select
        pipeline,
        'month' as period_grain,
        month_start as first_period_start
    from first_visits
    union all
    select
        pipeline,
        'quarter' as period_grain,
        quarter_start as first_period_start
    from first_visits
)

select * from final

-- A distribution and the KPI that sums it up tell of the same visits and the same leads.
with curve as (
    select
        pipeline,
        stage,
        max(case when days = 0 then at_risk end) as visits,
        min(case when share_still_there <= 0.5 + 1e-9 then days end) as median_days,
        count(*) as points
    from {{ ref('stage_survival_curve') }}
    group by pipeline, stage
),

survival as (
    select
        pipeline,
        stage,
        visits,
        km_median_days
    from {{ ref('kpi_stage_survival') }}
    where dimension = 'all'
),

-- A share that rises again, or that falls although nobody was left.
rising as (
    select
        pipeline,
        stage,
        days,
        share_still_there - lag(share_still_there) over (
            partition by pipeline, stage order by days asc nulls last
        ) as rise
    from {{ ref('stage_survival_curve') }}
),

distribution as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        sum(leads) as leads,
        sum(case when over_minutes is not null then leads end) as responded,
        sum(share_of_leads) as shares
    from {{ ref('lead_response_distribution') }}
    group by period_grain, period_start, dimension, dimension_value
),

responses as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        leads,
        responded
    from {{ ref('kpi_lead_response_time') }}
    where
        period_grain = 'month'
        and dimension <> 'owner'
),

broken as (
    select 'the curve has the visits and the median of kpi_stage_survival' as rule
    from survival
    full join curve
        on
            survival.pipeline = curve.pipeline
            and survival.stage = curve.stage
    where
        coalesce(survival.visits <> curve.visits, true)
        or coalesce(survival.km_median_days, -1) <> coalesce(curve.median_days, -1)
        or curve.points > 60
    union all
    select 'a share of those still there never rises' as rule
    from rising
    where rise > 1e-9
    union all
    select 'the classes hold the leads of kpi_lead_response_time' as rule
    from responses
    full join distribution
        on
            responses.period_grain = distribution.period_grain
            and responses.period_start = distribution.period_start
            and responses.dimension = distribution.dimension
            and responses.dimension_value = distribution.dimension_value
    where
        coalesce(responses.leads <> distribution.leads, true)
        or coalesce(responses.responded <> distribution.responded, true)
        or abs(distribution.shares - 1) > 1e-9
)

select * from broken

-- The total of the stock marts has every period from the first one on, up to the one of as_of.
with rows_per_series as (
    select
        'kpi_deals_by_stage' as mart,
        period_grain,
        pipeline || ' / ' || stage as series,
        min(period_start) as first_period_start,
        count(*) as periods
    from {{ ref('kpi_deals_by_stage') }}
    where dimension = 'all'
    group by period_grain, pipeline, stage
    union all
    select
        'kpi_pipeline_bridge' as mart,
        period_grain,
        pipeline as series,
        min(period_start) as first_period_start,
        count(*) as periods
    from {{ ref('kpi_pipeline_bridge') }}
    where dimension = 'all'
    group by period_grain, pipeline
),

expected as (
    select
        rows_per_series.mart,
        rows_per_series.period_grain,
        rows_per_series.series,
        rows_per_series.periods,
        count(*) as expected_periods
    from rows_per_series
    inner join {{ ref('int_periods') }} as periods
        on
            rows_per_series.period_grain = periods.period_grain
            and rows_per_series.first_period_start <= periods.period_start
    group by rows_per_series.mart, rows_per_series.period_grain, rows_per_series.series, rows_per_series.periods
)

select * from expected
where periods <> expected_periods

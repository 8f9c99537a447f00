{{ config(materialized='incremental', incremental_strategy='by_period') }}

{% set grains = ['month', 'quarter'] %}
{% set dimensions = ['source', 'campaign', 'region', 'owner'] %}

with mqls as (
    select
        *,
        {{ period_columns('became_mql_on') }}
    from {{ ref('int_leads_sliced') }}
    where
        became_mql_on is not null
        and {{ changed_periods(ref('int_leads_sliced'), 'became_mql_on') }}
),

sliced as (
    select
        {{ slice_columns(grains, dimensions) }},
        count(*) as mqls,
        count(case when is_sql then 1 end) as sqls,
        {{ average('us_to_sql') }} as avg_us_to_sql
    from mqls
    group by {{ slices(grains, dimensions) }}
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        mqls,
        sqls,
        {{ ratio('sqls', 'mqls') }} as mql_to_sql_rate,
        {{ wilson_interval('sqls', 'mqls', 'mql_to_sql_rate') }},
        {{ in_days('avg_us_to_sql') }} as avg_days_to_sql
    from sliced
)

select * from final

{{ config(materialized='incremental', incremental_strategy='summed', adds_up='int_stage_moves', rows_while='entered + exited > 0',
          key=['period_grain', 'period_start', 'dimension', 'dimension_value', 'pipeline', 'stage', 'stage_position']) }}

{% set grains = ['week', 'month', 'quarter'] %}
{% set stage = ['pipeline', 'stage', 'stage_position'] %}
{# Whose a deal is and what it is are added up apart: together they would hardly add up at all. #}
{% set dimensions_of = {
    'owner': ['owner', 'team'],
    'kind': ['source', 'deal_type', 'region'],
} %}

-- First for the part of each week that lies in one month: a fraction of the moves, which adds up to weeks, months and
-- quarters alike.
with
{%- for name, dimensions in dimensions_of.items() %}
{{ name }}_parts as (
    select
        {{ stage | join(', ') }},
        {{ dimensions | join(', ') }},
        {{ period_start_of('week', 'moved_on') }} as week_start,
        {{ period_start_of('month', 'moved_on') }} as month_start,
        {{ period_start_of('quarter', 'moved_on') }} as quarter_start,
        sum(case when move = 'entered' then change else 0 end) as entered,
        sum(case when move <> 'entered' then change else 0 end) as exited,
        sum(case when move = 'forward' then change else 0 end) as moved_forward,
        sum(case when move = 'back' then change else 0 end) as moved_back,
        sum(case when move = 'won' then change else 0 end) as won,
        sum(case when move = 'lost' then change else 0 end) as lost,
        coalesce(sum(amount_change), 0) as amount_change
    from {{ ref('int_stage_moves') }}
    group by
        {{ stage | join(', ') }},
        {{ dimensions | join(', ') }},
        {{ period_start_of('week', 'moved_on') }},
        {{ period_start_of('month', 'moved_on') }},
        {{ period_start_of('quarter', 'moved_on') }}
),
{%- endfor %}

sliced as (
    {%- for name, dimensions in dimensions_of.items() %}
    {% call(grain) each_slice(name ~ '_parts', grains, dimensions, keys=stage, total=name == 'kind') %}
        sum(entered) as entered,
        sum(exited) as exited,
        sum(moved_forward) as moved_forward,
        sum(moved_back) as moved_back,
        sum(won) as won,
        sum(lost) as lost,
        sum(amount_change) as amount_change
    {% endcall %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        {{ stage | join(', ') }},
        cast(entered as bigint) as entered,
        cast(exited as bigint) as exited,
        cast(moved_forward as bigint) as moved_forward,
        cast(moved_back as bigint) as moved_back,
        cast(won as bigint) as won,
        cast(lost as bigint) as lost,
        cast(amount_change as decimal(38, 10)) as amount_change
    from sliced
)

select * from final

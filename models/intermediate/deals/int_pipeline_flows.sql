{{ config(materialized='incremental', incremental_strategy='summed', adds_up='int_pipeline_turns',
          rows_while='created_deals + reopened_deals + won_deals + lost_deals > 0',
          key=['period_grain', 'period_start', 'dimension', 'dimension_value', 'pipeline']) }}

{% set grains = ['week', 'month', 'quarter'] %}
{% set turns = ['created', 'reopened', 'won', 'lost'] %}
{# As in int_stage_flows: whose a deal is and what it is are added up apart. #}
{% set dimensions_of = {
    'owner': ['owner', 'team'],
    'kind': ['source', 'deal_type'],
} %}

with
{%- for name, dimensions in dimensions_of.items() %}
{{ name }}_parts as (
    select
        pipeline,
        {{ dimensions | join(', ') }},
        {{ period_start_of('week', 'turned_on') }} as week_start,
        {{ period_start_of('month', 'turned_on') }} as month_start,
        {{ period_start_of('quarter', 'turned_on') }} as quarter_start,
        {%- for turn in turns %}
        sum(case when turn = '{{ turn }}' then change else 0 end) as {{ turn }}_deals,
        coalesce(sum(case when turn = '{{ turn }}' then amount end), 0) as {{ turn }}_amount{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_pipeline_turns') }}
    group by
        pipeline,
        {{ dimensions | join(', ') }},
        {{ period_start_of('week', 'turned_on') }},
        {{ period_start_of('month', 'turned_on') }},
        {{ period_start_of('quarter', 'turned_on') }}
),
{%- endfor %}

sliced as (
    {%- for name, dimensions in dimensions_of.items() %}
    {% call(grain) each_slice(name ~ '_parts', grains, dimensions, keys=['pipeline'], total=name == 'kind') %}
        {%- for turn in turns %}
        sum({{ turn }}_deals) as {{ turn }}_deals,
        sum({{ turn }}_amount) as {{ turn }}_amount{{ ',' if not loop.last }}
        {%- endfor %}
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
        pipeline,
        {%- for turn in turns %}
        cast({{ turn }}_deals as bigint) as {{ turn }}_deals,
        cast({{ turn }}_amount as decimal(38, 10)) as {{ turn }}_amount{{ ',' if not loop.last }}
        {%- endfor %}
    from sliced
)

select * from final

{# Measures that can be added up: the slices of every dimension make the total. A deal has one owner, one source ...;
   what can fall into several slices (distinct persons, orders by product) is not here. #}
{% set measures = {
    'kpi_ae_capacity': {'columns': ['reps', 'capacity', 'won_deals'], 'keys': []},
    'kpi_bdr_capacity': {'columns': ['reps', 'capacity', 'mqls'], 'keys': []},
    'kpi_days_to_close': {'columns': ['won_deals', 'lost_deals'], 'keys': []},
    'kpi_deal_size': {'columns': ['won_deals', 'total_amount'], 'keys': []},
    'kpi_deals_by_stage': {'columns': ['open_deals', 'open_amount', 'entered', 'exited'], 'keys': ['pipeline', 'stage']},
    'kpi_lead_response_time': {'columns': ['leads', 'responded', 'within_target'], 'keys': []},
    'kpi_mql': {'columns': ['mqls', 'sqls'], 'keys': []},
    'kpi_mrr': {
        'columns': ['opening_mrr', 'new_mrr', 'churned_mrr', 'closing_mrr', 'active_accounts'], 'keys': [],
    },
    'kpi_new_opportunities': {'columns': ['new_leads', 'new_deals', 'new_deal_amount'], 'keys': []},
    'kpi_nps': {'columns': ['invitations', 'responses', 'promoters', 'detractors'], 'keys': []},
    'kpi_pipeline_bridge': {
        'columns': ['closing_deals', 'created_deals', 'won_deals', 'lost_deals', 'closing_amount'],
        'keys': ['pipeline'],
    },
    'kpi_quota_team': {'columns': ['reps_with_quota', 'reps_at_quota'], 'keys': ['metric']},
    'kpi_sales_by_location': {'columns': ['units', 'amount'], 'keys': []},
    'kpi_sales_cycle': {'columns': ['won_deals', 'matured_customers', 'churned_within_6_months'], 'keys': []},
    'kpi_time_in_stage': {'columns': ['visits'], 'keys': ['pipeline', 'stage']},
    'kpi_touchpoints': {'columns': ['deals'], 'keys': ['outcome']},
    'kpi_win_rate': {'columns': ['won_deals', 'lost_deals', 'won_amount', 'lost_amount'], 'keys': []},
} %}

{% for mart, parts in measures.items() %}
{% set keys = (['period_grain', 'period_start'] + parts['keys']) | join(', ') %}
select
    '{{ mart }}' as mart,
    period_grain,
    period_start,
    dimension
from (
    select
        {{ keys }},
        dimension,
        {%- for column in parts['columns'] %}
        cast(sum({{ column }}) as double) as slice_sum_{{ loop.index }},
        sum(case when dimension = 'all' then cast(sum({{ column }}) as double) end)
            over (partition by {{ keys }}) as total_{{ loop.index }},
        {%- endfor %}
        count(*) as slices
    from {{ ref(mart) }}
    group by {{ keys }}, dimension
) as sums_{{ loop.index }}
where
    {%- for column in parts['columns'] %}
    {{ 'or ' if not loop.first -}}
    total_{{ loop.index }} is null
    or abs(slice_sum_{{ loop.index }} - total_{{ loop.index }}) > 1e-6 * (1 + abs(total_{{ loop.index }}))
    {%- endfor %}
{{ 'union all' if not loop.last }}
{% endfor %}

{{ config(materialized='incremental', incremental_strategy='by_period', looks_back=1) }}

{# The marts with periods. Some carry keys besides period and slice, which become the `detail` ... #}
{% set details = {
    'kpi_ae_capacity': [],
    'kpi_acquisition_rate': [],
    'kpi_appointment_rate': [],
    'kpi_bdr_capacity': [],
    'kpi_cac': [],
    'kpi_competitor_pricing': ['competitor'],
    'kpi_contact_volume': [],
    'kpi_days_to_close': [],
    'kpi_deal_amount_by_source': [],
    'kpi_deal_amount_by_type': ['product_id'],
    'kpi_deal_size': [],
    'kpi_deals_by_stage': ['pipeline', 'stage'],
    'kpi_employee_satisfaction': ['question'],
    'kpi_lead_response_time': [],
    'kpi_ltv': [],
    'kpi_magic_number': [],
    'kpi_meeting_acceptance': [],
    'kpi_mql': [],
    'kpi_mrr': [],
    'kpi_new_opportunities': [],
    'kpi_nps': [],
    'kpi_pipeline_bridge': ['pipeline'],
    'kpi_quota_attainment': ['metric'],
    'kpi_quota_team': ['metric'],
    'kpi_reply_rate': [],
    'kpi_sales_by_location': [],
    'kpi_sales_cycle': [],
    'kpi_time_in_stage': ['pipeline', 'stage'],
    'kpi_touchpoints': ['outcome'],
    'kpi_upsell_cross_sell': [],
    'kpi_win_rate': [],
} %}
{# ... and some have a column of their own instead of the pair dimension, dimension_value. #}
{% set own_dimensions = {
    'kpi_competitor_pricing': {'dimension': 'product', 'column': 'product_id'},
    'kpi_deal_amount_by_source': {'dimension': 'source', 'column': 'source'},
    'kpi_deal_amount_by_type': {'dimension': 'deal_type', 'column': 'deal_type'},
} %}
{% set relations = {} %}
{% for kpi_id in details %}
    {%- do relations.update({kpi_id: ref(kpi_id)}) -%}
{% endfor %}

with catalogue as (
    select
        kpi_id,
        name,
        target_low,
        target_high
    from {{ ref('kpi_catalogue') }}
),

headlines as (
    {%- for kpi in catalogue_rows() %}
    select
        '{{ kpi.kpi_id }}' as kpi_id,
        period_grain,
        period_start,
        is_complete_period,
        {%- if kpi.kpi_id in own_dimensions %}
        '{{ own_dimensions[kpi.kpi_id].dimension }}' as dimension,
        {{ own_dimensions[kpi.kpi_id].column }} as dimension_value,
        {%- else %}
        dimension,
        dimension_value,
        {%- endif %}
        cast({{ details[kpi.kpi_id] | join(" || ' / ' || ") or 'null' }} as {{ type_string() }}) as detail,
        cast({{ kpi.headline_column }} as double) as value,
        cast({{ kpi.numerator_column or 'null' }} as double) as numerator,
        cast({{ kpi.denominator_column or 'null' }} as double) as denominator
    from {{ relations[kpi.kpi_id] }}
    {%- set is_of_cadence = "period_grain = '" ~ kpi.cadence ~ "'" %}
    where
        {{ is_of_cadence }}
        and {{ changed_periods(relations[kpi.kpi_id], 'period_start', where=is_of_cadence) }}
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        cast(null as {{ type_string() }}) as kpi_id,
        cast(null as {{ type_string() }}) as period_grain,
        cast(null as date) as period_start,
        cast(null as boolean) as is_complete_period,
        cast(null as {{ type_string() }}) as dimension,
        cast(null as {{ type_string() }}) as dimension_value,
        cast(null as {{ type_string() }}) as detail,
        cast(null as double) as value,
        cast(null as double) as numerator,
        cast(null as double) as denominator
    where false
    {%- endfor %}
),

compared as (
    select
        headlines.*,
        previous_periods.value as previous_value
    from headlines
    left join headlines as previous_periods
        on
            headlines.kpi_id = previous_periods.kpi_id
            and headlines.period_grain = previous_periods.period_grain
            and {{ shift_period(-1, 'headlines.period_grain', 'headlines.period_start') }}
            = previous_periods.period_start
            and headlines.dimension = previous_periods.dimension
            and headlines.dimension_value = previous_periods.dimension_value
            and coalesce(headlines.detail, '') = coalesce(previous_periods.detail, '')
),

final as (
    select
        compared.kpi_id,
        catalogue.name,
        compared.period_grain,
        compared.period_start,
        compared.is_complete_period,
        compared.dimension,
        compared.dimension_value,
        compared.detail,
        compared.value,
        compared.numerator,
        compared.denominator,
        compared.previous_value,
        compared.value - compared.previous_value as change,
        catalogue.target_low,
        catalogue.target_high,
        case
            when catalogue.target_low is null and catalogue.target_high is null then 'no_target'
            when compared.value is null then null
            when compared.value < catalogue.target_low or compared.value > catalogue.target_high then 'off_target'
            else 'on_target'
        end as status
    from compared
    inner join catalogue
        on compared.kpi_id = catalogue.kpi_id
)

select * from final

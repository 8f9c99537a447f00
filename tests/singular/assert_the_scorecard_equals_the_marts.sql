{# The scorecard shows what the marts say: as many rows, and the same sums of headline, numerator and denominator. #}
with shown as (
    select
        kpi_id,
        count(*) as scorecard_rows,
        sum(value) as sum_of_values,
        sum(numerator) as sum_of_numerators,
        sum(denominator) as sum_of_denominators
    from {{ ref('kpi_scorecard') }}
    group by kpi_id
),

marts as (
    {%- for kpi in catalogue_rows() %}
    select
        '{{ kpi.kpi_id }}' as kpi_id,
        count(*) as mart_rows,
        sum(cast({{ kpi.headline_column }} as double)) as sum_of_values,
        sum(cast({{ kpi.numerator_column or 'null' }} as double)) as sum_of_numerators,
        sum(cast({{ kpi.denominator_column or 'null' }} as double)) as sum_of_denominators
    from {{ ref('kpi_scorecard').incorporate(path={'identifier': kpi.kpi_id}) }}
    where period_grain = '{{ kpi.cadence }}'
    {{ 'union all' if not loop.last }}
    {%- else %}
    select '' as kpi_id, 0 as mart_rows, 0.0 as sum_of_values, 0.0 as sum_of_numerators, 0.0 as sum_of_denominators
    where false
    {%- endfor %}
)

select
    marts.kpi_id,
    marts.mart_rows,
    shown.scorecard_rows
from marts
left join shown
    on marts.kpi_id = shown.kpi_id
where
    marts.mart_rows <> coalesce(shown.scorecard_rows, 0)
    {%- for sum in ['sum_of_values', 'sum_of_numerators', 'sum_of_denominators'] %}
    or abs(coalesce(marts.{{ sum }}, 0) - coalesce(shown.{{ sum }}, 0)) > 1e-9 * (1 + abs(coalesce(marts.{{ sum }}, 0)))
    {%- endfor %}

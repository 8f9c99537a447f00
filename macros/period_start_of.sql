{# First date of the week (Monday), month or fiscal quarter that holds a date. #}
{% macro period_start_of(grain, date) -%}
    {%- set shift = (var('fiscal_year_start_month') | int - 1) % 3 -%}
    {%- if grain == 'quarter' and shift > 0 -%}
        cast(
            date_trunc('quarter', date_trunc('month', {{ date }}) - interval {{ shift }} month)
            + interval {{ shift }} month as date
        )
    {%- else -%}
        cast(date_trunc('{{ grain }}', {{ date }}) as date)
    {%- endif -%}
{%- endmacro %}

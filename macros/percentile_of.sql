{# The n-th (from 1) of what `percentiles` computed. #}
{% macro percentile_of(percentiles, number) -%}
    {{ return(adapter.dispatch('percentile_of')(percentiles, number)) }}
{%- endmacro %}

{% macro default__percentile_of(percentiles, number) -%}
    {{ percentiles }}[{{ number }}]
{%- endmacro %}

{% macro spark__percentile_of(percentiles, number) -%}
    {{ percentiles }}[{{ number - 1 }}]
{%- endmacro %}

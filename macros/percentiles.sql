{# Several percentiles with linear interpolation as one array: the values are kept once for all of them.
   Null over nothing; `percentile_of` takes one out. #}
{% macro percentiles(column, fractions) -%}
    {{ return(adapter.dispatch('percentiles')(column, fractions)) }}
{%- endmacro %}

{% macro default__percentiles(column, fractions) -%}
    quantile_cont({{ column }}, [{{ fractions | join(', ') }}])
{%- endmacro %}

{% macro spark__percentiles(column, fractions) -%}
    percentile({{ column }}, array({{ fractions | join(', ') }}))
{%- endmacro %}

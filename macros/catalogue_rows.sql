{# The rows of the seed kpi_catalogue that have a headline, as a list of dicts; empty while nothing is built yet. #}
{% macro catalogue_rows() -%}
    {%- set catalogue = ref('kpi_catalogue') -%}
    {%- if not execute or load_relation(catalogue) is none -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set columns = ['kpi_id', 'cadence', 'headline_column', 'numerator_column', 'denominator_column'] -%}
    {%- set query -%}
        select {{ columns | join(', ') }}
        from {{ catalogue }}
        where headline_column is not null
        order by kpi_id asc nulls last
    {%- endset -%}
    {%- set rows = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- do rows.append(dict(zip(columns, row))) -%}
    {%- endfor -%}
    {{ return(rows) }}
{%- endmacro %}

{# The source of a row, as its id tells: with one source it is that one, with several the id begins with its name. #}
{% macro source_system_of(id) -%}
    {%- if var('crm_sources') | length == 1 -%}
        '{{ var('crm_sources')[0] }}'
    {%- else -%}
        split_part({{ id }}, ':', 1)
    {%- endif -%}
{%- endmacro %}

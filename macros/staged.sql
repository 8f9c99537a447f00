{# The rows of a contract table: of the one source that is on, else of all of them, one below the other, with ids that
   begin with their source's name and a colon. What no CRM that is on gives (quotas, spend, surveys, ...) comes from the
   landing contract in any case; there, ids are written as they read in the warehouse. #}
{% macro staged(table) -%}
    {%- set on = var('crm_sources') -%}
    {%- set giving = [] -%}
    {%- for name in on if name != 'landing' and name not in source_tables() -%}
        {{ exceptions.raise_compiler_error("crm_sources: there is no source '" ~ name ~ "'; see macros/source_tables.sql.") }}
    {%- endfor -%}
    {%- for name in on if name == 'landing' or table in source_tables().get(name, []) -%}
        {%- do giving.append(name) -%}
    {%- endfor -%}
    {%- if table == 'fx_rates' and giving not in ([], ['landing']) -%}
        {{ return(staged_rates(giving)) }}
    {%- endif -%}
    {%- if not giving -%}
        {{ return(ref('stg_landing__' ~ table)) }}
    {%- elif on | length == 1 -%}
        {{ return(ref('stg_' ~ giving[0] ~ '__' ~ table)) }}
    {%- endif -%}
    (
        {%- for name in giving %}
        select
            {%- for column in contract_columns(table) %}
            {{ source_column(name, column) }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ ref('stg_' ~ name ~ '__' ~ table) }}
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ) as {{ table }}
{%- endmacro %}

{# The columns of a contract table in their order; nothing while the project is parsed. #}
{% macro contract_columns(table) -%}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- for declared in graph.sources.values() -%}
            {%- if declared.name == table and declared.source_name in ('raw_crm', 'raw_survey', 'raw_finance', 'raw_market') -%}
                {%- do found.extend(declared.columns) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}

{# Rates are no CRM's own: a landed rate of a currency and day comes first, then that of the sources in their order. #}
{% macro staged_rates(giving) -%}
    (
        select
            currency,
            rate_on,
            rate
        from (
            {%- for name in ['landing'] + (giving | reject('equalto', 'landing') | list) %}
            select
                {{ loop.index }} as place,
                currency,
                rate_on,
                rate
            from {{ ref('stg_' ~ name ~ '__fx_rates') }}
            {%- if not loop.last %}
            union all
            {%- endif %}
            {%- endfor %}
        ) as rates
        qualify row_number() over (partition by currency, rate_on order by place asc nulls last) = 1
    ) as fx_rates
{%- endmacro %}

{# A column of one of several sources: an id begins with its source's name. Landed ids that name one of the
   other sources are left alone: a landed quota or survey answer may speak of a user or account of a CRM. #}
{% macro source_column(source_name, column) -%}
    {%- if column not in id_columns() -%}
        {{ column }}
    {%- elif source_name == 'landing' -%}
        case
            when split_part({{ column }}, ':', 1) in ('{{ var('crm_sources') | join("', '") }}') then {{ column }}
            else 'landing:' || {{ column }}
        end as {{ column }}
    {%- else -%}
        '{{ source_name }}:' || {{ column }} as {{ column }}
    {%- endif -%}
{%- endmacro %}

{# The instant the figures speak of, as a timestamp literal in UTC: the var `as_of`, else the start of the run. #}
{% macro as_of() -%}
    {%- set given = var('as_of') | string | trim -%}
    {%- if given in ('', 'None') -%}
        {%- set instant = run_started_at -%}
    {%- else -%}
        {%- set instant = modules.datetime.datetime.fromisoformat(given) -%}
    {%- endif -%}
    {%- if instant.tzinfo is not none -%}
        {%- set instant = instant.astimezone(modules.pytz.utc).replace(tzinfo=none) -%}
    {%- endif -%}
    cast('{{ instant.strftime('%Y-%m-%d %H:%M:%S.%f') }}' as timestamp)
{%- endmacro %}

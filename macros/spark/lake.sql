{# Where Spark's tables lie, as a path or URL that every worker sees: WAREHOUSE_LAKE, else `lake` below the home. #}
{% macro lake() -%}
    {%- set home = env_var('WAREHOUSE_HOME', 'var') -%}
    {#- Spark takes a relative path for one of the server's own. -#}
    {%- set below = home if home.startswith('/') else flags.PROJECT_DIR ~ '/' ~ home -%}
    {{ return(env_var('WAREHOUSE_LAKE', below ~ '/lake')) }}
{%- endmacro %}

{# The directory of one table. #}
{% macro lake_location(relation) -%}
    {{ return(lake() ~ '/' ~ relation.schema ~ '/' ~ relation.identifier) }}
{%- endmacro %}

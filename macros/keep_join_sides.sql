{# A hook around a model that joins by an inequality after other left joins: whether DuckDB keeps the sides of its joins as they
   are written. It would else turn some left joins into right ones, and DuckDB 2.0 then breaks down ("dict-surviving
   cache"; https://github.com/duckdb/duckdb/issues/24807) where rows of both sides meet before the inequality. #}
{% macro keep_join_sides(keep=true) -%}
    {{ return(adapter.dispatch('keep_join_sides')(keep)) }}
{%- endmacro %}

{% macro default__keep_join_sides(keep) -%}
    {{ "set disabled_optimizers = 'build_side_probe_side'" if keep else 'reset disabled_optimizers' }}
{%- endmacro %}

{% macro spark__keep_join_sides(keep) -%}
{%- endmacro %}

{# What a build on DuckDB makes in increments is made whole on Spark: Parquet has no transaction that would replace some
   rows of a table, and a whole build is what more workers make faster (docs/scaling.md). #}
{% materialization incremental, adapter='spark' %}
    {{ return(materialization_table_spark()) }}
{% endmaterialization %}

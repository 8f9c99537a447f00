{# `table` on Spark: an external table of Parquet files in the lake, declared anew and overwritten. Dropping it drops its
   name alone; the files that a killed run leaves behind are overwritten (profiles.yml allows `create table as` to). #}
{% materialization table, adapter='spark' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- if existing is not none -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {%- if config.get('contract').enforced -%}
        {%- do run_query(create_on_spark(target_relation, declared_columns())) -%}
        {% call statement('main') -%}
            insert overwrite table {{ target_relation }} by name
            {{ sql }}
        {%- endcall %}
    {%- else -%}
        {% call statement('main') -%}
            {{ create_on_spark(target_relation, []) }} as
            {{ sql }}
        {%- endcall %}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# The columns of an enforced contract. Inserted by name, a query with other columns is refused, and so is a type of
   another kind; within its kind a value is cast to the declared type, because engines count and add up in types of their
   own (a sum of integers is a hugeint on DuckDB and a bigint on Spark). #}
{% macro declared_columns() -%}
    {%- set columns = [] -%}
    {%- for column in model.columns.values() -%}
        {%- do columns.append({
            'name': column.name,
            'data_type': type_name(column.data_type),
            'description': column.description if config.persist_column_docs() else none,
        }) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{# The statement that declares a table of the lake; without columns it has those of the query that follows. #}
{% macro create_on_spark(relation, columns, partitioned_by=[]) -%}
    create table {{ relation }}
    {%- if columns %} (
        {%- for column in columns %}
        {{ column.name }} {{ column.data_type }}
        {%- if column.description %} comment '{{ spark_text(column.description) }}'{% endif %}
        {{- ',' if not loop.last }}
        {%- endfor %}
    )
    {%- endif %}
    using parquet
    {%- if partitioned_by %}
    partitioned by ({{ partitioned_by | join(', ') }})
    {%- endif %}
    location '{{ lake_location(relation) }}'
    {%- if config and config.persist_relation_docs() and model.description %}
    comment '{{ spark_text(model.description) }}'
    {%- endif %}
{%- endmacro %}

{# Text inside a literal of Spark, which reads backslashes as escapes. #}
{% macro spark_text(text) -%}
    {{ return(text | replace('\\', '\\\\') | replace("'", "\\'") | replace('\n', ' ')) }}
{%- endmacro %}

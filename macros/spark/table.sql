{# `table` on Spark: an external table of Parquet files in the lake, declared anew and overwritten. Dropping it drops its
   name alone, so a run that was killed leaves nothing behind that would stop the next one: `create table as` refuses a
   directory with files in it. #}
{% materialization table, adapter='spark' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- set columns = columns_on_spark(sql) -%}
    {%- if existing is not none -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {%- do run_query(create_on_spark(target_relation, columns)) -%}
    {% call statement('main') -%}
        insert overwrite table {{ target_relation }}
        {{ select_as_declared(columns, sql) }}
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# The columns of a model's table: those of its contract, else those of its query. An enforced contract asks the query
   for the declared columns and for types of the same kind; they are then cast to the declared type, because engines
   count and add up in types of their own (a sum of integers is a hugeint on DuckDB and a bigint on Spark). #}
{% macro columns_on_spark(sql) -%}
    {%- set found = {} -%}
    {%- for row in run_query('describe query ' ~ sql).rows -%}
        {%- do found.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {%- set columns = [] -%}
    {%- if not config.get('contract').enforced -%}
        {%- for name, data_type in found.items() -%}
            {%- do columns.append({'name': name, 'data_type': 'string' if data_type == 'void' else data_type}) -%}
        {%- endfor -%}
        {{ return(columns) }}
    {%- endif -%}
    {%- set declared = model.columns.values() | map(attribute='name') | list -%}
    {%- if found.keys() | sort != declared | sort -%}
        {{ exceptions.raise_compiler_error(
            'The contract of ' ~ model.name ~ ' has the columns ' ~ declared | sort | join(', ')
            ~ '; its query has ' ~ found.keys() | sort | join(', ') ~ '.'
        ) }}
    {%- endif -%}
    {%- for column in model.columns.values() -%}
        {%- if kind_of_type(found[column.name]) not in (kind_of_type(column.data_type), 'void') -%}
            {{ exceptions.raise_compiler_error(
                'The contract of ' ~ model.name ~ ' says that ' ~ column.name ~ ' is a ' ~ column.data_type
                ~ ', but its query makes it a ' ~ found[column.name] ~ '.'
            ) }}
        {%- endif -%}
        {%- do columns.append({
            'name': column.name,
            'data_type': type_name(column.data_type),
            'description': column.description if config.persist_column_docs() else none,
        }) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{# The statement that declares a table of the lake. #}
{% macro create_on_spark(relation, columns, partitioned_by=[]) -%}
    create table {{ relation }} (
        {%- for column in columns %}
        {{ column.name }} {{ column.data_type }}
        {%- if column.description %} comment '{{ spark_text(column.description) }}'{% endif %}
        {{- ',' if not loop.last }}
        {%- endfor %}
    )
    using parquet
    {%- if partitioned_by %}
    partitioned by ({{ partitioned_by | join(', ') }})
    {%- endif %}
    location '{{ lake_location(relation) }}'
    {%- if config and config.persist_relation_docs() and model.description %}
    comment '{{ spark_text(model.description) }}'
    {%- endif %}
{%- endmacro %}

{# A query's columns by name, in the types of the table. #}
{% macro select_as_declared(columns, sql) -%}
    select
        {%- for column in columns %}
        cast({{ column.name }} as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        {{ sql }}
    ) as declared
{%- endmacro %}

{# What a type holds, whatever its width: number, text, or the type itself. #}
{% macro kind_of_type(data_type) -%}
    {%- set name = (data_type | lower).split('(')[0] -%}
    {%- if name in ('tinyint', 'smallint', 'int', 'integer', 'bigint', 'hugeint', 'decimal', 'float', 'double') -%}
        {{ return('number') }}
    {%- elif name in ('string', 'varchar', 'text') -%}
        {{ return('text') }}
    {%- elif name.startswith('timestamp') -%}
        {{ return('timestamp') }}
    {%- endif -%}
    {{ return(name) }}
{%- endmacro %}

{# Text inside a literal of Spark, which reads backslashes as escapes. #}
{% macro spark_text(text) -%}
    {{ return(text | replace('\\', '\\\\') | replace("'", "\\'") | replace('\n', ' ')) }}
{%- endmacro %}

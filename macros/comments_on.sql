{# The descriptions of the model that is being built and of its columns, as comments on its relation: what dbt's
   persist_docs does, as text for the statement that makes the relation. #}
{% macro comments_on(relation) %}
    {%- if config.persist_relation_docs() and model.description -%}
        {{- alter_relation_comment(relation, model.description) -}}
    {%- endif -%}
    {%- if config.persist_column_docs() -%}
        {%- for column in model.columns.values() if column.description %}
        comment on column {{ relation }}.{{ column.name }} is {{ duckdb_escape_comment(column.description) }};
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{# The rows of a landed table that came, changed or went since the last build of the model that is being built, as they
   were and as they are, and those that as_of lets come or go. More than that does no harm. #}
{% macro changed_rows(table) -%}
    {%- set relation = landed(table) -%}
    {%- set columns = [] -%}
    {%- set instants = [] -%}
    {%- for column in relation.columns.values() if not column.name.startswith('_') -%}
        {%- do columns.append(column.name) -%}
        {%- if column.name in ('updated_at', 'expected_close_on') -%}
        {%- elif column.data_type | lower == 'timestamp' -%}
            {%- do instants.append(column.name ~ ' > as_of_window.begins_at and ' ~ column.name ~ ' <= as_of_window.ends_at') -%}
        {%- elif column.data_type | lower == 'date' -%}
            {%- do instants.append(column.name ~ ' between as_of_window.begins_on and as_of_window.ends_on') -%}
        {%- endif -%}
    {%- endfor -%}
    (
        select {{ columns | join(', ') }}
        from {{ relation.relation_name }}
        where
            _load_id in (select load_id from new_loads)
            or _vanished_at in (select loaded_at from new_loads)
        union all
        select {{ columns | join(', ') }}
        from {{ history_of(relation) }}
        where _replaced_by_load_id in (select load_id from new_loads)
        {%- if instants %}
        union all
        select {{ columns | join(', ') }}
        from {{ relation.relation_name }}
        cross join as_of_window
        where {{ instants | join(' or ') }}
        {%- endif %}
    )
{%- endmacro %}

{# The declaration of a landed table of the contract. #}
{% macro landed(table) -%}
    {%- for declared in graph.sources.values() -%}
        {%- if declared.name == table and declared.source_name in ('raw_crm', 'raw_survey', 'raw_finance', 'raw_market') -%}
            {{ return(declared) }}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{# Where landing keeps the versions that it replaced. #}
{% macro history_of(declared) -%}
    {{ return(api.Relation.create(database=declared.database, schema=declared.schema, identifier=declared.identifier ~ '__history')) }}
{%- endmacro %}

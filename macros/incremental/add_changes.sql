{# The keyed table behind the view that this `summed` model adds up, as the record of builds names it. #}
{% macro name_added_up() -%}
    {%- for view in read_by(model.depends_on.nodes, 'model') if view.name == config.require('adds_up') -%}
        {%- set table = read_by(view.depends_on.nodes, 'model') | first -%}
        {{ return(recorded_name(api.Relation.create(schema=table.schema, identifier=table.alias))) }}
    {%- endfor -%}
{%- endmacro %}

{# Why the changes since the last build of a `summed` model are not those that its table's last build kept. #}
{% macro why_changes_are_unknown() -%}
    {%- set query %}
        select
            added_up.version = kept.summed_version + 1 and added_up.built = 'entirely' as was_made_anew,
            added_up.version > kept.summed_version + 1 as was_missed
        from ops.table_states as added_up
        inner join ops.table_states as kept
            on kept.relation = '{{ recorded_name(this) }}'
        where added_up.relation = '{{ name_added_up() }}'
    {% endset -%}
    {%- set found = run_query(query).rows[0] -%}
    {%- if found['was_made_anew'] -%}
        {{ return(name_added_up() ~ ' was made anew') }}
    {%- elif found['was_missed'] -%}
        {{ return('it missed a build of ' ~ name_added_up()) }}
    {%- endif -%}
{%- endmacro %}

{# The statements that add to the sums of a table by how much they have changed, unless that was done already. #}
{% macro add_changes(relation, sql) -%}
    {%- set key = config.require('key') -%}
    {%- set same = [] -%}
    {%- for column in key -%}
        {%- do same.append('kept.' ~ column ~ ' is not distinct from changed.' ~ column) -%}
    {%- endfor -%}
    {%- set view = api.Relation.create(database=relation.database, schema=relation.schema, identifier=config.require('adds_up')) -%}
    create or replace temp table changed_sums as
    select changed.*
    from (
        {{ sql | replace(view.render(), changes_of(view).render()) }}
    ) as changed
    where (
        select added_up.version > kept.summed_version
        from ops.table_states as added_up
        inner join ops.table_states as kept
            on kept.relation = '{{ recorded_name(relation) }}'
        where added_up.relation = '{{ name_added_up() }}'
    );
    create or replace temp table fresh_rows as
    select
        {%- for column in adapter.get_columns_in_relation(relation) %}
        {%- if column.name in key %}
        changed.{{ column.name }}
        {%- else %}
        cast(coalesce(kept.{{ column.name }}, 0) + changed.{{ column.name }} as {{ column.dtype }}) as {{ column.name }}
        {%- endif %}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from changed_sums as changed
    left join {{ relation }} as kept
        on {{ same | join(' and ') }};
    delete from {{ relation }} as kept
    using changed_sums as changed
    where {{ same | join(' and ') }};
    insert into {{ relation }} by name
    select * from fresh_rows
    where {{ config.require('rows_while') }};
    drop table fresh_rows;
{%- endmacro %}

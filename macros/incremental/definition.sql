{# What a model computes, as a checksum: its compiled SQL without as_of, its columns' types, and the seeds it reads.
   A change of a var, macro or seed is a change of every definition that it reaches. #}
{% macro own_definition(sql) -%}
    {%- set parts = [sql | replace(as_of(), 'as_of'), config.get('incremental_strategy', '')] -%}
    {%- for column in model.columns.values() -%}
        {%- do parts.append(column.name ~ ' ' ~ column.data_type) -%}
    {%- endfor -%}
    {%- for name in ('key', 'aging', 'looks_back', 'as_of_lags', 'adds_up', 'rows_while', 'log_changes') -%}
        {%- do parts.append(name ~ ' ' ~ config.get(name)) -%}
    {%- endfor -%}
    {%- if config.get('touched') -%}
        {%- do parts.append(context[config.get('touched')]()) -%}
    {%- endif -%}
    {%- for seed in read_by(model.depends_on.nodes, 'seed') -%}
        {%- do parts.append(seed.checksum.checksum) -%}
    {%- endfor -%}
    {{ return(local_md5(parts | join('\n'))) }}
{%- endmacro %}

{# The models or seeds that a list of nodes has, those behind ephemeral models included: these are text in their reader. #}
{% macro read_by(unique_ids, resource_type) -%}
    {%- set found = {} -%}
    {%- for unique_id in unique_ids -%}
        {%- set node = graph.nodes.get(unique_id) -%}
        {%- if node and node.config.materialized == 'ephemeral' -%}
            {%- for behind in read_by(node.depends_on.nodes, resource_type) -%}
                {%- do found.update({behind.unique_id: behind}) -%}
            {%- endfor -%}
        {%- elif node and node.resource_type == resource_type -%}
            {%- do found.update({unique_id: node}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found.values() | list) }}
{%- endmacro %}

{# The query for the definitions of what this model reads, as the last builds noted them: a map from name to definition. #}
{% macro definitions_read() -%}
    {%- set names = [] -%}
    {%- for node in read_by(model.depends_on.nodes, 'model') -%}
        {%- do names.append("'" ~ recorded_name(api.Relation.create(schema=node.schema, identifier=node.alias)) ~ "'") -%}
    {%- endfor -%}
    select map(list(relation order by relation), list(definition order by relation)) as reads
    from ops.table_states
    where relation in ({{ names | join(', ') or "''" }})
{%- endmacro %}

{# How the record of builds names a relation. #}
{% macro recorded_name(relation) -%}
    {{ return(relation.schema ~ '.' ~ relation.identifier) }}
{%- endmacro %}

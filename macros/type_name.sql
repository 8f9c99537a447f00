{# A column type of a contract as the engine spells it. Spark's text is `string`: its `varchar` wants a length. #}
{% macro type_name(data_type) -%}
    {{ return(adapter.dispatch('type_name')(data_type)) }}
{%- endmacro %}

{% macro default__type_name(data_type) -%}
    {{ data_type }}
{%- endmacro %}

{% macro spark__type_name(data_type) -%}
    {{ 'string' if data_type | lower == 'varchar' else data_type }}
{%- endmacro %}

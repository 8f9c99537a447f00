{# A source's column in the type that the adapter declares. Empty text is null. An instant with a time zone becomes that
   instant in UTC; a number where an instant is wanted counts milliseconds since 1970, as web APIs give them. #}
{% macro cast_source_value(column, from_type, to_type) -%}
    {%- set to_type = to_type | lower -%}
    {%- set is_text = from_type.startswith('varchar') or from_type in ('text', 'string') -%}
    {%- set is_whole = 'int' in from_type -%}
    {%- set is_zoned = from_type in ('timestamp with time zone', 'timestamptz') -%}
    {%- if to_type == 'varchar' and is_text -%}
        nullif({{ column }}, '')
    {%- elif from_type == to_type -%}
        {{ column }}
    {%- elif to_type == 'varchar' and (from_type in ('double', 'float') or from_type.startswith('decimal')) -%}
        regexp_replace(cast({{ column }} as varchar), '\.0+$', '')
    {%- elif to_type == 'timestamp' and is_whole -%}
        epoch_ms({{ column }})
    {%- elif to_type in ('timestamp', 'date') and is_zoned -%}
        cast({{ column }} at time zone 'UTC' as {{ to_type }})
    {%- elif to_type in ('timestamp', 'date') and is_text -%}
        {#- A cast to timestamp would pass over an offset, and one to an instant would take a bare text for local time. #}
        cast(
            case
                when regexp_matches(substr({{ column }}, 12), '[-+zZ]')
                    then try_cast({{ column }} as timestamp with time zone) at time zone 'UTC'
                else try_cast({{ column }} as timestamp)
            end as {{ to_type }}
        )
    {%- elif to_type == 'varchar' -%}
        cast({{ column }} as varchar)
    {%- else -%}
        try_cast({{ column }} as {{ to_type }})
    {%- endif -%}
{%- endmacro %}

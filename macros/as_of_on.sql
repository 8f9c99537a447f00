{# The date of `as_of` in the reporting time zone. #}
{% macro as_of_on() -%}
    {{ local_date(as_of()) }}
{%- endmacro %}

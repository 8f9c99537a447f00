{# A text of Odoo that may be translated: JSON such as {"en_US": "Won", "de_DE": "Gewonnen"} since Odoo 16, plain text
   before. English where there is some, else the first language. #}
{% macro odoo_text(column) -%}
    case
        when json_valid({{ column }}) and json_type({{ column }}) = 'OBJECT'
            then coalesce({{ column }} ->> '$.en_US', list_first({{ column }} ->> '$.*'))
        else {{ column }}
    end
{%- endmacro %}

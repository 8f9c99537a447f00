{# An amount at a rate, as money: decimal(28, 10). The product is taken in doubles, whose 15 digits are more than any
   rate has, because a decimal product of that size can overflow; an amount in the reporting currency stays exact. #}
{% macro to_reporting_currency(amount, rate) -%}
    case
        when {{ rate }} = 1 then {{ amount }}
        else cast(cast({{ amount }} as double) * cast({{ rate }} as double) as decimal(28, 10))
    end
{%- endmacro %}

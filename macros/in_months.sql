{# Microseconds as months of 30.4375 days, the mean over four years. #}
{% macro in_months(microseconds) -%}
    ({{ in_days(microseconds) }} / 30.4375)
{%- endmacro %}

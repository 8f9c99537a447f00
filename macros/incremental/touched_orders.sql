{# The orders whose facts may differ from those of the last build: their own lines or their rate changed. #}
{% macro touched_orders() -%}
    select order_id from {{ changed_rows('orders') }} as changed_orders
    union all
    {{ touched_by_rates('orders', 'order_id', 'ordered_at') }}
{%- endmacro %}

{# The keys of landed rows whose amount is converted at a rate that changed: a rate holds from its day on. #}
{% macro touched_by_rates(table, key, happened) -%}
    select rows_at_rates.{{ key }}
    from {{ landed(table).relation_name }} as rows_at_rates
    inner join {{ changed_rows('fx_rates') }} as changed_rates
        on
            rows_at_rates.currency = changed_rates.currency
            and rows_at_rates.{{ happened }} >= changed_rates.rate_on - interval 1 day
{%- endmacro %}

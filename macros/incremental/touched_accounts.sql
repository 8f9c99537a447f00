{# The accounts whose recurring revenue may differ from that of the last build: their subscriptions or a rate changed, or
   a month has become complete. #}
{% macro touched_accounts() -%}
    {%- set subscriptions = landed('subscriptions').relation_name -%}
    select account_id from {{ changed_rows('subscriptions') }} as changed_subscriptions
    union all
    select account_id
    from {{ subscriptions }}
    where
        (select date_trunc('month', begins_on) <> date_trunc('month', ends_on) from as_of_window)
        or currency in (
            select currency from {{ changed_rows('fx_rates') }} as changed_rates
            where rate_on < (select date_trunc('month', ends_on) from as_of_window)
        )
{%- endmacro %}

{# The accounts whose revenue or cost of a quarter may differ from that of the last build. #}
{% macro touched_account_money() -%}
    {{ touched_accounts() }}
    union all
    select account_id from {{ changed_rows('account_costs') }} as changed_costs
    union all
    {{ touched_by_rates('account_costs', 'account_id', 'incurred_on') }}
    union all
    select account_id from {{ changed_rows('orders') }} as changed_orders
    union all
    {{ touched_by_rates('orders', 'account_id', 'ordered_at') }}
{%- endmacro %}

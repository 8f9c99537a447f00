{# The leads whose facts may differ from those of the last build: their own rows, their activities, their owner, or the
   deal that they turned into, changed. #}
{% macro touched_leads() -%}
    select lead_id from {{ changed_rows('leads') }} as changed_leads
    union all
    select lead_id from {{ changed_rows('activities') }} as changed_activities
    union all
    select lead_id
    from {{ landed('leads').relation_name }}
    where
        owner_id in (select user_id from {{ changed_rows('users') }} as changed_users)
        or converted_deal_id in (select deal_id from ({{ touched_deals() }}) as changed_deals)
{%- endmacro %}

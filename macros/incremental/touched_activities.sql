{# The activities whose facts may differ from those of the last build: their own rows, or the lead, deal, contact or user
   that they name, changed. #}
{% macro touched_activities() -%}
    select activity_id from {{ changed_rows('activities') }} as changed_activities
    union all
    select activity_id
    from {{ landed('activities').relation_name }}
    where
        lead_id in (select lead_id from {{ changed_rows('leads') }} as changed_leads)
        or deal_id in (select deal_id from {{ changed_rows('deals') }} as changed_deals)
        or contact_id in (select contact_id from {{ changed_rows('contacts') }} as changed_contacts)
        or user_id in (select user_id from {{ changed_rows('users') }} as changed_users)
{%- endmacro %}

{# The columns of the contract that identify or refer to a record: they carry the name of their source when
   several are on, so that two CRMs may use the same ids. A pipeline is a record too; a stage is one within it. #}
{% macro id_columns() -%}
    {{ return([
        'account_id',
        'activity_id',
        'change_id',
        'changed_by',
        'contact_id',
        'control_location_id',
        'converted_account_id',
        'converted_contact_id',
        'converted_deal_id',
        'deal_id',
        'lead_id',
        'location_id',
        'manager_id',
        'order_id',
        'owner_id',
        'pipeline',
        'product_id',
        'promotion_id',
        'response_id',
        'spend_id',
        'subscription_id',
        'user_id',
    ]) }}
{%- endmacro %}

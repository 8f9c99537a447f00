{{ config(enabled='odoo' in var('crm_sources')) }}

-- Kinds of activities and messages that the seed source_values does not explain.
with found as (
    select
        'activity_kind' as field,
        'activities' as table_name,
        'activity_type' as column_name,
        kind as value,
        'no activity' as counts_as
    from {{ ref('stg_odoo__messages') }}
    where kind is not null
),

{{ unexplained_values('odoo') }}

select * from final

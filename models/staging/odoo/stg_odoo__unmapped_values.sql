{{ config(enabled='odoo' in var('crm_sources')) }}

-- Kinds of activities and messages that the seed source_values does not explain.
with messages as (
    select kind
    from {{ ref('stg_odoo__messages') }}
    where kind is not null
),

kinds as (
    {{ meanings('odoo', 'activity_kind') }}
),

final as (
    select
        'activities' as table_name,
        'activity_type' as column_name,
        messages.kind as value,
        'no activity' as counts_as,
        count(*) as rows
    from messages
    left join kinds
        on messages.kind = kinds.source_value
    where kinds.source_value is null
    group by messages.kind
)

select * from final

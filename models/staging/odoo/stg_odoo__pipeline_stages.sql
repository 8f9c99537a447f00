{{ config(enabled='odoo' in var('crm_sources')) }}

-- One pipeline: teams share the stages, and a stage of one team stands between them. Lost is no stage in Odoo.
with stages as (
    select
        stage,
        position,
        outcome
    from {{ ref('stg_odoo__stages') }}
),

final as (
    select
        'crm' as pipeline,
        stage,
        position,
        outcome
    from stages
    union all
    select
        'crm' as pipeline,
        'lost' as stage,
        coalesce(max(position), 0) + 1 as position,
        'lost' as outcome
    from stages
)

select * from final

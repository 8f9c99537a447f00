{{ config(enabled='odoo' in var('crm_sources')) }}

-- Stages by their id, since people rename them. Two of one name are told apart by their ids.
with stages as (
    select
        id as stage_id,
        sequence,
        coalesce(is_won, false) as is_won,
        {{ odoo_text('name') }} as name
    from {{ source_rows('raw_odoo', 'crm_stage') }}
),

final as (
    select
        stage_id,
        case
            when name is null or count(*) over (partition by name) > 1
                then concat_ws(' ', name, '(' || cast(stage_id as varchar) || ')')
            else name
        end as stage,
        row_number() over (order by sequence asc nulls last, stage_id asc nulls last) as position,
        case when is_won then 'won' else 'open' end as outcome
    from stages
)

select * from final

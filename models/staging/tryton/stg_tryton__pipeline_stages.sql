{{ config(enabled='tryton' in var('crm_sources')) }}

-- The states are built into Tryton; what each one counts as may be changed in the seed source_values.
with outcomes as (
    {{ meanings('tryton', 'stage_outcome') }}
),

states as (
    select
        listed.state,
        cast(listed.position as bigint) as position
    from (
        values
        ('lead', 1), ('opportunity', 2), ('converted', 3), ('won', 4), ('lost', 5), ('cancelled', 6)
    ) as listed (state, position)
),

final as (
    select
        'sales' as pipeline,
        states.state as stage,
        states.position,
        coalesce(outcomes.meaning, 'open') as outcome
    from states
    left join outcomes
        on states.state = outcomes.source_value
)

select * from final

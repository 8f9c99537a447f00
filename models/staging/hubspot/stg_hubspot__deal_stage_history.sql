{{ config(enabled='hubspot' in var('crm_sources')) }}

-- Where the sync has no table of stage entries, the history of the property dealstage says the same. The id of a
-- change is made of what it is, not of its place in a list: a late row leaves all others their ids.
with entries as (
    select
        deal_id,
        value as stage,
        date_entered as changed_at,
        source_id
    from {{ source_rows('raw_hubspot', 'deal_stage') }}
),

stage_properties as (
    select
        deal_id,
        value as stage,
        timestamp as changed_at,
        source_id
    from {{ source_rows('raw_hubspot', 'deal_property_history') }}
    where
        name = 'dealstage'
        and (select count(*) from {{ source_rows('raw_hubspot', 'deal_stage') }}) = 0
),

changes as (
    select * from entries
    union all
    select * from stage_properties
),

final as (
    select
        deal_id || ':' || epoch_us(changed_at) || ':' || stage as change_id,
        deal_id,
        stage,
        changed_at,
        source_id as changed_by
    from changes
    where
        deal_id is not null
        and stage is not null
        and changed_at is not null
)

select * from final

{{ config(enabled='salesforce' in var('crm_sources')) }}

-- Two layouts bring the same: the object OpportunityHistory, and the history mode of a connector, which keeps every version
-- of an opportunity under its own id. A version is no older than the opportunity; versions that repeat the stage are
-- no moves, and are passed over further on.
with history as (
    select
        coalesce(opportunity_id, id) as deal_id,
        case when opportunity_id is not null then id end as change_id,
        stage_name as stage,
        case
            when opportunity_id is not null then created_date
            else greatest(_fivetran_start, created_date)
        end as changed_at,
        coalesce(created_by_id, last_modified_by_id) as changed_by
    from {{ source_rows('raw_salesforce', 'opportunity_history') }}
),

-- The id of a change is made of what it is, not of its place in a list: a late row leaves all others their ids.
final as (
    select
        coalesce(change_id, deal_id || ':' || epoch_us(changed_at) || ':' || stage) as change_id,
        deal_id,
        stage,
        changed_at,
        changed_by
    from history
    where
        deal_id is not null
        and stage is not null
        and changed_at is not null
)

select * from final

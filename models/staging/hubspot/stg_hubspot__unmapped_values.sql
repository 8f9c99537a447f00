{{ config(enabled='hubspot' in var('crm_sources')) }}

-- Values that are no rows of the contract tables, or lost in them: what the seed source_values does not explain.
with engagements as (
    select * from {{ ref('stg_hubspot__engagements') }}
),

contacts as (
    select property_lifecyclestage as lifecycle_stage
    from {{ source_rows('raw_hubspot', 'contact') }}
    where not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))
),

found as (
    select
        'activity_kind' as field,
        'activities' as table_name,
        'activity_type' as column_name,
        kind as value,
        'no activity' as counts_as
    from engagements
    union all
    select
        'direction' as field,
        'activities' as table_name,
        'direction' as column_name,
        direction as value,
        'an activity without direction' as counts_as
    from engagements
    where direction is not null
    union all
    select
        'meeting_status' as field,
        'activities' as table_name,
        'meeting_status' as column_name,
        outcome as value,
        'a meeting without status' as counts_as
    from engagements
    where outcome is not null
    union all
    select
        'lifecycle_stage' as field,
        'leads' as table_name,
        'lifecycle_stage' as column_name,
        lifecycle_stage as value,
        'a lead that is neither MQL nor SQL' as counts_as
    from contacts
    where lifecycle_stage is not null
),

{{ unexplained_values('hubspot') }}

select * from final

{{ config(enabled='salesforce' in var('crm_sources')) }}

-- Values that are no rows of the contract tables, or lost in them: what the seed source_values does not explain.
with tasks_and_events as (
    select * from {{ ref('stg_salesforce__tasks_and_events') }}
),

leads as (
    select status
    from {{ source_rows('raw_salesforce', 'lead') }}
    where
        not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))
        and coalesce(_fivetran_active, true)
),

found as (
    select
        'activity_kind' as field,
        'activities' as table_name,
        'activity_type' as column_name,
        kind as value,
        'no activity' as counts_as
    from tasks_and_events
    union all
    select
        'direction' as field,
        'activities' as table_name,
        'direction' as column_name,
        direction as value,
        'an activity without direction' as counts_as
    from tasks_and_events
    where direction is not null
    union all
    select
        'lead_status' as field,
        'leads' as table_name,
        'status' as column_name,
        status as value,
        'a lead that is neither MQL nor SQL' as counts_as
    from leads
    where status is not null
),

{{ unexplained_values('salesforce') }}

select * from final

{{ config(enabled='tryton' in var('crm_sources'), materialized='table') }}

with versions as (
    select *
    from {{ ref('stg_tryton__versions') }}
    where version_id >= first_deal_version_id
),

users as (
    select
        id,
        employee
    from {{ source_rows('raw_tryton', 'res_user') }}
),

-- Two versions of one instant stand in the order of their ids.
final as (
    select
        lpad(cast(versions.version_id as varchar), 12, '0') as change_id,
        cast(versions.opportunity_id as varchar) as deal_id,
        versions.state as stage,
        versions.changed_at,
        cast(users.employee as varchar) as changed_by
    from versions
    left join users
        on versions.write_uid = users.id
)

select * from final

{{ config(enabled='salesforce' in var('crm_sources')) }}

-- A role of the hierarchy is a team ("West"); what a person does says the job title.
with users as (
    select
        id as user_id,
        name as full_name,
        email,
        title,
        department,
        country,
        manager_id,
        user_role_id
    from {{ source_rows('raw_salesforce', 'user') }}
    where coalesce(_fivetran_active, true)
),

user_roles as (
    select
        id as user_role_id,
        name as team
    from {{ source_rows('raw_salesforce', 'user_role') }}
),

titles as (
    {{ meanings('salesforce', 'user_role') }}
),

final as (
    select
        users.user_id,
        users.full_name,
        users.email,
        coalesce(titles.meaning, users.title, 'unknown') as role,
        coalesce(user_roles.team, users.department) as team,
        users.country as region,
        users.manager_id,
        cast(null as bigint) as max_daily_leads,
        cast(null as bigint) as max_daily_deals,
        cast(null as date) as hired_on,
        cast(null as date) as left_on
    from users
    left join user_roles
        on users.user_role_id = user_roles.user_role_id
    left join titles
        on users.title = titles.source_value
)

select * from final

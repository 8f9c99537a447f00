{{ config(enabled='hubspot' in var('crm_sources')) }}

with owners as (
    select
        owner_id,
        active_user_id,
        nullif(concat_ws(' ', first_name, last_name), '') as full_name,
        email
    from {{ source_rows('raw_hubspot', 'owner') }}
),

users as (
    select
        id as active_user_id,
        role_id,
        primary_team_id
    from {{ source_rows('raw_hubspot', 'users') }}
),

roles as (
    select
        id as role_id,
        name as role
    from {{ source_rows('raw_hubspot', 'role') }}
),

teams as (
    select
        id as team_id,
        name as team
    from {{ source_rows('raw_hubspot', 'team') }}
),

-- The primary team; else any one, always the same.
owner_teams as (
    select
        owner_id,
        coalesce(min(case when is_team_primary then team_id end), min(team_id)) as team_id
    from {{ source_rows('raw_hubspot', 'owner_team') }}
    where not coalesce(_fivetran_deleted, false)
    group by owner_id
),

user_roles as (
    {{ meanings('hubspot', 'user_role') }}
),

final as (
    select
        owners.owner_id as user_id,
        owners.full_name,
        owners.email,
        coalesce(user_roles.meaning, roles.role, 'unknown') as role,
        teams.team,
        cast(null as varchar) as region,
        cast(null as varchar) as manager_id,
        cast(null as bigint) as max_daily_leads,
        cast(null as bigint) as max_daily_deals,
        cast(null as date) as hired_on,
        cast(null as date) as left_on
    from owners
    left join users
        on owners.active_user_id = users.active_user_id
    left join roles
        on users.role_id = roles.role_id
    left join user_roles
        on roles.role = user_roles.source_value
    left join owner_teams
        on owners.owner_id = owner_teams.owner_id
    left join teams
        on coalesce(owner_teams.team_id, users.primary_team_id) = teams.team_id
)

select * from final

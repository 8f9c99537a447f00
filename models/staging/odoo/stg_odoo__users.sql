{{ config(enabled='odoo' in var('crm_sources')) }}

-- Colleagues: neither customers with a portal login nor the logins that Odoo itself brings.
with users as (
    select *
    from {{ source_rows('raw_odoo', 'res_users') }}
    where
        id is not null
        and not coalesce(share, false)
        and coalesce(login, '') not in ('__system__', 'default')
),

partners as (
    select
        id,
        name,
        email
    from {{ source_rows('raw_odoo', 'res_partner') }}
),

teams as (
    select
        id,
        user_id as leader_id,
        {{ odoo_text('name') }} as name
    from {{ source_rows('raw_odoo', 'crm_team') }}
),

leaders as (
    select
        leader_id,
        min(name) as team
    from teams
    where leader_id is not null
    group by leader_id
),

memberships as (
    select
        user_id,
        min(crm_team_id) as team_id
    from {{ source_rows('raw_odoo', 'crm_team_member') }}
    where coalesce(active, true)
    group by user_id
),

roles as (
    {{ meanings('odoo', 'user_role') }}
),

placed as (
    select
        users.id,
        partners.name,
        partners.email,
        coalesce(teams.name, leaders.team) as team,
        case when teams.leader_id <> users.id then teams.leader_id end as manager_id,
        case
            when leaders.leader_id is not null then 'team leader'
            when teams.id is not null then 'team member'
            else '(none)'
        end as place
    from users
    left join partners
        on users.partner_id = partners.id
    left join memberships
        on users.id = memberships.user_id
    left join teams
        on memberships.team_id = teams.id
    left join leaders
        on users.id = leaders.leader_id
),

final as (
    select
        cast(placed.id as varchar) as user_id,
        placed.name as full_name,
        placed.email,
        coalesce(roles.meaning, 'other') as role,
        placed.team,
        cast(null as varchar) as region,
        cast(placed.manager_id as varchar) as manager_id,
        cast(null as bigint) as max_daily_leads,
        cast(null as bigint) as max_daily_deals,
        cast(null as date) as hired_on,
        cast(null as date) as left_on
    from placed
    left join roles
        on placed.place = roles.source_value
)

select * from final

{{ config(enabled='tryton' in var('crm_sources')) }}

with employees as (
    select *
    from {{ source_rows('raw_tryton', 'company_employee') }}
    where id is not null
),

parties as (
    select
        id,
        name
    from {{ source_rows('raw_tryton', 'party_party') }}
),

supervisors as (
    select distinct supervisor
    from employees
),

roles as (
    {{ meanings('tryton', 'user_role') }}
),

placed as (
    select
        employees.*,
        parties.name,
        case when supervisors.supervisor is not null then 'supervisor' else 'employee' end as place
    from employees
    left join parties
        on employees.party = parties.id
    left join supervisors
        on employees.id = supervisors.supervisor
),

final as (
    select
        cast(placed.id as varchar) as user_id,
        placed.name as full_name,
        cast(null as varchar) as email,
        coalesce(roles.meaning, 'other') as role,
        cast(null as varchar) as team,
        cast(null as varchar) as region,
        cast(placed.supervisor as varchar) as manager_id,
        cast(null as bigint) as max_daily_leads,
        cast(null as bigint) as max_daily_deals,
        placed.start_date as hired_on,
        placed.end_date as left_on
    from placed
    left join roles
        on placed.place = roles.source_value
)

select * from final

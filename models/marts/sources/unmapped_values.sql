with unmapped as (
    select * from {{ ref('int_unmapped_values_known') }}
),

stages as (
    select
        pipeline,
        stage
    from {{ ref('dim_stage') }}
),

users as (
    select
        user_id,
        role
    from {{ ref('dim_user') }}
),

deals as (
    select
        {{ source_system_of('deal_id') }} as source_system,
        pipeline,
        stage,
        deal_type,
        owner_id
    from {{ ref('fct_deals') }}
),

visits as (
    select
        {{ source_system_of('deal_id') }} as source_system,
        pipeline,
        stage
    from {{ ref('fct_deal_stage_visits') }}
    where stage_position is null
),

leads as (
    select
        {{ source_system_of('lead_id') }} as source_system,
        owner_id
    from {{ ref('fct_leads') }}
),

activities as (
    select
        {{ source_system_of('activity_id') }} as source_system,
        user_id
    from {{ ref('fct_activities') }}
),

-- Counted before anything is looked up: few values are left of many rows.
used_stages as (
    select
        source_system,
        'deals' as table_name,
        pipeline,
        stage,
        count(*) as rows
    from deals
    group by
        source_system,
        pipeline,
        stage
    union all
    select
        source_system,
        'deal_stage_history' as table_name,
        pipeline,
        stage,
        count(*) as rows
    from visits
    group by
        source_system,
        pipeline,
        stage
),

used_people as (
    select
        source_system,
        'deals' as table_name,
        'owner_id' as column_name,
        owner_id as user_id,
        count(*) as rows
    from deals
    group by
        source_system,
        owner_id
    union all
    select
        source_system,
        'leads' as table_name,
        'owner_id' as column_name,
        owner_id as user_id,
        count(*) as rows
    from leads
    group by
        source_system,
        owner_id
    union all
    select
        source_system,
        'activities' as table_name,
        'user_id' as column_name,
        user_id,
        count(*) as rows
    from activities
    group by
        source_system,
        user_id
),

used_types as (
    select
        source_system,
        deal_type,
        count(*) as rows
    from deals
    group by
        source_system,
        deal_type
),

used_roles as (
    select
        {{ source_system_of('user_id') }} as source_system,
        role,
        count(*) as rows
    from users
    group by
        source_system,
        role
),

final as (
    select
        source_system,
        table_name,
        column_name,
        value,
        rows,
        counts_as
    from unmapped
    union all
    select
        used_stages.source_system,
        used_stages.table_name,
        'stage' as column_name,
        used_stages.pipeline || '/' || used_stages.stage as value,
        used_stages.rows,
        'an open stage without position' as counts_as
    from used_stages
    left join stages
        on
            used_stages.pipeline = stages.pipeline
            and used_stages.stage = stages.stage
    where
        used_stages.stage is not null
        and stages.stage is null
    union all
    select
        used_people.source_system,
        used_people.table_name,
        used_people.column_name,
        used_people.user_id as value,
        used_people.rows,
        'a person without name, role, team and region' as counts_as
    from used_people
    left join users
        on used_people.user_id = users.user_id
    where
        used_people.user_id is not null
        and users.user_id is null
    union all
    select
        source_system,
        'deals' as table_name,
        'deal_type' as column_name,
        deal_type as value,
        rows,
        'a type of its own: no new business, renewal, upsell or cross-sell' as counts_as
    from used_types
    where deal_type not in ('new_business', 'renewal', 'upsell', 'cross_sell')
    union all
    select
        source_system,
        'users' as table_name,
        'role' as column_name,
        role as value,
        rows,
        'a role of its own: no capacity of BDRs or AEs' as counts_as
    from used_roles
    where role not in ('bdr', 'ae', 'am', 'manager')
)

select * from final

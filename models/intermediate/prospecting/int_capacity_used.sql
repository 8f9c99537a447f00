{% set dimensions = ['team', 'region'] %}

-- How much BDRs and AEs could take on in each month, and how much came: MQLs for the one,
-- won deals for the other.
with users as (
    select
        user_id,
        role,
        {{ known_or_unknown('team') }} as team,
        {{ known_or_unknown('region') }} as region,
        case role when 'bdr' then max_daily_leads when 'ae' then max_daily_deals end as daily_limit,
        hired_on,
        left_on
    from {{ ref('dim_user') }}
),

business_days as (
    select
        date_day,
        month_start
    from {{ ref('int_days') }}
    where is_business_day
),

months as (
    select
        roles.role,
        periods.period_start as month_start
    from {{ ref('int_periods') }} as periods
    inner join (
        select
            'bdr' as role,
            {{ period_start_of('month', local_date('min(created_at)')) }} as first_month_start
        from {{ ref('fct_leads') }}
        union all
        select
            'ae' as role,
            {{ period_start_of('month', local_date('min(created_at)')) }} as first_month_start
        from {{ ref('fct_deals') }}
    ) as roles
        on
            periods.period_grain = 'month'
            and periods.period_start >= roles.first_month_start
),

-- The running month counts as a whole: who is there at as_of is expected to stay.
rep_months as (
    select
        users.user_id,
        users.role,
        users.team,
        users.region,
        business_days.month_start,
        coalesce(users.daily_limit, 0) * count(*) as capacity
    from users
    inner join business_days
        on
            coalesce(users.hired_on <= business_days.date_day, true)
            and coalesce(users.left_on >= business_days.date_day, true)
    where
        users.role in ('bdr', 'ae')
        and coalesce(users.hired_on <= {{ as_of_on() }}, true)
    group by
        users.user_id,
        users.role,
        users.team,
        users.region,
        users.daily_limit,
        business_days.month_start
),

work as (
    select
        'bdr' as role,
        owner_id,
        {{ period_start_of('month', local_date('became_mql_at')) }} as month_start
    from {{ ref('fct_leads') }}
    where became_mql_at is not null
    union all
    select
        'ae' as role,
        owner_id,
        {{ period_start_of('month', local_date('closed_at')) }} as month_start
    from {{ ref('fct_deals') }}
    where outcome = 'won'
),

-- Work counts where its owner belongs, whatever the role of that owner.
capacity_and_work as (
    select
        role,
        month_start,
        team,
        region,
        user_id,
        capacity,
        0 as work_items
    from rep_months
    union all
    select
        work.role,
        work.month_start,
        {{ known_or_unknown('users.team') }} as team,
        {{ known_or_unknown('users.region') }} as region,
        null as user_id,
        0 as capacity,
        1 as work_items
    from work
    left join users
        on work.owner_id = users.user_id
),

sliced as (
    select
        {{ slice_columns(['month'], dimensions) }},
        capacity_and_work.role,
        count(user_id) as reps,
        sum(capacity) as capacity,
        sum(work_items) as work_items
    from capacity_and_work
    group by {{ slices(['month'], dimensions, keys=['role']) }}
),

-- The total has a row for every month, a slice where somebody or something was there.
final as (
    select
        months.role,
        months.month_start,
        coalesce(sliced.dimension, 'all') as dimension,
        coalesce(sliced.dimension_value, 'all') as dimension_value,
        coalesce(sliced.reps, 0) as reps,
        cast(coalesce(sliced.capacity, 0) as bigint) as capacity,
        cast(coalesce(sliced.work_items, 0) as bigint) as work_items,
        {{ ratio('sliced.work_items', 'sliced.capacity') }} as utilisation,
        case
            when {{ ratio('sliced.work_items', 'sliced.capacity') }} < 0.9 then 'spare'
            when {{ ratio('sliced.work_items', 'sliced.capacity') }} <= 1.1 then 'matched'
            when {{ ratio('sliced.work_items', 'sliced.capacity') }} > 1.1 then 'overloaded'
        end as capacity_signal
    from months
    left join sliced
        on
            months.role = sliced.role
            and months.month_start = sliced.period_start
)

select * from final

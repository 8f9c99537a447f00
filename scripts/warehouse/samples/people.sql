-- The sales floor is made of seats; a seat is opened once and then held by one person after the other.
create table seats as
with floor_plan as (
    select
        role_no,
        role,
        region_no,
        region,
        greatest(1, round(headcount * share))::integer as seats,
    from (
        values
            (1, 'ae', 8 * getvariable('size') ** 0.75),
            (2, 'bdr', 4 * getvariable('size') ** 0.75),
            (3, 'am', 3 * getvariable('size') ** 0.75)
    ) as roles (role_no, role, headcount)
    cross join (values (1, 'AMER', 0.45), (2, 'EMEA', 0.38), (3, 'APAC', 0.17))
        as regions (region_no, region, share)
),
listed as (
    select
        role_no,
        role,
        region_no,
        region,
        seats as seats_in_region,
        unnest(range(0, seats))::integer as seat_no,
    from floor_plan
)
select
    role_no * 1000000 + region_no * 100000 + seat_no as seat_key,
    role,
    region,
    seat_no,
    -- position among all seats of the role, small regions served early
    (row_number() over (partition by role_no order by seat_no, region_no) - 1)::integer as seat_in_role,
    count(*) over (partition by role_no) as seats_in_role,
    case role
        when 'ae' then region || ' Sales ' || (seat_no // 8 + 1)
        when 'bdr' then 'Sales Development ' || (seat_in_role // 8 + 1)
        else 'Account Management ' || (seat_in_role // 8 + 1)
    end as team,
    -- half the seats were there before the first day, the others open as the company grows
    case
        when seat_no = 0 or seat_no < 0.5 * seats_in_region
            then -40 - floor(700 * uniform(seat_key, 'opened'))
        else floor(980 * (seat_no + uniform(seat_key, 'opened')) / seats_in_region - 300)
    end::integer as opens_on_day,
from listed;

create table tenures as
with held as (
    select
        seat_key,
        seat_no,
        opens_on_day,
        unnest(range(0, 6))::integer as holder_no,
    from seats
),
timed as (
    select
        seat_key,
        seat_no,
        opens_on_day,
        holder_no,
        240 + floor(exponential(seat_key * 8 + holder_no, 'tenure', 700))::integer as tenure_days,
        -- the first seat of a region is never empty: its next holder starts before the last one goes
        case
            when seat_no = 0 then -45
            else 10 + floor(50 * uniform(seat_key * 8 + holder_no, 'gap'))
        end::integer as gap_days,
    from held
),
dated as (
    select
        seat_key,
        holder_no,
        date_trunc(
            'week',
            getvariable('start_on') + (
                opens_on_day
                + coalesce(
                    sum(tenure_days + gap_days) over (
                        partition by seat_key order by holder_no
                        rows between unbounded preceding and 1 preceding
                    ),
                    0
                )
            )::integer
        )::date as hired_on,
        tenure_days,
    from timed
)
select
    seat_key,
    holder_no,
    hired_on,
    -- people leave on a Friday
    (date_trunc('week', hired_on + tenure_days) + interval 4 day)::date as left_on,
from dated;

create table user_plan as
with managers as (
    select
        team,
        min(region) as region,
        (row_number() over (order by min(seat_key)) + 1)::integer as user_no,
    from seats
    group by team
),
holders as (
    select
        tenures.seat_key,
        tenures.holder_no,
        tenures.hired_on,
        tenures.left_on,
        seats.role,
        seats.team,
        seats.region,
        seats.seat_in_role,
        (
            (select count(*) from managers) + 2
            + row_number() over (order by tenures.hired_on, tenures.seat_key, tenures.holder_no)
        )::integer as user_no,
        -- what all people of the role can take on a day, dealt out in whole numbers from the first seat on
        case seats.role
            when 'bdr' then getvariable('deals') * 1.0 / 650
            when 'ae' then getvariable('deals') * 0.28 / 650
        end / seats.seats_in_role as daily_share,
    from tenures
    inner join seats on tenures.seat_key = seats.seat_key
    where tenures.hired_on <= getvariable('horizon_at')::date
)
select
    user_no,
    null::integer as seat_key,
    null::integer as holder_no,
    case when user_no = 1 then 'manager' else 'sales_ops' end as role,
    case when user_no = 1 then 'Sales Leadership' else 'Sales Operations' end as team,
    null as region,
    case when user_no = 1 then null else 1 end as manager_no,
    null::integer as max_daily_leads,
    null::integer as max_daily_deals,
    (getvariable('start_on') - 1200)::date as hired_on,
    null::date as left_on,
    1.0 as skill,
from (values (1), ((select count(*) from managers) + 2)) as leaders (user_no)
union all
select
    user_no,
    null,
    null,
    'manager',
    team,
    case when team like '% Sales %' then region end,
    1,
    null,
    null,
    (getvariable('start_on') - 100 - floor(900 * uniform(user_no, 'manager hired'))::integer)::date,
    null,
    1.0,
from managers
union all
select
    holders.user_no,
    holders.seat_key,
    holders.holder_no,
    holders.role,
    holders.team,
    holders.region,
    managers.user_no,
    case
        when holders.role = 'bdr' then nullif(
            ceil((holders.seat_in_role + 1) * holders.daily_share)
            - ceil(holders.seat_in_role * holders.daily_share),
            0
        )
    end::integer,
    case
        when holders.role = 'ae' then nullif(
            ceil((holders.seat_in_role + 1) * holders.daily_share)
            - ceil(holders.seat_in_role * holders.daily_share),
            0
        )
    end::integer,
    holders.hired_on,
    holders.left_on,
    exp(0.22 * normal(holders.user_no, 'skill')),
from holders
inner join managers on holders.team = managers.team
order by user_no;

-- Who takes over when somebody leaves: the next holder of the seat if hired in time, else the manager.
alter table user_plan add column successor_no integer;
update user_plan
set successor_no = coalesce(next_holder.user_no, user_plan.manager_no)
from user_plan as leaver
left join user_plan as next_holder
    on
        leaver.seat_key = next_holder.seat_key
        and leaver.holder_no + 1 = next_holder.holder_no
        and next_holder.hired_on <= leaver.left_on
where user_plan.user_no = leaver.user_no and user_plan.left_on is not null;

-- Work goes to the people employed for the whole month, the ramped and the able getting more of it.
-- `from_share` is where a person's part of the interval 0..1 begins.
create table roster as
with months as (
    select
        range::date as month_start,
        last_day(range::date) as month_end,
        month_no(range) as month,
    from range(
        date_trunc('month', getvariable('start_on') - 400),
        getvariable('horizon_at') + interval 40 day,
        interval 1 month
    )
),
employed as (
    select
        user_plan.role,
        user_plan.region,
        months.month,
        user_plan.user_no,
        round(
            1000000 * user_plan.skill
            * least(1, 0.3 + (months.month_start - user_plan.hired_on) / 260.0)
        )::bigint as weight,
    from months
    inner join user_plan
        on
            user_plan.seat_key is not null
            and user_plan.hired_on <= months.month_start
            and (user_plan.left_on is null or user_plan.left_on >= months.month_end)
)
select
    role,
    region,
    month,
    user_no,
    ((sum(weight) over so_far - weight) / sum(weight) over everyone)::double as from_share,
from employed
window
    so_far as (partition by role, region, month order by user_no),
    everyone as (partition by role, region, month);

-- Customers are called and visited about every four months.
create or replace table life_activities as
with planned as (
    select
        customers.account_no,
        customers.won_at,
        unnest(range(0, 1 + date_diff('day', customers.won_at, getvariable('horizon_at')) // 120)) as turn,
        customers.account_no * 64 + turn as turn_key,
        business_day(
            floor(
                (epoch(customers.won_at) - getvariable('start_second')) / 7 * 5 / 86400 * 36000
            )::bigint
            + floor(36000 * 85 * (turn + uniform(turn_key, 'turn')))::bigint
        ) * 36000
        + floor(36000 * uniform(turn_key, 'hour'))::bigint as visit_second,
        office_shift(account_region(customers.account_no)) as shift,
    from customers
),
typed as (
    select
        *,
        instant(visit_second, shift) as occurred_at,
        case
            when uniform(turn_key, 'type') < 0.42 then 'call'
            when uniform(turn_key, 'type') < 0.78 then 'email'
            when uniform(turn_key, 'type') < 0.92 then 'video_meeting'
            else 'meeting'
        end as activity_type,
        activity_type in ('meeting', 'video_meeting') as is_meeting,
        case
            when is_meeting
                then visit_second - floor(36000 * (1 + 9 * uniform(turn_key, 'booked')))::bigint
            else visit_second
        end as booked_second,
    from planned
    where visit_second >= 0
),
settled as (
    select
        *,
        case
            when not is_meeting then null
            when chance(turn_key, 'held', 0.86) then 'held'
            else 'cancelled'
        end as final_status,
    from typed
    where instant(booked_second, shift) > won_at
)
select
    'C' || settled.account_no || '-' || settled.turn as activity_id,
    settled.activity_type,
    case
        when not settled.is_meeting and chance(settled.turn_key, 'inbound', 0.4) then 'inbound'
        else 'outbound'
    end as direction,
    roster.user_no,
    null::bigint as lead_no,
    settled.account_no,
    settled.account_no as contact_account_no,
    null::bigint as deal_no,
    null::varchar as reply_sentiment,
    case when settled.is_meeting then 'accepted' end as booked_status,
    settled.final_status,
    case
        when settled.final_status = 'held' then instant(settled.visit_second + 3600, settled.shift)
        when settled.is_meeting then instant((settled.visit_second + settled.booked_second) // 2, settled.shift)
    end as settled_at,
    settled.occurred_at,
    instant(settled.booked_second, settled.shift) as known_at,
    false as is_log_time_missing,
from settled
asof left join roster
    on
        roster.role = 'am'
        and roster.region = coalesce(account_region(settled.account_no), 'AMER')
        and roster.month = month_no(settled.occurred_at)
        and uniform(settled.account_no, 'account manager') >= roster.from_share;

-- Outreach to leads: a first answer, a sequence of touches, replies and the meetings that follow.
create or replace table life_activities as
with contacted as (
    select
        life_leads.lead_no,
        life_leads.owner_no,
        user_plan.left_on + interval 17 hour as owner_left_at,
        user_plan.successor_no as next_owner_no,
        shift,
        seen_second,
        deal_no,
        -- the sequence ends when the lead is converted or given up
        coalesce(converted_second, disqualified_second, 9000000000) as last_second,
        sql_second is not null as is_promising,
        seen_second + case
            when chance(lead_no, 'speed', 0.24) then 25 + 260 * uniform(lead_no, 'within minutes')
            when chance(lead_no, 'speed', 0.50) then 300 + 3300 * uniform(lead_no, 'within the hour')
            when chance(lead_no, 'speed', 0.85) then 3600 + 34000 * uniform(lead_no, 'within the day')
            else 36000 * (1 + 4 * uniform(lead_no, 'days later'))
        end::bigint as first_second,
        1 + least(
            11, floor(exponential(lead_no, 'touches', case when deal_no is null then 1.9 else 1.5 end))
        )::integer as touches,
        1.0 + 2.2 * uniform(lead_no, 'pace') as pace,
    from life_leads
    left join user_plan on life_leads.owner_no = user_plan.user_no
    where chance(lead_no, 'contacted', case when deal_no is null then 0.66 else 0.9 end)
),
sequence as (
    select
        contacted.*,
        unnest(range(0, touches))::integer as touch_no,
        lead_no * 16 + touch_no as touch_key,
        first_second + case
            when touch_no = 0 then 0
            else floor(36000 * (touch_no * pace + 0.6 * uniform(touch_key, 'within the pace')))
        end::bigint as touch_second,
        case
            when uniform(touch_key, 'type') < 0.50 then 'email'
            when uniform(touch_key, 'type') < 0.86 then 'call'
            else 'chat'
        end as activity_type,
        chance(
            touch_key,
            'replied',
            case when deal_no is not null then 0.42 when is_promising then 0.36 else 0.17 end
        ) as is_replied,
    from contacted
),
touches as (
    select *
    from sequence
    where touch_no = 0 or touch_second < last_second
),
replies as (
    select
        *,
        touch_second + 240 + floor(36000 * exponential(touch_key, 'reply after', 0.6))::bigint as reply_second,
        case
            when chance(touch_key, 'unread', 0.04) then null
            when uniform(touch_key, 'sentiment')
                < case when deal_no is not null then 0.72 when is_promising then 0.6 else 0.2 end then 'positive'
            when uniform(touch_key, 'sentiment') < case when deal_no is not null then 0.93 else 0.58 end then 'neutral'
            else 'negative'
        end as reply_sentiment,
    from touches
    where is_replied
),
meetings as (
    select
        *,
        reply_second + 900 + floor(9000 * uniform(touch_key, 'booked after'))::bigint as booked_second,
        booked_second + floor(36000 * (1 + 7 * uniform(touch_key, 'meets after')))::bigint as meeting_second,
    from replies
    where reply_sentiment = 'positive' and chance(touch_key, 'meeting', 0.55)
)
select
    'L' || lead_no || '-' || (touch_no * 3) as activity_id,
    activity_type,
    'outbound' as direction,
    case when instant(touch_second, shift) >= owner_left_at then next_owner_no else owner_no end as user_no,
    lead_no,
    null::bigint as account_no,
    null::bigint as contact_account_no,
    null::bigint as deal_no,
    null::varchar as reply_sentiment,
    null::varchar as booked_status,
    null::varchar as final_status,
    null::timestamp as settled_at,
    instant(touch_second, shift) as occurred_at,
    -- a few are logged in the evening or the day after
    case
        when chance(touch_key, 'logged late', 0.04)
            then instant(touch_second + floor(40000 * uniform(touch_key, 'logged after'))::bigint, shift)
        else instant(touch_second, shift)
    end as known_at,
    chance(touch_key, 'no log time', 0.03) as is_log_time_missing,
from touches
union all
select
    'L' || lead_no || '-' || (touch_no * 3 + 1),
    activity_type,
    'inbound',
    case when instant(reply_second, shift) >= owner_left_at then next_owner_no else owner_no end,
    lead_no,
    null,
    null,
    null,
    reply_sentiment,
    null,
    null,
    null,
    instant(reply_second, shift),
    instant(reply_second, shift),
    chance(touch_key, 'no log time', 0.03),
from replies
union all
select
    'L' || lead_no || '-' || (touch_no * 3 + 2),
    case when chance(touch_key, 'in person', 0.22) then 'meeting' else 'video_meeting' end,
    case when chance(touch_key, 'direction', 0.9) then 'outbound' end,
    case when instant(meeting_second, shift) >= owner_left_at then next_owner_no else owner_no end,
    lead_no,
    null,
    null,
    null,
    null,
    case when chance(touch_key, 'accepted', 0.7) then 'accepted' else 'scheduled' end,
    case
        when uniform(touch_key, 'status') < 0.72 then 'held'
        when uniform(touch_key, 'status') < 0.82 then 'no_show'
        when uniform(touch_key, 'status') < 0.92 then 'cancelled'
        else 'declined'
    end as final_status,
    case
        when final_status in ('held', 'no_show') then instant(meeting_second + 3600, shift)
        else instant(
            booked_second + floor((meeting_second - booked_second) * uniform(touch_key, 'told'))::bigint, shift
        )
    end,
    instant(meeting_second, shift),
    instant(booked_second, shift),
    false,
from meetings;

-- Work on deals: calls, mails and meetings within the visits of their stages.
create or replace table life_activities as
with visits as (
    select
        moves.deal_no,
        moves.deal_no * 64 + moves.move_no as visit_key,
        moves.move_no,
        moves.position,
        moves.entered_second,
        moves.shift,
        life_deals.account_no,
        life_deals.owner_no,
        life_deals.owner_left_at,
        life_deals.next_owner_no,
        moves.entered_second + floor(
            least(coalesce(moves.left_second - moves.entered_second, 400000), 540000)
            * uniform(visit_key, 'worked on')
        )::bigint as work_second,
    from deal_moves as moves
    inner join life_deals on moves.deal_no = life_deals.deal_no
    where
        moves.outcome = 'open'
        and chance(
            moves.deal_no * 64 + moves.move_no,
            'work',
            case when life_deals.won_at is not null then 0.40 else 0.30 end
        )
),
worked as (
    select
        *,
        case
            when uniform(visit_key, 'type') < 0.36 then 'call'
            when uniform(visit_key, 'type') < 0.72 then 'email'
            when uniform(visit_key, 'type') < 0.79 then 'chat'
            when uniform(visit_key, 'type') < 0.95 then 'video_meeting'
            else 'meeting'
        end as activity_type,
        activity_type in ('meeting', 'video_meeting') as is_meeting,
        not is_meeting and chance(visit_key, 'inbound', 0.3) as is_inbound,
        greatest(
            entered_second, work_second - floor(36000 * (1 + 5 * uniform(visit_key, 'booked before')))::bigint
        ) as booked_second,
        instant(work_second, shift) as occurred_at,
    from visits
),
settled as (
    select
        *,
        case
            when not is_meeting then null
            when uniform(visit_key, 'status') < 0.82 then 'held'
            when uniform(visit_key, 'status') < 0.89 then 'no_show'
            when uniform(visit_key, 'status') < 0.96 then 'cancelled'
            else 'declined'
        end as final_status,
    from worked
)
select
    'D' || deal_no || '-' || move_no as activity_id,
    activity_type,
    case
        when is_meeting then case when chance(visit_key, 'direction', 0.85) then 'outbound' end
        when is_inbound then 'inbound'
        else 'outbound'
    end as direction,
    case when owner_left_at <= occurred_at then next_owner_no else owner_no end as user_no,
    null::bigint as lead_no,
    -- the account is given in most cases, else it is the deal's
    case when chance(visit_key, 'account', 0.7) then account_no end as account_no,
    case when chance(visit_key, 'contact', 0.9) then account_no end as contact_account_no,
    deal_no,
    case
        when is_inbound then
            case
                when uniform(visit_key, 'sentiment') < 0.5 then 'positive'
                when uniform(visit_key, 'sentiment') < 0.85 then 'neutral'
                else 'negative'
            end
    end as reply_sentiment,
    case
        when not is_meeting then null
        when chance(visit_key, 'accepted', 0.8) then 'accepted'
        else 'scheduled'
    end as booked_status,
    final_status,
    case
        when final_status in ('held', 'no_show') then instant(work_second + 3600, shift)
        when is_meeting then instant(
            booked_second + floor((work_second - booked_second) * uniform(visit_key, 'told'))::bigint, shift
        )
    end as settled_at,
    occurred_at,
    case
        when is_meeting then instant(booked_second, shift)
        when chance(visit_key, 'logged late', 0.05)
            then instant(work_second + floor(60000 * uniform(visit_key, 'logged after'))::bigint, shift)
        else occurred_at
    end as known_at,
    not is_meeting and chance(visit_key, 'no log time', 0.03) as is_log_time_missing,
from settled;

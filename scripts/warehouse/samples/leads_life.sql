-- What becomes of the begun leads and how they are spoken to.
create or replace table life_leads as
with timed as (
    select
        begun_leads.*,
        -- forms are also filled in at night and on weekends; the office finds them in the morning
        source in ('inbound_web', 'paid_search') and chance(lead_no, 'off hours', 0.2) as is_off_hours,
        begun_second - case when is_off_hours then begun_second % 36000 else 0 end as seen_second,
        case
            when deal_no is not null
                then seen_second + floor((converted_second - seen_second) * (0.35 + 0.6 * uniform(lead_no, 'sql')))
        end::bigint as won_over_second,
        case
            when deal_no is not null
                then
                    case
                        when chance(lead_no, 'mql', 0.94)
                            then seen_second + floor(
                                (won_over_second - seen_second) * 0.9 * uniform(lead_no, 'mql after') ** 2
                            )
                    end
            when chance(lead_no, 'mql', case source when 'event' then 0.42 when 'outbound' then 0.45 else 0.58 end)
                then seen_second + 30 + floor(36000 * exponential(lead_no, 'mql after', 1.6))
        end::bigint as mql_second,
        case
            when deal_no is not null then case when chance(lead_no, 'sql kept', 0.96) then won_over_second end
            when mql_second is not null and chance(lead_no, 'sql', 0.2)
                then mql_second + 1800 + floor(36000 * exponential(lead_no, 'sql after', 5))
        end::bigint as sql_second,
        case
            when deal_no is null and chance(lead_no, 'disqualified', 0.55)
                then coalesce(sql_second, mql_second, seen_second)
                    + 7200 + floor(36000 * exponential(lead_no, 'disqualified after', 9))
        end::bigint as disqualified_second,
    from begun_leads
),
placed as (
    select
        *,
        case
            when is_off_hours
                then seconds_after(
                    instant(seen_second, shift),
                    -- since Friday evening on a Monday
                    -3600 * case when seen_second % 180000 < 36000 then 62 else 14 end * uniform(lead_no, 'night')
                )
            else instant(seen_second, shift)
        end as created_at,
    from timed
)
select
    placed.lead_no,
    placed.source,
    placed.region,
    placed.shift,
    placed.account_no,
    placed.deal_no,
    placed.seen_second,
    placed.sql_second,
    placed.converted_second,
    placed.disqualified_second,
    placed.created_at,
    instant(placed.mql_second, placed.shift) as mql_at,
    instant(placed.sql_second, placed.shift) as sql_at,
    instant(placed.disqualified_second, placed.shift) as disqualified_at,
    instant(placed.converted_second, placed.shift) as converted_at,
    roster.user_no as owner_no,
    case
        when source in ('paid_search', 'event', 'inbound_web') and not chance(lead_no, 'no campaign', 0.25)
            then list_extract(
                case source
                    when 'event' then ['trade-fair', 'roadshow', 'webinar']
                    when 'paid_search' then ['brand', 'competitor', 'category']
                    else ['whitepaper', 'demo-request', 'newsletter']
                end,
                1 + floor(3 * uniform(lead_no, 'campaign') ** 1.4)::integer
            ) || '-' || year(created_at) || '-q' || quarter(created_at)
    end as campaign,
    greatest(created_at, mql_at, sql_at, disqualified_at, converted_at) as last_news_at,
from placed
asof left join roster
    on
        roster.role = 'bdr'
        and roster.region = coalesce(placed.region, 'AMER')
        and roster.month = month_no(placed.created_at)
        and case when chance(placed.lead_no, 'no owner', 0.02) then -1 else uniform(placed.lead_no, 'owner') end
        >= roster.from_share;

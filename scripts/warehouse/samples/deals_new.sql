-- Deals with new customers, numbers first_no up to and without end_no: what is known when they begin.
create or replace table begun_deals as
with placed as (
    select
        range as deal_no,
        place_in_series(
            range, getvariable('new_deals'), getvariable('new_past_weight'), 'new deal'
        ) as place,
    from range(getvariable('first_no'), getvariable('end_no'))
),
dated as (
    select
        placed.deal_no,
        days.day_no,
        month_no(days.on_date) as month,
        days.day_no * 36000
        + floor(
            18000 * (uniform(placed.deal_no, 'hour') + uniform(placed.deal_no, 'minute'))
        )::bigint as begun_second,
        -- most prospects are met for the first time, some were asked before: some days before at least, as
        -- a smaller number may begin later within a block of numbers and within a day
        placed.deal_no - 32 - getvariable('new_deals') // 200
        - floor(exponential(placed.deal_no, 'earlier prospect', 400))::bigint as earlier_no,
    from placed
    asof inner join days on placed.place >= days.new_place
),
prospects as (
    select
        deal_no,
        day_no,
        month,
        begun_second,
        case
            when chance(deal_no, 'no account', 0.02) then null
            when chance(deal_no, 'known account', 0.16)
                and earlier_no >= 1
                and not chance(earlier_no, 'known account', 0.16)
                and not chance(earlier_no, 'no account', 0.02)
                then earlier_no
            else deal_no
        end as account_no,
    from dated
),
described as (
    select
        deal_no,
        day_no,
        month,
        begun_second,
        account_no,
        coalesce(account_no, deal_no) as described_no,
        account_region(described_no) as region,
        account_segment(described_no) as segment,
        case
            when segment = 'enterprise' and chance(deal_no, 'pipeline', 0.93) then 2
            when segment = 'mid_market' and chance(deal_no, 'pipeline', 0.17) then 2
            else 1
        end as pipeline_no,
        case
            when uniform(deal_no, 'source') < 0.27 then 'inbound_web'
            when uniform(deal_no, 'source') < 0.48 then 'outbound'
            when uniform(deal_no, 'source') < 0.62 then 'paid_search'
            when uniform(deal_no, 'source') < 0.74 then 'referral'
            when uniform(deal_no, 'source') < 0.86 then 'partner'
            when uniform(deal_no, 'source') < 0.98 then 'event'
        end as source,
        case segment
            when 'enterprise' then
                case
                    when uniform(deal_no, 'product') < 0.70 then 3
                    when uniform(deal_no, 'product') < 0.90 then 2
                    else 6
                end
            when 'mid_market' then
                case
                    when uniform(deal_no, 'product') < 0.66 then 2
                    when uniform(deal_no, 'product') < 0.78 then 1
                    when uniform(deal_no, 'product') < 0.90 then 5
                    else 4
                end
            else
                case
                    when uniform(deal_no, 'product') < 0.66 then 1
                    when uniform(deal_no, 'product') < 0.86 then 2
                    when uniform(deal_no, 'product') < 0.95 then 4
                    else 7
                end
        end as product_no,
    from prospects
)
select
    described.deal_no,
    described.account_no,
    described.pipeline_no,
    case when chance(described.deal_no, 'no type', 0.01) then null else 'new_business' end as deal_type,
    described.source,
    described.product_no,
    described.region,
    described.segment,
    case
        when not chance(described.deal_no, 'no currency', 0.01)
            then account_currency(described.described_no)
    end as currency,
    described.month,
    described.begun_second,
    office_shift(described.region) as shift,
    roster.user_no as owner_no,
    chance(
        described.deal_no,
        'from a lead',
        case described.source
            when 'inbound_web' then 0.60
            when 'paid_search' then 0.60
            when 'event' then 0.45
            when 'outbound' then 0.25
            else 0.15
        end
    ) as is_from_lead,
    lognormal(
        described.deal_no,
        'amount',
        case described.segment when 'enterprise' then 88000 when 'mid_market' then 23000 else 6200 end
        * case when described.product_no >= 4 then 0.55 else 1 end,
        0.55
    ) as amount,
    -- what the rep, the source and the market add to the chance of winning
    0.272
    * case described.source
        when 'referral' then 1.45
        when 'partner' then 1.20
        when 'inbound_web' then 1.10
        when 'event' then 0.90
        when 'outbound' then 0.80
        when 'paid_search' then 0.72
        else 1
    end
    * case described.segment when 'enterprise' then 0.85 when 'mid_market' then 1.05 else 1 end
    * case account_industry(described.described_no)
        when 'software' then 1.15
        when 'public sector' then 0.75
        else 1
    end
    * coalesce(user_plan.skill ** 0.8, 0.9)
    * coalesce(
        least(
            1,
            0.45
            + (
                getvariable('start_on') + (described.day_no * 7 // 5)::integer - user_plan.hired_on
            )::double / 330
        ),
        1
    ) as win_chance,
    lognormal(described.deal_no, 'speed', 1, 0.4)
    * case described.segment when 'enterprise' then 1.15 when 'smb' then 0.9 else 1 end
    / coalesce(user_plan.skill ** 0.4, 1) as slowness,
from described
asof left join roster
    on
        roster.role = 'ae'
        and roster.region = coalesce(described.region, 'AMER')
        and roster.month = described.month
        and case
            when chance(described.deal_no, 'no owner', 0.015) then -1
            else uniform(described.deal_no, 'owner')
        end >= roster.from_share
left join user_plan on roster.user_no = user_plan.user_no
where
    described.deal_no <= getvariable('new_deals')
    or instant(described.begun_second, office_shift(described.region)) > getvariable('as_of');

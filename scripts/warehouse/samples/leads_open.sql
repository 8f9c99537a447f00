-- The leads that come to nothing, numbers first_no up to and without end_no.
create or replace table begun_leads as
with placed as (
    select
        range as series_no,
        getvariable('lead_from_no') + range as key_no,
        place_in_series(
            range, getvariable('open_leads'), getvariable('new_past_weight'), 'open lead'
        ) as place,
    from range(getvariable('first_no'), getvariable('end_no'))
),
described as (
    select
        placed.series_no,
        placed.key_no * 2 + 1 as lead_no,
        case
            when uniform(placed.key_no, 'source') < 0.30 then 'inbound_web'
            when uniform(placed.key_no, 'source') < 0.54 then 'paid_search'
            when uniform(placed.key_no, 'source') < 0.74 then 'event'
            when uniform(placed.key_no, 'source') < 0.90 then 'outbound'
            when uniform(placed.key_no, 'source') < 0.95 then 'partner'
            when uniform(placed.key_no, 'source') < 0.98 then 'referral'
        end as source,
        account_region(placed.key_no) as region,
        office_shift(region) as shift,
        days.day_no * 36000
        + floor(18000 * (uniform(placed.key_no, 'hour') + uniform(placed.key_no, 'minute')))::bigint
            as begun_second,
    from placed
    asof inner join days on placed.place >= days.new_place
)
select
    lead_no,
    source,
    region,
    shift,
    begun_second,
    null::bigint as converted_second,
    null::bigint as account_no,
    null::bigint as deal_no,
from described
where series_no <= getvariable('open_leads') or instant(begun_second, shift) > getvariable('as_of');

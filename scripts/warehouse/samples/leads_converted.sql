-- The leads that the new deals came from.
create or replace table begun_leads as
select
    deal_no * 2 as lead_no,
    source,
    region,
    shift,
    greatest(
        0,
        begun_second - 3600
        - least(floor(36000 * exponential(deal_no, 'nurtured', 6)), 36000 * 25)
    )::bigint as begun_second,
    begun_second as converted_second,
    account_no,
    deal_no,
from life_deals
where is_from_lead;

create table stage_plan as
select
    pipeline_no,
    pipeline,
    (row_number() over (partition by pipeline_no order by listed))::integer as position,
    stage,
    outcome,
    median_days,
from (
    values
        (1, 1, 'new_business', 'prospecting', 'open', 2.0),
        (2, 1, 'new_business', 'qualification', 'open', 3.0),
        (3, 1, 'new_business', 'discovery', 'open', 4.0),
        (4, 1, 'new_business', 'demo', 'open', 4.0),
        (5, 1, 'new_business', 'evaluation', 'open', 6.0),
        (6, 1, 'new_business', 'proposal', 'open', 5.0),
        (7, 1, 'new_business', 'negotiation', 'open', 4.5),
        (8, 1, 'new_business', 'closed_won', 'won', 0.0),
        (9, 1, 'new_business', 'closed_lost', 'lost', 0.0),
        (10, 2, 'enterprise', 'prospecting', 'open', 3.0),
        (11, 2, 'enterprise', 'qualification', 'open', 5.0),
        (12, 2, 'enterprise', 'discovery', 'open', 7.0),
        (13, 2, 'enterprise', 'solution_design', 'open', 9.0),
        (14, 2, 'enterprise', 'proof_of_concept', 'open', 10.0),
        (15, 2, 'enterprise', 'proposal', 'open', 7.0),
        (16, 2, 'enterprise', 'legal_review', 'open', 8.0),
        (17, 2, 'enterprise', 'negotiation', 'open', 6.0),
        (18, 2, 'enterprise', 'closed_won', 'won', 0.0),
        (19, 2, 'enterprise', 'closed_lost', 'lost', 0.0),
        (20, 3, 'customer_growth', 'upcoming', 'open', 6.0),
        (21, 3, 'customer_growth', 'health_check', 'open', 5.0),
        (22, 3, 'customer_growth', 'offer', 'open', 4.0),
        (23, 3, 'customer_growth', 'negotiation', 'open', 4.0),
        (24, 3, 'customer_growth', 'commit', 'open', 3.0),
        (25, 3, 'customer_growth', 'closed_won', 'won', 0.0),
        (26, 3, 'customer_growth', 'closed_lost', 'lost', 0.0)
) as stages (listed, pipeline_no, pipeline, stage, outcome, median_days);

create table product_plan as
select
    product_no,
    'P' || lpad(product_no::varchar, 2, '0') as product_id,
    product_name,
    category,
    list_price,
    price_currency,
from (
    values
        (1, 'Core Starter', 'platform', 450.00, 'USD'),
        (2, 'Core Professional', 'platform', 1600.00, 'USD'),
        (3, 'Core Enterprise', 'platform', 6800.00, 'USD'),
        (4, 'Analytics', 'module', 320.00, 'USD'),
        (5, 'Automation', 'module', 440.00, 'USD'),
        (6, 'Security', 'module', 560.00, 'EUR'),
        (7, 'Premium Support', 'service', 260.00, 'USD'),
        (8, 'Card Terminal', 'hardware', 329.00, 'USD'),
        (9, 'Label Printer', 'hardware', 189.00, 'USD'),
        (10, 'Handheld Scanner', 'hardware', 249.00, 'USD'),
        (11, 'Receipt Rolls', 'supplies', 24.00, 'USD'),
        (12, 'Barcode Labels', 'supplies', 19.00, 'EUR')
) as products (product_no, product_name, category, list_price, price_currency);

-- The online shop comes first; stores are spread over the regions.
create table location_plan as
select
    range as location_no,
    case when range = 0 then 'ONLINE' else 'L' || lpad(range::varchar, 3, '0') end as location_id,
    case
        when range = 0 then 'Online shop'
        else list_extract(
            ['Chicago', 'Vienna', 'Denver', 'Porto', 'Boston', 'Osaka', 'Austin', 'Lyon', 'Seattle', 'Leeds'],
            1 + (range - 1)::integer % 10
        ) || case when range > 10 then ' ' || ((range - 1) // 10 + 1) else '' end
    end as name,
    case
        when range = 0 then null
        else list_extract(
            ['AMER', 'EMEA', 'AMER', 'EMEA', 'AMER', 'APAC', 'AMER', 'EMEA', 'AMER', 'EMEA'],
            1 + (range - 1)::integer % 10
        )
    end as region,
    case when range = 0 then 'online' else 'store' end as kind,
from range(getvariable('stores') + 1);

-- Of the promotions (days relative to as_of): one sells more, one does not, one has no control store and
-- covers every product, one is running, one is still to come.
create table promotion_plan as
select
    'PR' || lpad(promotion_no::varchar, 2, '0') as promotion_id,
    promotion_no,
    promotion_name,
    product_no,
    location_no,
    control_location_no,
    (getvariable('as_of')::date + first_day)::date as starts_on,
    (getvariable('as_of')::date + last_day)::date as ends_on,
    extra_orders,
    (getvariable('as_of')::date + first_day - 10)::timestamp + interval 9 hour as known_at,
from (
    values
        (1, 'Terminal weeks', 8, 1, 3, -400, -373, 1.4),
        (2, 'Printer bundle', 9, 2, 4, -250, -230, 0.0),
        (3, 'Store anniversary', null, 5, null, -150, -137, 1.8),
        (4, 'Scanner days', 10, 4, 2, -62, -42, 1.4),
        (5, 'Season opener', 8, 3, 1, -10, 10, 1.2),
        (6, 'Supplies week', 11, 2, 4, 4, 12, 1.0)
) as promotions (
    promotion_no, promotion_name, product_no, location_no, control_location_no, first_day, last_day, extra_orders
);

create table rate_plan as
select
    currency,
    (getvariable('start_on') - 400 + week_no * 7)::date as rate_on,
    week_no,
    -- quoted to six digits
    (
        case currency when 'EUR' then 1.085 else 1.262 end
        * exp(0.035 * sin(week_no / 19.0 + case currency when 'EUR' then 0 else 1 end)
            + 0.006 * normal(week_no * 2 + (currency = 'EUR')::integer, 'rate'))
    )::decimal(18, 6)::decimal(30, 18) as rate,
    -- now and then a rate is corrected in the week after
    chance(week_no * 2 + (currency = 'EUR')::integer, 'rate corrected', 0.12) as is_corrected,
from (
    select unnest(range(0, getvariable('rate_weeks')))::integer as week_no
) as weeks
cross join (values ('EUR'), ('GBP')) as currencies (currency);

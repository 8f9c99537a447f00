-- Renewals, upsells and cross-sells with customers of the time, numbers first_no up to and without end_no.
create or replace table begun_deals as
with placed as (
    select
        range as growth_no,
        getvariable('growth_from_no') + range as deal_no,
        place_in_series(
            range, getvariable('growth_deals'), getvariable('growth_past_weight'), 'growth deal'
        ) as place,
    from range(getvariable('first_no'), getvariable('end_no'))
),
dated as (
    select
        placed.growth_no,
        placed.deal_no,
        days.day_no,
        days.on_date,
        days.day_no * 36000
        + floor(
            18000 * (uniform(placed.deal_no, 'hour') + uniform(placed.deal_no, 'minute'))
        )::bigint as begun_second,
        case
            when uniform(placed.deal_no, 'type') < 0.42 then 'renewal'
            when uniform(placed.deal_no, 'type') < 0.74 then 'upsell'
            else 'cross_sell'
        end as deal_type,
    from placed
    asof inner join days on placed.place >= days.growth_place
),
-- A renewal comes up towards the end of a contract year; more is sold to any customer of at least a month.
aimed as (
    select
        *,
        case
            when deal_type = 'renewal'
                then on_date - (
                    case when chance(deal_no, 'second year', 0.35) then 660 else 295 end
                    + floor(60 * uniform(deal_no, 'renewal date'))
                )::integer
            else on_date - 30
        end::timestamp as customer_before,
    from dated
),
counted as (
    select
        aimed.*,
        customer_counts.customers as customers_then,
    from aimed
    asof left join customer_counts on aimed.customer_before >= customer_counts.won_at
),
chosen as (
    select
        *,
        case
            when customers_then is null
                then 1 + floor(getvariable('early_customers') * uniform(deal_no, 'customer'))::bigint
            when deal_type = 'renewal' and customers_then > 1.2 * getvariable('early_customers') then greatest(
                1, customers_then - floor(customers_then ** 0.5 * uniform(deal_no, 'customer'))::bigint
            )
            else 1 + floor(customers_then * uniform(deal_no, 'customer'))::bigint
        end as customer_no,
    from counted
)
select
    chosen.deal_no,
    customers.account_no,
    3 as pipeline_no,
    chosen.deal_type,
    case when chance(chosen.deal_no, 'source', 0.85) then 'customer_success' else 'referral' end as source,
    case
        when chosen.deal_type <> 'cross_sell' then customers.product_no
        else 4 + (customers.product_no + floor(4 * uniform(chosen.deal_no, 'product')))::integer % 4
    end as product_no,
    account_region(customers.account_no) as region,
    account_segment(customers.account_no) as segment,
    account_currency(customers.account_no) as currency,
    month_no(chosen.on_date) as month,
    chosen.begun_second,
    office_shift(account_region(customers.account_no)) as shift,
    roster.user_no as owner_no,
    false as is_from_lead,
    customers.amount * case chosen.deal_type
        when 'renewal' then 0.95 + 0.15 * uniform(chosen.deal_no, 'amount')
        when 'upsell' then 0.15 + 0.35 * uniform(chosen.deal_no, 'amount')
        else 0.18 + 0.40 * uniform(chosen.deal_no, 'amount')
    end as amount,
    case chosen.deal_type when 'renewal' then 0.85 when 'upsell' then 0.52 else 0.42 end
    * coalesce(user_plan.skill ** 0.25, 1) as win_chance,
    lognormal(chosen.deal_no, 'speed', 1, 0.35) as slowness,
from chosen
inner join customers on chosen.customer_no = customers.customer_no
asof left join roster
    on
        roster.role = 'am'
        and roster.region = coalesce(account_region(customers.account_no), 'AMER')
        and roster.month = month_no(chosen.on_date)
        -- an account keeps its manager as long as the team does not change
        and uniform(customers.account_no, 'account manager') >= roster.from_share
left join user_plan on roster.user_no = user_plan.user_no
where
    chosen.growth_no <= getvariable('growth_deals')
    or instant(chosen.begun_second, office_shift(account_region(customers.account_no))) > getvariable('as_of');

-- What later steps need of the deals at hand.
-- A deal without an amount is sold at the list price.
insert into new_wins
select
    life_deals.account_no,
    life_deals.deal_no,
    life_deals.won_at,
    life_deals.won_known_at as known_at,
    life_deals.product_no,
    coalesce(life_deals.agreed_amount, 12 * product_plan.list_price) as amount,
    life_deals.currency,
from life_deals
inner join product_plan on life_deals.product_no = product_plan.product_no
where
    life_deals.pipeline_no < 3
    and life_deals.won_at is not null
    and life_deals.account_no is not null
    and life_deals.deleted_at is null;

insert into growth_deals
select
    life_deals.account_no,
    life_deals.deal_no,
    life_deals.deal_type,
    life_deals.product_no,
    coalesce(life_deals.agreed_amount, 12 * product_plan.list_price) as amount,
    life_deals.currency,
    life_deals.won_at,
    life_deals.won_known_at,
    life_deals.lost_at,
    life_deals.last_outcome,
from life_deals
inner join product_plan on life_deals.product_no = product_plan.product_no
where life_deals.pipeline_no = 3 and life_deals.deleted_at is null;

insert into rep_results
select
    case when owner_left_at <= won_at then next_owner_no else owner_no end as user_no,
    month_no(won_at) as month,
    'won_amount' as metric,
    sum(
        round(agreed_amount * case currency when 'EUR' then 1.09 when 'GBP' then 1.27 else 1 end)
    )::bigint as reached,
from life_deals
where won_at <= getvariable('as_of') and deleted_at is null
group by 1, 2
union all
select
    owner_no,
    month_no(created_at),
    'new_deals',
    count(*),
from life_deals
where created_at <= getvariable('as_of') and deleted_at is null
group by 1, 2;

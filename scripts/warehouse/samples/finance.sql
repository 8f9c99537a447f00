create table months as
select
    range::date as month_start,
    month_no(range) as month,
    (date_diff('month', getvariable('start_on') + 14, range))::integer as age,
from range(
    date_trunc('month', getvariable('start_on') - 190),
    getvariable('horizon_at'),
    interval 1 month
);

-- Spending follows the plan, not the month's luck: over the whole time it is a fixed part of what new
-- business and expansion brought up to as_of.
create table life_spend as
with brought as (
    select sum(round(amount * case currency when 'EUR' then 1.09 when 'GBP' then 1.27 else 1 end)) as total
    from (
        select
            amount,
            currency,
        from new_wins
        where won_at <= getvariable('as_of')
        union all
        select
            amount,
            currency,
        from growth_deals
        where won_at <= getvariable('as_of') and deal_type <> 'renewal'
    ) as wins
),
plan as (
    select
        month_start,
        month,
        exp(0.7 * age / 30) * case when age < 0 then 0.3 else 1 end
        -- campaigns and hiring come in waves
        * (1 + 0.22 * sin(month * 0.9))
        * lognormal(month, 'spend', 1, 0.08) as weight,
    from months
),
budgets as (
    select
        plan.month_start,
        plan.month,
        getvariable('spend_share') * coalesce(brought.total, 0) * plan.weight
        / (select sum(exp(0.7 * age / 30)) from months where age >= 0 and month_start <= getvariable('as_of'))
            as budget,
    from plan
    cross join brought
),
items as (
    select
        budgets.month_start,
        items.item_no,
        items.department,
        items.source,
        items.segment,
        budgets.month * 100 + items.item_no as item_key,
        budgets.budget * items.share * lognormal(item_key, 'item', 1, 0.12) as amount,
        items.currency,
    from budgets
    cross join (
        values
            (1, 'sales', null, 'smb', 0.10, 'USD'),
            (2, 'sales', null, 'mid_market', 0.14, 'USD'),
            (3, 'sales', null, 'enterprise', 0.13, 'EUR'),
            (4, 'sales', null, null, 0.19, 'USD'),
            (5, 'marketing', 'inbound_web', 'smb', 0.05, 'USD'),
            (6, 'marketing', 'inbound_web', null, 0.04, 'USD'),
            (7, 'marketing', 'paid_search', 'smb', 0.07, 'USD'),
            (8, 'marketing', 'paid_search', 'mid_market', 0.06, 'EUR'),
            (9, 'marketing', 'event', 'mid_market', 0.05, 'GBP'),
            (10, 'marketing', 'event', 'enterprise', 0.06, 'USD'),
            (11, 'marketing', 'partner', 'enterprise', 0.04, 'USD'),
            (12, 'marketing', 'referral', null, 0.02, 'USD'),
            (13, 'marketing', null, null, 0.05, 'USD')
    ) as items (item_no, department, source, segment, share, currency)
)
select
    'X' || item_key as spend_id,
    (month_start + floor(27 * uniform(item_key, 'day'))::integer)::date as spent_on,
    department,
    source,
    segment,
    round(amount, 2)::decimal(18, 2) as amount,
    currency,
    -- some invoices arrive weeks later
    spent_on::timestamp + interval 20 hour
    + to_days(
        case
            when chance(item_key, 'invoiced late', 0.2)
                then 5 + floor(20 * uniform(item_key, 'invoice'))::integer
            else 0
        end
    ) as known_at,
from items;

-- Hosting and support once a quarter, onboarding once.
create table life_account_costs as
with quarters as (
    select (range + interval 44 day)::date as incurred_on
    from range(
        date_trunc('quarter', getvariable('start_on') - 400),
        getvariable('horizon_at') + interval 1 day,
        interval 3 month
    )
),
revenue as (
    select
        life_subscriptions.account_no,
        quarters.incurred_on,
        any_value(customers.currency) as currency,
        sum(life_subscriptions.mrr) * 3 as quarterly,
    from life_subscriptions
    inner join quarters
        on
            life_subscriptions.started_on <= quarters.incurred_on
            and (life_subscriptions.ended_on is null or life_subscriptions.ended_on > quarters.incurred_on)
    inner join customers on life_subscriptions.account_no = customers.account_no
    group by life_subscriptions.account_no, quarters.incurred_on
),
items as (
    select
        account_no,
        incurred_on,
        'hosting' as cost_type,
        quarterly::double * 0.09 * lognormal(account_no, 'hosting', 1, 0.2) as amount,
        currency,
    from revenue
    union all
    select
        account_no,
        incurred_on,
        'support',
        quarterly::double * 0.11
        * lognormal(
            account_no + date_diff('day', date '2000-01-01', incurred_on) * 7, 'support', 1, 0.5
        ),
        currency,
    from revenue
    where not chance(account_no, 'self service', 0.35)
    union all
    select
        account_no,
        won_at::date + 14,
        'onboarding',
        amount * 0.06 * lognormal(account_no, 'onboarding', 1, 0.3),
        currency,
    from customers
)
select
    account_no,
    incurred_on,
    cost_type,
    round(amount, 2)::decimal(18, 2) as amount,
    currency,
    incurred_on::timestamp + interval 30 hour as known_at,
from items
where amount >= 0.01;

-- Competitors are looked up once a week.
create table life_competitor_prices as
with weeks as (
    select
        range as week_no,
        (getvariable('start_on') + (range * 7 + 2)::integer)::date as observed_on,
    from range(date_diff('day', getvariable('start_on'), getvariable('horizon_at')::date) // 7 + 1)
),
watched as (
    select
        weeks.week_no,
        weeks.observed_on,
        prices.competitor,
        prices.product_no,
        prices.product_no * 100 + prices.competitor_no as pair_no,
        product_plan.list_price::double * prices.price_level
        * exp(
            0.03 * sin(weeks.week_no / 14.0 + pair_no)
            + 0.004 * normal(weeks.week_no * 10000 + pair_no, 'price')
        ) as price,
        product_plan.price_currency,
    from weeks
    cross join (
        values
            (1, 'Northwind', 1, 0.97), (2, 'Contoso', 1, 1.12), (3, 'Fabrikam', 1, 0.84),
            (1, 'Northwind', 2, 1.05), (2, 'Contoso', 2, 0.98), (3, 'Fabrikam', 2, 0.90),
            (1, 'Northwind', 3, 1.20), (2, 'Contoso', 3, 0.99),
            (1, 'Northwind', 8, 0.93), (3, 'Fabrikam', 8, 0.89),
            (2, 'Contoso', 9, 1.02), (3, 'Fabrikam', 9, 0.91),
            (2, 'Contoso', 12, 0.96)
    ) as prices (competitor_no, competitor, product_no, price_level)
    inner join product_plan on prices.product_no = product_plan.product_no
)
select
    competitor,
    product_no,
    observed_on,
    round(price, 2)::decimal(18, 2) as price,
    price_currency as currency,
    observed_on::timestamp + interval 12 hour as known_at,
from watched
-- now and then nobody looks
where not chance(week_no * 10000 + pair_no, 'not observed', 0.06);

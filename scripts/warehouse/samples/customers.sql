-- Every account that buys: those that won deals of the new-business pipelines made, and a few that were
-- customers before the CRM was introduced. customer_no counts them as they come.
create table customers as
with first_wins as (
    select
        account_no,
        arg_min(deal_no, (won_at, deal_no)) as deal_no,
        min(won_at) as won_at,
        arg_min(known_at, (won_at, deal_no)) as known_at,
        arg_min(product_no, (won_at, deal_no)) as product_no,
        arg_min(amount, (won_at, deal_no)) as amount,
        arg_min(currency, (won_at, deal_no)) as currency,
    from new_wins
    group by account_no
),
early as (
    select
        getvariable('early_from_no') + range as account_no,
        seconds_after(
            getvariable('start_on')::timestamp, -86400 * (6 + 300 * uniform(account_no, 'early customer'))
        ) as won_at,
        case account_segment(account_no) when 'enterprise' then 3 when 'mid_market' then 2 else 1 end as product_no,
        round(
            lognormal(
                account_no,
                'amount',
                case account_segment(account_no)
                    when 'enterprise' then 80000
                    when 'mid_market' then 21000
                    else 6000
                end,
                0.45
            ),
            -2
        ) as amount,
    from range(getvariable('early_customers'))
),
everyone as (
    select
        *,
        false as is_early,
    from first_wins
    union all
    select
        account_no,
        null,
        won_at,
        won_at,
        product_no,
        amount,
        account_currency(account_no),
        true,
    from early
)
select
    row_number() over (order by won_at, account_no) as customer_no,
    *,
from everyone
order by customer_no;

create or replace table life_accounts as
select
    customers.account_no,
    customers.won_at - interval 40 day as created_at,
    null::integer as owner_no,
    manager.user_no as next_owner_no,
    case
        when manager.user_no is not null then getvariable('start_on')::timestamp + interval 9 hour
    end as handed_over_at,
    greatest(created_at + interval 61 day, handed_over_at) as last_news_at,
from customers
asof left join roster as manager
    on
        manager.role = 'am'
        and manager.region = coalesce(account_region(customers.account_no), 'AMER')
        and manager.month = month_no(getvariable('start_on') + 31)
        and uniform(customers.account_no, 'account manager') >= manager.from_share
where customers.is_early
union all
-- Those who only buy in the shops.
select
    getvariable('shopper_from_no') + range,
    getvariable('start_on')::timestamp - interval 30 day,
    null,
    null,
    null,
    getvariable('start_on')::timestamp + interval 61 day,
from range(getvariable('shoppers'));

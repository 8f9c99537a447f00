-- The accounts first met in the deals at hand, with their contacts.
create or replace table life_accounts as
select
    life_deals.account_no,
    case
        when life_deals.is_from_lead then life_deals.created_at
        else instant(
            greatest(
                0,
                life_deals.begun_second
                - floor(36000 * 9 * uniform(life_deals.deal_no, 'known for'))::bigint
            ),
            life_deals.shift
        )
    end as created_at,
    life_deals.owner_no,
    -- a customer is handed over to account management
    manager.user_no as next_owner_no,
    case when manager.user_no is not null then life_deals.won_known_at + interval 26 hour end as handed_over_at,
    -- contacts are met for two months
    greatest(created_at + interval 61 day, handed_over_at) as last_news_at,
from life_deals
asof left join roster as manager
    on
        manager.role = 'am'
        and manager.region = coalesce(life_deals.region, 'AMER')
        and manager.month = month_no(life_deals.won_known_at)
        and uniform(life_deals.account_no, 'account manager') >= manager.from_share
where life_deals.account_no = life_deals.deal_no;

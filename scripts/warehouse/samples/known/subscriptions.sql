select
    subscription_id,
    account_id(account_no) as account_id,
    'P' || lpad(product_no::varchar, 2, '0') as product_id,
    deal_id(deal_no) as deal_id,
    mrr,
    currency,
    started_on,
    case when end_known_at <= getvariable('cut_at') then ended_on end as ended_on,
from life_subscriptions
where
    known_at <= getvariable('cut_at')
    and is_news(greatest(known_at, if_known(end_known_at)))
order by subscription_id

select
    account_id(account_no) as account_id,
    incurred_on,
    cost_type,
    amount,
    currency,
from life_account_costs
where known_at <= getvariable('cut_at') and is_news(known_at)
order by account_no, incurred_on, cost_type

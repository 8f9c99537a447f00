select
    spend_id,
    spent_on,
    department,
    source,
    segment,
    amount,
    currency,
from life_spend
where known_at <= getvariable('cut_at') and is_news(known_at)
order by spent_on, spend_id

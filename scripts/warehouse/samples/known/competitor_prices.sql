select
    competitor,
    'P' || lpad(product_no::varchar, 2, '0') as product_id,
    observed_on,
    price,
    currency,
from life_competitor_prices
where known_at <= getvariable('cut_at') and is_news(known_at)
order by observed_on, competitor, product_no

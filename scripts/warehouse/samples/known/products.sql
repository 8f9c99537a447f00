select
    product_id,
    product_name as name,
    category,
    list_price,
    price_currency as currency,
from product_plan
where is_news(getvariable('start_on')::timestamp)
order by product_no

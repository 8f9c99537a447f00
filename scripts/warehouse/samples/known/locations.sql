select
    location_id,
    name,
    region,
    kind,
from location_plan
where is_news(getvariable('start_on')::timestamp)
order by location_no

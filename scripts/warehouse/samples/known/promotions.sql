select
    promotion_plan.promotion_id,
    promotion_plan.promotion_name as name,
    'P' || lpad(promotion_plan.product_no::varchar, 2, '0') as product_id,
    location_plan.location_id,
    control.location_id as control_location_id,
    promotion_plan.starts_on,
    promotion_plan.ends_on,
from promotion_plan
inner join location_plan on promotion_plan.location_no = location_plan.location_no
left join location_plan as control on promotion_plan.control_location_no = control.location_no
where promotion_plan.known_at <= getvariable('cut_at') and is_news(promotion_plan.known_at)
order by promotion_plan.promotion_no

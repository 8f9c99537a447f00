select
    promotion_id,
    name,
    product_id,
    location_id,
    control_location_id,
    starts_on,
    case when ends_on <= {{ as_of_on() }} then ends_on end as ends_on
from {{ staged('promotions') }}
where
    starts_on <= {{ as_of_on() }}

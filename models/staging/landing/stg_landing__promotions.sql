select
    promotion_id,
    name,
    product_id,
    location_id,
    control_location_id,
    starts_on,
    ends_on
from {{ source('raw_market', 'promotions') }}
where _vanished_at is null

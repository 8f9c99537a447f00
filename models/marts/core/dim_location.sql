select
    location_id,
    name,
    region,
    kind
from {{ ref('int_locations_known') }}

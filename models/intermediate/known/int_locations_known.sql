select
    location_id,
    name,
    region,
    kind
from {{ staged('locations') }}

select
    location_id,
    name,
    region,
    kind
from {{ source('raw_crm', 'locations') }}
where _vanished_at is null

select
    location_id,
    name,
    region,
    kind
from {{ ref('stg_landing__locations') }}

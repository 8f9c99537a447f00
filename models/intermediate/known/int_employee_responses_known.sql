select
    response_id,
    wave,
    team,
    responded_at,
    question,
    rating
from {{ ref('stg_landing__employee_responses') }}
where
    responded_at <= {{ as_of() }}

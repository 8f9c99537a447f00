select
    response_id,
    wave,
    team,
    responded_at,
    question,
    rating
from {{ staged('employee_responses') }}
where
    responded_at <= {{ as_of() }}

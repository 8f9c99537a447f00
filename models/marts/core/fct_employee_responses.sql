select
    response_id,
    wave,
    team,
    responded_at,
    question,
    rating
from {{ ref('int_employee_responses_known') }}

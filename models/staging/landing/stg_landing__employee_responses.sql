select
    response_id,
    wave,
    team,
    responded_at,
    question,
    rating,
    comment
from {{ source('raw_survey', 'employee_responses') }}
where _vanished_at is null

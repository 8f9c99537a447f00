select
    response_id,
    account_id,
    contact_id,
    wave,
    sent_at,
    responded_at,
    score,
    comment
from {{ source('raw_survey', 'nps_responses') }}
where _vanished_at is null

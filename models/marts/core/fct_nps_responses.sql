select
    response_id,
    account_id,
    contact_id,
    wave,
    sent_at,
    responded_at,
    score
from {{ ref('int_nps_responses_known') }}

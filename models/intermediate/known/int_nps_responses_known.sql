select
    response_id,
    account_id,
    contact_id,
    wave,
    sent_at,
    case when responded_at <= {{ as_of() }} then responded_at end as responded_at,
    case when responded_at <= {{ as_of() }} then score end as score
from {{ staged('nps_responses') }}
where
    sent_at <= {{ as_of() }}

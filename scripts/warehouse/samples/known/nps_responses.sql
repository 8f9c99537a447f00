select
    response_id,
    account_id(account_no) as account_id,
    contact_id(account_no, 1) as contact_id,
    wave,
    sent_at,
    if_known(responded_at) as responded_at,
    case when responded_at <= getvariable('cut_at') then score end as score,
    case when responded_at <= getvariable('cut_at') then comment end as comment,
from life_nps_responses
where sent_at <= getvariable('cut_at') and is_news(greatest(sent_at, if_known(responded_at)))
order by wave, response_id

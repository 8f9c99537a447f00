select
    response_id,
    wave,
    team,
    responded_at,
    question,
    rating,
    comment,
from life_employee_responses
where responded_at <= getvariable('cut_at') and is_news(responded_at)
order by wave, response_id

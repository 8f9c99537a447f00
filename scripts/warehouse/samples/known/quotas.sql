select
    user_id(user_no) as user_id,
    metric,
    period_grain,
    period_start,
    target,
from life_quotas
where known_at <= getvariable('cut_at') and is_news(known_at)
order by period_start, user_no, metric, period_grain

with versions as (
    select
        *,
        rate_on::timestamp + interval 5 hour as known_at,
        case when is_corrected then rate_on::timestamp + to_hours(24 * 8 + 14) end as corrected_at,
    from rate_plan
)
select
    currency,
    rate_on,
    case
        when corrected_at <= getvariable('cut_at') then round(rate * 1.004, 6)::decimal(30, 18)
        else rate
    end as rate,
from versions
where
    known_at <= getvariable('cut_at')
    and is_news(greatest(known_at, if_known(corrected_at)))
order by rate_on, currency

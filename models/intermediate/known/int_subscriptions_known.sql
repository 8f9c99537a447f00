select
    subscription_id,
    account_id,
    product_id,
    deal_id,
    mrr,
    currency,
    started_on,
    case when ended_on <= {{ as_of_on() }} then ended_on end as ended_on
from {{ staged('subscriptions') }}
where
    started_on <= {{ as_of_on() }}

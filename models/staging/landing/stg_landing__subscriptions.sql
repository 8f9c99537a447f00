select
    subscription_id,
    account_id,
    product_id,
    deal_id,
    mrr,
    currency,
    started_on,
    ended_on
from {{ source('raw_crm', 'subscriptions') }}
where _vanished_at is null

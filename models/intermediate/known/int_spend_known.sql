select
    spend_id,
    spent_on,
    department,
    source,
    segment,
    amount,
    currency
from {{ staged('spend') }}
where
    spent_on <= {{ as_of_on() }}

select
    contact_id,
    account_id,
    email,
    created_at,
    updated_at
from {{ source('raw_crm', 'contacts') }}
where _vanished_at is null

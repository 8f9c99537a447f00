select
    change_id,
    deal_id,
    stage,
    changed_at,
    changed_by
from {{ source('raw_crm', 'deal_stage_history') }}
where _vanished_at is null

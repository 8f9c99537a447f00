select
    change_id,
    deal_id,
    stage,
    changed_at,
    changed_by
from {{ staged('deal_stage_history') }}
where
    changed_at <= {{ as_of() }}

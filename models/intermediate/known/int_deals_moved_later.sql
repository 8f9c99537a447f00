-- What moves only after as_of is in no stage that we know: only without any history does the stage that the CRM gives
-- count.
select distinct deal_id
from {{ staged('deal_stage_history') }}
where
    changed_at > {{ as_of() }}

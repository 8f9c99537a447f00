-- A history that lies wholly after as_of is not the same as no history at all:
-- only without any does the stage that the CRM gives count.
select distinct deal_id
from {{ staged('deal_stage_history') }}

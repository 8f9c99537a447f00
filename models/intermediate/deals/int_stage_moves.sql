{{ config(materialized='view') }}

-- A visit is one entry and, when it has ended, one exit.
select
    pipeline,
    stage,
    stage_position,
    'entered' as move,
    entered_on as moved_on,
    change,
    change * amount as amount_change,
    owner,
    team,
    source,
    deal_type,
    region
from {{ rows_of(ref('int_visits_sliced')) }} as visits
union all
select
    pipeline,
    stage,
    stage_position,
    direction as move,
    exited_on as moved_on,
    change,
    -change * amount as amount_change,
    owner,
    team,
    source,
    deal_type,
    region
from {{ rows_of(ref('int_visits_sliced')) }} as visits
where exited_on is not null

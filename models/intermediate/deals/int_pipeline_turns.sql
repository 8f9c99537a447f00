{{ config(materialized='view') }}

-- A deal becomes open when it is created or reopened, and stops being open when it is won or lost.
select
    pipeline,
    opened_as as turn,
    entered_on as turned_on,
    change,
    change * amount as amount,
    owner,
    team,
    source,
    deal_type
from {{ rows_of(ref('int_visits_sliced')) }} as visits
where opened_as is not null
union all
select
    pipeline,
    direction as turn,
    exited_on as turned_on,
    change,
    change * amount as amount,
    owner,
    team,
    source,
    deal_type
from {{ rows_of(ref('int_visits_sliced')) }} as visits
where direction in ('won', 'lost')

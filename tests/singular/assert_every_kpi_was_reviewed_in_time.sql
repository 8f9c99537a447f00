{{ config(severity='warn') }}

-- A KPI that nobody has questioned for too long goes stale.
select
    kpi_id,
    name,
    review_by,
    owner_role
from {{ ref('kpi_catalogue') }}
where review_by < {{ as_of_on() }}

select
    pipeline,
    stage,
    position,
    outcome,
from stage_plan
where is_news(getvariable('start_on')::timestamp)
order by pipeline_no, position

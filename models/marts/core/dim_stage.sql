select
    pipeline,
    stage,
    position,
    outcome
from {{ ref('int_pipeline_stages_known') }}

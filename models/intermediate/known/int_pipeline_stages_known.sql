select
    pipeline,
    stage,
    position,
    outcome
from {{ staged('pipeline_stages') }}

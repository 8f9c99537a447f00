select
    pipeline,
    stage,
    position,
    outcome
from {{ ref('stg_landing__pipeline_stages') }}

select
    pipeline,
    stage,
    position,
    outcome
from {{ source('raw_crm', 'pipeline_stages') }}
where _vanished_at is null

{{ config(enabled='hubspot' in var('crm_sources')) }}

-- A stage belongs to its pipeline: two pipelines may use the same stage id. Retired stages stay, since deals went
-- through them.
with stages as (
    select
        pipeline_id as pipeline,
        stage_id as stage,
        display_order,
        is_closed,
        closed_won,
        probability
    from {{ source_rows('raw_hubspot', 'deal_pipeline_stage') }}
),

outcomes as (
    {{ meanings('hubspot', 'stage_outcome') }}
),

-- Older syncs do not say which stages are closed: there the probability is 1 or 0 in those alone.
final as (
    select
        stages.pipeline,
        stages.stage,
        coalesce(stages.display_order, 0) as position,
        case
            when outcomes.meaning is not null then outcomes.meaning
            when coalesce(stages.closed_won, stages.is_closed is null and stages.probability = 1) then 'won'
            when coalesce(stages.is_closed, stages.probability in (0, 1)) then 'lost'
            else 'open'
        end as outcome
    from stages
    left join outcomes
        on outcomes.source_value = stages.pipeline || '/' || stages.stage
)

select * from final

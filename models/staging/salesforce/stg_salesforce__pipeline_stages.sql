{{ config(enabled='salesforce' in var('crm_sources'), materialized='table') }}

with opportunities as (
    select
        coalesce(record_type_id, 'default') as pipeline,
        stage_name as stage,
        is_closed,
        is_won,
        probability,
        forecast_category
    from {{ source_rows('raw_salesforce', 'opportunity') }}
    where stage_name is not null
),

history as (
    select
        stage_name as stage,
        is_closed,
        is_won,
        probability,
        forecast_category
    from {{ source_rows('raw_salesforce', 'opportunity_history') }}
    where stage_name is not null
),

declared as (
    select
        coalesce(api_name, master_label) as stage,
        sort_order,
        is_closed,
        is_won
    from {{ source_rows('raw_salesforce', 'opportunity_stage') }}
    where coalesce(api_name, master_label) is not null
),

outcomes as (
    {{ meanings('salesforce', 'stage_outcome') }}
),

seen as (
    select
        stage,
        is_closed,
        is_won,
        probability,
        forecast_category
    from opportunities
    union all
    select
        stage,
        is_closed,
        is_won,
        probability,
        forecast_category
    from history
),

counted as (
    select
        stage,
        probability,
        count(*) as seen_rows,
        bool_or(coalesce(is_won, forecast_category = 'Closed')) as is_won,
        bool_or(coalesce(is_closed, forecast_category = 'Closed' or (forecast_category = 'Omitted' and probability = 0)))
            as is_closed
    from seen
    group by
        stage,
        probability
),

-- Reps may change the probability of a deal: that of most rows is the stage's own.
seen_stages as (
    select
        stage,
        bool_or(is_won) over whole_stage as is_won,
        bool_or(is_closed) over whole_stage as is_closed,
        probability
    from counted
    window whole_stage as (partition by stage)
    qualify row_number() over (
        partition by stage order by seen_rows desc nulls last, probability desc nulls last
    ) = 1
),

-- Stages are declared for the whole organisation. Where the table is missing, what deals show has to do: stages follow
-- each other by their probability (0 to 100), the closed ones last.
stages as (
    select
        stage,
        sort_order as position,
        is_closed,
        is_won
    from declared
    union all
    select
        stage,
        case
            when is_won then 101
            when is_closed then 102
            else cast(round(probability) as bigint)
        end as position,
        is_closed,
        is_won
    from seen_stages
    where stage not in (select declared.stage from declared)
),

pipelines as (
    select distinct pipeline from opportunities
),

final as (
    select
        pipelines.pipeline,
        stages.stage,
        coalesce(stages.position, 0) as position,
        case
            when outcomes.meaning is not null then outcomes.meaning
            when stages.is_won then 'won'
            when stages.is_closed then 'lost'
            else 'open'
        end as outcome
    from stages
    cross join pipelines
    left join outcomes
        on outcomes.source_value = pipelines.pipeline || '/' || stages.stage
)

select * from final

{{ config(materialized='incremental', incremental_strategy='keyed', key='deal_id', touched='touched_deals',
          aging={'days_so_far': ['entered_at', 'is_current']}) }}

with deals as (
    select
        deal_id,
        pipeline
    from {{ ref('int_deals_known') }}
    where {{ only_touched('deal_id') }}
),

changes as (
    select
        change_id,
        deal_id,
        stage,
        changed_at
    from {{ ref('int_deal_stage_changes_known') }}
    where {{ only_touched('deal_id') }}
),

stages as (
    select
        pipeline,
        stage,
        position,
        outcome
    from {{ ref('dim_stage') }}
),

-- History of unknown or deleted deals is ignored; a row that repeats the stage of the row before it is no move.
ordered_changes as (
    select
        changes.change_id,
        changes.deal_id,
        deals.pipeline,
        changes.stage,
        changes.changed_at,
        lag(changes.stage) over (
            partition by changes.deal_id
            order by changes.changed_at asc nulls last, changes.change_id asc nulls last
        ) as previous_stage
    from changes
    inner join deals
        on changes.deal_id = deals.deal_id
),

-- A stage that pipeline_stages does not list is open and has no position.
moves as (
    select
        ordered_changes.change_id,
        ordered_changes.deal_id,
        ordered_changes.pipeline,
        ordered_changes.stage,
        stages.position as stage_position,
        coalesce(stages.outcome, 'open') as stage_outcome,
        ordered_changes.changed_at
    from ordered_changes
    left join stages
        on
            ordered_changes.pipeline = stages.pipeline
            and ordered_changes.stage = stages.stage
    where ordered_changes.previous_stage is null or ordered_changes.previous_stage <> ordered_changes.stage
),

visits as (
    select
        change_id,
        deal_id,
        pipeline,
        stage,
        stage_position,
        stage_outcome,
        changed_at as entered_at,
        row_number() over history as visit_number,
        lead(changed_at) over history as exited_at,
        lead(stage) over history as next_stage,
        lead(stage_position) over history as next_position,
        lead(stage_outcome) over history as next_outcome,
        lag(stage_outcome) over history as previous_outcome,
        count(case when stage_outcome = 'open' then 1 end) over history as open_visits_so_far
    from moves
    window history as (partition by deal_id order by changed_at asc nulls last, change_id asc nulls last)
),

final as (
    select
        deal_id,
        cast(visit_number as bigint) as visit_number,
        change_id as visit_id,
        pipeline,
        stage,
        stage_position,
        stage_outcome,
        entered_at,
        exited_at,
        case when exited_at is not null then {{ in_days(elapsed_us('entered_at', 'exited_at')) }} end as days_in_stage,
        {{ in_days(elapsed_us('entered_at', 'coalesce(exited_at, ' ~ as_of() ~ ')')) }} as days_so_far,
        case
            when exited_at is null then null
            when next_outcome in ('won', 'lost') then next_outcome
            when stage_outcome in ('won', 'lost') then 'reopened'
            when next_position > stage_position then 'forward'
            when next_position < stage_position then 'back'
            else 'lateral'
        end as direction,
        -- A deal becomes open once as created, however its history begins, and after that as reopened.
        case
            when stage_outcome <> 'open' or previous_outcome = 'open' then null
            when open_visits_so_far = 1 then 'created'
            else 'reopened'
        end as opened_as,
        next_stage,
        exited_at is null as is_current
    from visits
)

select * from final

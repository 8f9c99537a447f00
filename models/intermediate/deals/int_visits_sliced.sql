{{ config(materialized='incremental', incremental_strategy='keyed', key='deal_id', touched='touched_deals', log_changes=true) }}

-- Visits to open stages with the dimensions of their deal. A table: several marts read it, and joining six visits per
-- deal to the dimensions costs more than reading the result.
with deals as (
    select
        deal_id,
        amount,
        owner,
        team,
        region,
        source,
        deal_type,
        size_band
    from {{ ref('int_deals_sliced') }}
    where {{ only_touched('deal_id') }}
),

-- Deals that were in a stage more than once.
returned_deals as (
    select deal_id
    from {{ ref('fct_deals') }}
    where
        stages_visited <= stage_moves
        and {{ only_touched('deal_id') }}
),

-- A deal that leaves a stage again is counted once a period: what matters is when it left the stage before.
visits_of_returned_deals as (
    select
        visits.deal_id,
        visits.visit_number,
        lag(visits.exited_at) over (
            partition by visits.deal_id, visits.stage
            order by visits.visit_number asc nulls last
        ) as previous_exited_at
    from {{ ref('fct_deal_stage_visits') }} as visits
    inner join returned_deals
        on visits.deal_id = returned_deals.deal_id
    where
        visits.stage_outcome = 'open'
        and {{ only_touched('visits.deal_id') }}
),

returns as (
    select
        deal_id,
        visit_number,
        {{ local_date('previous_exited_at') }} as previous_exited_on
    from visits_of_returned_deals
    where previous_exited_at is not null
),

final as (
    select
        visits.deal_id,
        visits.pipeline,
        visits.stage,
        visits.stage_position,
        visits.entered_at,
        {{ local_date('visits.entered_at') }} as entered_on,
        {{ local_date('visits.exited_at') }} as exited_on,
        returns.previous_exited_on,
        {{ elapsed_us('visits.entered_at', 'visits.exited_at') }} as us_in_stage,
        visits.direction,
        visits.opened_as,
        deals.amount,
        deals.owner,
        deals.team,
        deals.region,
        deals.source,
        deals.deal_type,
        deals.size_band
    from {{ ref('fct_deal_stage_visits') }} as visits
    inner join deals
        on visits.deal_id = deals.deal_id
    left join returns
        on
            visits.deal_id = returns.deal_id
            and visits.visit_number = returns.visit_number
    where
        visits.stage_outcome = 'open'
        and {{ only_touched('visits.deal_id') }}
)

select * from final

-- Visits to open stages with the dimensions of their deal. A table: four marts read it, and joining six visits per
-- deal to the dimensions costs more than reading the result.
with visits as (
    select
        deal_id,
        visit_number,
        pipeline,
        stage,
        stage_position,
        entered_at,
        exited_at,
        {{ local_date('entered_at') }} as entered_on,
        {{ local_date('exited_at') }} as exited_on,
        direction,
        opened_as
    from {{ ref('fct_deal_stage_visits') }}
    where stage_outcome = 'open'
),

-- A deal that leaves a stage again is counted once a period: what matters is when it left the stage before.
visits_in_turn as (
    select
        *,
        lag(exited_on) over (partition by deal_id, stage order by visit_number asc nulls last) as previous_exited_on
    from visits
),

deals as (
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
),

final as (
    select
        visits.deal_id,
        visits.pipeline,
        visits.stage,
        visits.stage_position,
        visits.entered_at,
        visits.exited_at,
        visits.entered_on,
        visits.exited_on,
        visits.previous_exited_on,
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
    from visits_in_turn as visits
    inner join deals
        on visits.deal_id = deals.deal_id
)

select * from final

{{ config(materialized='view') }}

-- Visits to open stages with the dimensions of their deal.
with visits as (
    select
        deal_id,
        visit_number,
        pipeline,
        stage,
        stage_position,
        entered_at,
        exited_at,
        direction,
        opened_as
    from {{ ref('fct_deal_stage_visits') }}
    where stage_outcome = 'open'
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
        visits.visit_number,
        visits.pipeline,
        visits.stage,
        visits.stage_position,
        visits.entered_at,
        visits.exited_at,
        {{ local_date('visits.entered_at') }} as entered_on,
        {{ local_date('visits.exited_at') }} as exited_on,
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
    from visits
    inner join deals
        on visits.deal_id = deals.deal_id
)

select * from final

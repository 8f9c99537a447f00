-- The visits of a deal follow each other without a gap: together they last from the first entry to as_of. The deals that
-- this run has not made anew have passed before; of them only the current visit has gone on.
with visits as (
    select
        deal_id,
        visit_number,
        entered_at,
        exited_at,
        days_so_far,
        lead(entered_at) over (partition by deal_id order by visit_number asc nulls last) as next_entered_at,
        lead(visit_number) over (partition by deal_id order by visit_number asc nulls last) as next_visit_number
    from {{ ref('fct_deal_stage_visits') }}
    where {{ made_anew(ref('fct_deal_stage_visits')) }}
),

releases as (
    select as_of from {{ ref('release') }}
),

deals as (
    select
        deal_id,
        min(entered_at) as first_entered_at,
        sum(days_so_far) as days_in_visits,
        count(*) as visits,
        count(exited_at) as visits_left,
        max(visit_number) as last_visit_number,
        count(case when exited_at <> next_entered_at or visit_number + 1 <> next_visit_number then 1 end) as gaps
    from visits
    group by deal_id
)

select
    deals.deal_id,
    deals.first_entered_at as entered_at,
    deals.days_in_visits
from deals
cross join releases
where
    deals.gaps > 0
    or deals.visits <> deals.last_visit_number
    or deals.visits_left <> deals.visits - 1
    or abs(deals.days_in_visits - {{ in_days(elapsed_us('deals.first_entered_at', 'releases.as_of')) }}) > 1e-6
union all
select
    current_visits.deal_id,
    current_visits.entered_at,
    current_visits.days_so_far as days_in_visits
from {{ ref('fct_deal_stage_visits') }} as current_visits
cross join releases
where
    current_visits.is_current
    and abs(current_visits.days_so_far - {{ in_days(elapsed_us('current_visits.entered_at', 'releases.as_of')) }}) > 1e-6

-- After how many touches does a lead stop paying?
-- The chance that exactly the next touch wins the lead, and the share of all wins that came by then. Where the
-- chance falls below half of what the first touches brought, another lead is the better use of the time.
with by_touches as (
    select
        touch_number,
        leads_reached,
        acquired_here,
        acquisition_hazard
    from {{ ref('kpi_acquisition_by_touches') }}
    where dimension = 'all'
),

final as (
    select
        touch_number,
        leads_reached,
        acquired_here,
        acquisition_hazard,
        {{ ratio(
            'sum(acquired_here) over (order by touch_number asc nulls last)',
            'sum(acquired_here) over ()'
        ) }} as share_of_wins_by_then,
        acquisition_hazard < 0.5 * max(acquisition_hazard) over () as pays_less_than_half
    from by_touches
)

select * from final
order by touch_number asc nulls last

-- Promotion read-out: what each brought, and whether that is more than chance.
with lifts as (
    select
        promotion_id,
        location_id,
        starts_on,
        ends_on,
        days,
        lift,
        lift_ratio,
        lift_low,
        lift_high
    from {{ ref('kpi_promotion_lift') }}
),

final as (
    select
        promotion_id,
        location_id,
        starts_on,
        ends_on,
        lift * days as amount_brought,
        lift_ratio,
        lift_low,
        lift_high,
        case
            when ends_on is null then 'still running'
            when lift is null then 'no control location: nothing can be said'
            when lift_low is null then 'too few days or no variance: no interval'
            when lift_low > 0 then 'brought more than chance'
            when lift_high < 0 then 'cost sales'
            else 'no more than chance'
        end as verdict
    from lifts
)

select * from final
order by starts_on asc nulls last

{% set dimensions = ['owner', 'channel'] %}
{% set most_touches = 20 %}

with touched_leads as (
    select
        owner,
        channel,
        is_acquired,
        least(touches_before_acquisition, {{ most_touches }}) as touches
    from {{ ref('int_leads_touched') }}
),

-- A lead leaves the sequence of touches when it is acquired or when nobody has touched it again so far.
sliced as (
    select
        {{ slice_columns([], dimensions) }},
        touches,
        count(*) as leads,
        count(case when is_acquired then 1 end) as acquired_leads
    from touched_leads
    group by {{ slices([], dimensions, keys=['touches']) }}
),

touch_numbers as (
    select cast(numbers.touch_number as bigint) as touch_number
    from range(1, {{ most_touches + 1 }}) as numbers (touch_number)
),

reached as (
    select
        sliced.dimension,
        sliced.dimension_value,
        touch_numbers.touch_number,
        cast(sum(sliced.leads) as bigint) as leads_reached,
        cast(
            sum(case when sliced.touches = touch_numbers.touch_number then sliced.acquired_leads else 0 end)
            as bigint
        ) as acquired_here
    from sliced
    inner join touch_numbers
        on sliced.touches >= touch_numbers.touch_number
    group by
        sliced.dimension,
        sliced.dimension_value,
        touch_numbers.touch_number
),

final as (
    select
        dimension,
        dimension_value,
        touch_number,
        leads_reached,
        acquired_here,
        {{ ratio('acquired_here', 'leads_reached') }} as acquisition_hazard
    from reached
)

select * from final

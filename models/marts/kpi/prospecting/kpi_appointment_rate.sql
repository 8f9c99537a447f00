{{ config(materialized='incremental', incremental_strategy='by_period') }}

with contacted as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        people,
        people_with_meeting
    from {{ ref('int_people_contacted') }}
    where
        dimension <> 'owner_channel'
        and people > 0
        and {{ changed_periods(ref('int_people_contacted'), 'period_start') }}
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        people as contacted,
        people_with_meeting as with_appointment,
        {{ ratio('people_with_meeting', 'people') }} as appointment_rate,
        {{ wilson_interval('people_with_meeting', 'people', 'appointment_rate') }}
    from contacted
)

select * from final

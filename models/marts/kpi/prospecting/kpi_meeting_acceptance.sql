{{ config(materialized='incremental', incremental_strategy='by_period') }}

{% set grains = ['week', 'month'] %}
{% set dimensions = ['owner', 'team'] %}
{% set happened_on = local_date('case when is_meeting_set then created_at else occurred_at end') %}
{% set columns = ['activity_id', 'is_meeting_set', 'is_reply', 'meeting_status', 'user_id', 'team'] %}

-- A meeting counts when it was set, a reply when it came in.
with meetings_and_replies as (
    select
        is_meeting_set,
        is_reply,
        meeting_status,
        {{ happened_on }} as happened_on,
        {{ known_or_unknown('user_id') }} as owner,
        {{ known_or_unknown('team') }} as team
    from {{ ref('fct_activities') }}
    where
        (is_meeting_set or is_reply)
        and {{ changed_periods(ref('fct_activities'), happened_on, columns, 'is_meeting_set or is_reply') }}
),

dated as (
    select
        *,
        {{ period_columns('happened_on') }}
    from meetings_and_replies
),

sliced as (
    select
        {{ slice_columns(grains, dimensions) }},
        count(case when is_meeting_set then 1 end) as meetings_set,
        count(case when is_reply then 1 end) as replies,
        count(case when is_meeting_set and meeting_status = 'held' then 1 end) as held
    from dated
    group by {{ slices(grains, dimensions) }}
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        meetings_set,
        replies,
        {{ ratio('meetings_set', 'replies') }} as meeting_acceptance_rate,
        held,
        {{ ratio('held', 'meetings_set') }} as held_rate
    from sliced
)

select * from final

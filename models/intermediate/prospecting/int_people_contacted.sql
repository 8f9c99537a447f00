{{ config(materialized='incremental', incremental_strategy='by_period') }}

{% set grains = ['week', 'month'] %}
{% set dimensions = ['owner', 'team', 'channel', 'source', 'owner_channel'] %}
{% set outreach_columns = ['person', 'occurred_at', 'owner', 'team', 'channel', 'source'] %}
{% set is_met = 'is_meeting_set and person is not null' %}

-- How many people were reached out to in a period and slice, and with how many of them anybody
-- set a meeting afterwards. Each person is counted once per slice.
with outreach as (
    select * from {{ ref('int_outreach_sliced') }}
    where {{ changed_periods(ref('int_outreach_sliced'), local_date('occurred_at'), outreach_columns) }}
),

meetings_set as (
    select
        person,
        created_at,
        {{ period_columns(local_date('created_at')) }}
    from {{ ref('fct_activities') }}
    where
        {{ is_met }}
        and {{ changed_periods(ref('fct_activities'), local_date('created_at'), ['person', 'created_at'], is_met) }}
),

firsts as (
    select
        {{ slice_columns(grains, dimensions) }},
        person,
        count(*) as touches,
        min(occurred_at) as first_outreach_at
    from outreach
    group by {{ slices(grains, dimensions, keys=['person']) }}
),

last_meetings_set as (
    select
        {{ slice_columns(grains, []) }},
        person,
        max(created_at) as last_set_at
    from meetings_set
    group by {{ slices(grains, [], keys=['person']) }}
),

final as (
    select
        firsts.period_grain,
        firsts.period_start,
        firsts.dimension,
        firsts.dimension_value,
        cast(sum(firsts.touches) as bigint) as touches,
        count(firsts.person) as people,
        count(last_meetings_set.person) as people_with_meeting
    from firsts
    left join last_meetings_set
        on
            firsts.person = last_meetings_set.person
            and firsts.period_grain = last_meetings_set.period_grain
            and firsts.period_start = last_meetings_set.period_start
            and firsts.first_outreach_at <= last_meetings_set.last_set_at
    group by
        firsts.period_grain,
        firsts.period_start,
        firsts.dimension,
        firsts.dimension_value
)

select * from final

{{ config(materialized='incremental', incremental_strategy='by_period') }}

{% set grains = ['week', 'month'] %}
{% set dimensions = ['owner', 'team', 'channel', 'source', 'owner_channel'] %}
{% set outreach_columns = ['person', 'occurred_at', 'owner', 'team', 'channel', 'source'] %}
{% set is_met = 'is_meeting_set and person is not null' %}
{% set outreach %}
    {% call narrowed('outreach', dimensions) %}
        select
            person,
            occurred_at,
            {%- for grain in grains %}
            {{ grain }}_start,
            {%- endfor %}
            {{ dimensions | join(', ') }}
        from {{ ref('int_outreach_sliced') }}
        where {{ changed_periods(ref('int_outreach_sliced'), local_date('occurred_at'), outreach_columns) }}
    {% endcall %}
{%- endset %}

-- How many people were reached out to in a period and slice, and with how many of them anybody
-- set a meeting afterwards. Each person is counted once per slice. One slice after the other: the people of all slices
-- at once would have to be kept apart in memory.
with meetings_set as (
    select
        person,
        created_at,
        {{ period_columns(local_date('created_at')) }}
    from {{ ref('fct_activities') }}
    where
        {{ is_met }}
        and {{ changed_periods(ref('fct_activities'), local_date('created_at'), ['person', 'created_at'], is_met) }}
),

last_meetings_set as (
    {% call(grain) each_slice('meetings_set', grains, [], keys=['person']) %}
        max(created_at) as last_set_at
    {% endcall %}
),

final as (
    {% call each_first_outreach(outreach, 'last_meetings_set', grains, dimensions, key='person') %}
        cast(sum(firsts.touches) as bigint) as touches,
        count(firsts.person) as people,
        count(case when lasts.last_set_at >= firsts.first_outreach_at then 1 end) as people_with_meeting
    {% endcall %}
)

select * from final

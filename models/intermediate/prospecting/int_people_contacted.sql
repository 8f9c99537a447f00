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

{%- for grain in grains %}
last_set_in_{{ grain }} as (
    select
        person,
        {{ grain }}_start as period_start,
        max(created_at) as last_set_at
    from meetings_set
    group by person, {{ grain }}_start
),
{%- endfor %}

final as (
    {%- for grain in grains %}
    {%- set is_last_grain = loop.last %}
    {%- for dimension in [none] + dimensions %}
    select
        '{{ grain }}' as period_grain,
        firsts.period_start,
        '{{ dimension or "all" }}' as dimension,
        {{ 'firsts.dimension_value' if dimension else "'all'" }} as dimension_value,
        cast(sum(firsts.touches) as bigint) as touches,
        count(firsts.person) as people,
        count(last_set.person) as people_with_meeting
    from (
        select
            person,
            {{ grain }}_start as period_start,
            {{ dimension ~ ' as dimension_value,' if dimension }}
            count(*) as touches,
            min(occurred_at) as first_outreach_at
        from {{ outreach }}
        where {{ only_changed(grain) }}
        group by person, {{ grain }}_start{{ ', ' ~ dimension if dimension }}
    ) as firsts
    left join last_set_in_{{ grain }} as last_set
        on
            firsts.person = last_set.person
            and firsts.period_start = last_set.period_start
            and firsts.first_outreach_at <= last_set.last_set_at
    group by firsts.period_start{{ ', firsts.dimension_value' if dimension }}
    {{ 'union all' if not (is_last_grain and loop.last) }}
    {%- endfor %}
    {%- endfor %}
)

select * from final

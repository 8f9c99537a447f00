{{ config(materialized='incremental', incremental_strategy='by_period') }}

{% set grains = ['week', 'month'] %}
{% set dimensions = ['owner', 'team', 'channel', 'source'] %}
{% set happened_on = local_date('occurred_at') %}
{% set reply_columns = ['lead_id', 'occurred_at', 'reply_sentiment'] %}

{% set outreach %}
    {% call narrowed('outreach', dimensions) %}
        select * from {{ ref('int_leads_contacted') }}
        where {{ changed_periods(ref('int_leads_contacted'), happened_on) }}
    {% endcall %}
{%- endset %}

with replies as (
    select
        lead_id,
        occurred_at,
        case when reply_sentiment = 'positive' then occurred_at end as positive_at,
        {{ period_columns(happened_on) }}
    from {{ ref('fct_activities') }}
    where
        is_reply
        and lead_id is not null
        and {{ changed_periods(ref('fct_activities'), happened_on, reply_columns, 'is_reply and lead_id is not null') }}
),

-- Whoever was answered: the last reply tells whether there was one after the first outreach.
{%- for grain in grains %}
last_replies_in_{{ grain }} as (
    select
        lead_id,
        {{ grain }}_start as period_start,
        max(occurred_at) as last_reply_at,
        max(positive_at) as last_positive_at
    from replies
    group by lead_id, {{ grain }}_start
),
{%- endfor %}

-- Per lead and slice, however many mails were sent.
answered as (
    {%- for grain in grains %}
    {%- set is_last_grain = loop.last %}
    {%- for dimension in [none] + dimensions %}
    select
        '{{ grain }}' as period_grain,
        firsts.period_start,
        '{{ dimension or "all" }}' as dimension,
        {{ 'firsts.dimension_value' if dimension else "'all'" }} as dimension_value,
        count(*) as contacted_leads,
        count(case when last_replies.last_positive_at >= firsts.first_outreach_at then 1 end) as positive_leads,
        count(case when last_replies.last_reply_at >= firsts.first_outreach_at then 1 end) as answered_leads
    from (
        select
            lead_id,
            {{ grain }}_start as period_start,
            {{ dimension ~ ' as dimension_value,' if dimension }}
            min(occurred_at) as first_outreach_at
        from {{ outreach }}
        where {{ only_changed(grain) }}
        group by lead_id, {{ grain }}_start{{ ', ' ~ dimension if dimension }}
    ) as firsts
    left join last_replies_in_{{ grain }} as last_replies
        on
            firsts.lead_id = last_replies.lead_id
            and firsts.period_start = last_replies.period_start
    group by firsts.period_start{{ ', firsts.dimension_value' if dimension }}
    {{ 'union all' if not (is_last_grain and loop.last) }}
    {%- endfor %}
    {%- endfor %}
),

counted as (
    select
        *,
        -- The last positive reply is no later than the last one.
        answered_leads - positive_leads as negative_leads,
        contacted_leads - answered_leads as no_reply_leads
    from answered
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        contacted_leads,
        positive_leads,
        negative_leads,
        no_reply_leads,
        {{ ratio('positive_leads', 'contacted_leads') }} as positive_reply_rate,
        {{ wilson_interval('positive_leads', 'contacted_leads', 'positive_reply_rate') }},
        {{ ratio('negative_leads', 'contacted_leads') }} as negative_reply_rate
    from counted
)

select * from final

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

last_replies as (
    {% call(grain) each_slice('replies', grains, [], keys=['lead_id']) %}
        max(occurred_at) as last_reply_at,
        max(positive_at) as last_positive_at
    {% endcall %}
),

-- Per lead and slice, however many mails were sent: the last reply tells whether there was one after the first outreach.
answered as (
    {% call each_first_outreach(outreach, 'last_replies', grains, dimensions, key='lead_id') %}
        count(*) as contacted_leads,
        count(case when lasts.last_positive_at >= firsts.first_outreach_at then 1 end) as positive_leads,
        count(case when lasts.last_reply_at >= firsts.first_outreach_at then 1 end) as answered_leads
    {% endcall %}
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

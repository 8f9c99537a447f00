{{ config(materialized='incremental', incremental_strategy='by_period') }}

{% set grains = ['week', 'month'] %}
{% set dimensions = ['owner', 'team', 'channel', 'source'] %}
{% set happened_on = local_date('occurred_at') %}
{% set reply_columns = ['lead_id', 'occurred_at', 'reply_sentiment'] %}

with outreach as (
    select * from {{ ref('int_leads_contacted') }}
    where {{ changed_periods(ref('int_leads_contacted'), happened_on) }}
),

replies as (
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

-- Per lead and slice, however many mails were sent ...
firsts as (
    select
        {{ slice_columns(grains, dimensions) }},
        lead_id,
        min(occurred_at) as first_outreach_at
    from outreach
    group by {{ slices(grains, dimensions, keys=['lead_id']) }}
),

-- ... and whoever was answered: the last reply tells whether there was one after the first outreach.
last_replies as (
    select
        {{ slice_columns(grains, []) }},
        lead_id,
        max(occurred_at) as last_reply_at,
        max(positive_at) as last_positive_at
    from replies
    group by {{ slices(grains, [], keys=['lead_id']) }}
),

answered as (
    select
        firsts.period_grain,
        firsts.period_start,
        firsts.dimension,
        firsts.dimension_value,
        case
            when last_replies.last_positive_at >= firsts.first_outreach_at then 'positive'
            when last_replies.last_reply_at >= firsts.first_outreach_at then 'negative'
            else 'none'
        end as answer
    from firsts
    left join last_replies
        on
            firsts.lead_id = last_replies.lead_id
            and firsts.period_grain = last_replies.period_grain
            and firsts.period_start = last_replies.period_start
),

counted as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        count(*) as contacted_leads,
        count(case when answer = 'positive' then 1 end) as positive_leads,
        count(case when answer = 'negative' then 1 end) as negative_leads,
        count(case when answer = 'none' then 1 end) as no_reply_leads
    from answered
    group by
        period_grain,
        period_start,
        dimension,
        dimension_value
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

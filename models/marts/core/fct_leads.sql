{{ config(materialized='incremental', incremental_strategy='keyed', key='lead_id', touched='touched_leads') }}

with leads as (
    select
        lead_id,
        owner_id,
        source,
        campaign,
        region,
        created_at,
        became_mql_at,
        became_sql_at,
        converted_at,
        converted_deal_id
    from {{ ref('int_leads_known') }}
    where {{ only_touched('lead_id') }}
),

won_deals as (
    select
        deal_id,
        closed_at
    from {{ ref('fct_deals') }}
    where outcome = 'won'
),

users as (
    select
        user_id,
        team
    from {{ ref('dim_user') }}
),

activities as (
    select
        activity_id,
        activity_type,
        user_id,
        lead_id,
        occurred_at,
        is_touch,
        is_outreach
    from {{ ref('fct_activities') }}
    where
        lead_id is not null
        and (is_touch or is_outreach)
        and {{ only_touched('lead_id') }}
),

acquired as (
    select
        leads.*,
        users.team,
        won_deals.deal_id is not null as is_acquired,
        won_deals.closed_at as acquired_at
    from leads
    left join won_deals
        on leads.converted_deal_id = won_deals.deal_id
    left join users
        on leads.owner_id = users.user_id
),

first_touches as (
    select
        lead_id,
        occurred_at,
        activity_type,
        user_id,
        row_number() over (
            partition by lead_id
            order by occurred_at asc nulls last, activity_id asc nulls last
        ) as touch_number
    from activities
    where is_touch
),

-- An outreach from before the lead was there answers nothing, a touch after the won deal acquires nothing.
contacted as (
    select
        acquired.lead_id,
        min(
            case
                when activities.is_outreach and activities.occurred_at >= acquired.created_at
                    then activities.occurred_at
            end
        ) as first_response_at,
        count(
            case
                when
                    activities.is_touch
                    and (not acquired.is_acquired or activities.occurred_at < acquired.acquired_at)
                    then 1
            end
        ) as touches_before_acquisition
    from acquired
    inner join activities
        on acquired.lead_id = activities.lead_id
    group by acquired.lead_id
),

final as (
    select
        acquired.lead_id,
        acquired.owner_id,
        acquired.team,
        acquired.source,
        acquired.campaign,
        acquired.region,
        acquired.created_at,
        first_touches.occurred_at as first_touch_at,
        first_touches.activity_type as first_touch_type,
        first_touches.user_id as first_touch_user_id,
        contacted.first_response_at,
        {{ in_minutes(elapsed_us('acquired.created_at', 'contacted.first_response_at')) }} as response_minutes,
        acquired.became_mql_at,
        acquired.became_sql_at,
        acquired.converted_at,
        acquired.is_acquired,
        acquired.acquired_at,
        coalesce(contacted.touches_before_acquisition, 0) as touches_before_acquisition
    from acquired
    left join first_touches
        on
            acquired.lead_id = first_touches.lead_id
            and first_touches.touch_number = 1
    left join contacted
        on acquired.lead_id = contacted.lead_id
)

select * from final

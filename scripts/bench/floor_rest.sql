-- The floor, part 2: every other mart, in the process that has run floor_pipeline.sql, on the same terms.
-- Set before, besides its variables: `seeds` (the directory of the lists that people maintain).

create view known_leads as
select * replace (
        case when became_mql_at <= getvariable('as_of') then became_mql_at end as became_mql_at,
        case when became_sql_at <= getvariable('as_of') then became_sql_at end as became_sql_at,
        case when converted_at <= getvariable('as_of') then converted_at end as converted_at
    )
from landed('leads') where created_at <= getvariable('as_of');

create view known_subscriptions as
select * replace (case when ended_on <= getvariable('as_of')::date then ended_on end as ended_on)
from landed('subscriptions') where started_on <= getvariable('as_of')::date;

create view known_promotions as
select * replace (case when ends_on <= getvariable('as_of')::date then ends_on end as ends_on)
from landed('promotions') where starts_on <= getvariable('as_of')::date;

create table marts.release as select getvariable('as_of') as as_of, 'USD' as reporting_currency;

create table marts.kpi_catalogue as select * from read_csv(getvariable('seeds') || '/kpi_catalogue.csv');

create table marts.dim_location as select location_id, name, region, kind from landed('locations');

create table marts.dim_product as select product_id, name, category, list_price, currency from landed('products');

create table marts.fct_orders as
select order_id, line_number, account_id, location_id, channel, product_id, coalesce(quantity, 1) as quantity,
    usd(amount, o.currency, rate) as amount, ordered_at, promotion_id
from landed('orders') o left join rates r on r.currency = o.currency and r.day = o.ordered_at::date
where ordered_at <= getvariable('as_of');

create table marts.fct_spend as
select spend_id, spent_on, department, source, segment, usd(amount, s.currency, rate) as amount
from landed('spend') s left join rates r on r.currency = s.currency and r.day = s.spent_on
where spent_on <= getvariable('as_of')::date;

create table marts.fct_competitor_prices as
select competitor, product_id, observed_on, usd(price, p.currency, rate) as price
from landed('competitor_prices') p left join rates r on r.currency = p.currency and r.day = p.observed_on
where observed_on <= getvariable('as_of')::date;

create table marts.fct_nps_responses as
select response_id, account_id, contact_id, wave, sent_at,
    case when responded_at <= getvariable('as_of') then responded_at end as responded_at,
    case when responded_at <= getvariable('as_of') then score end as score
from landed('nps_responses') where sent_at <= getvariable('as_of');

create table marts.fct_employee_responses as
select response_id, wave, team, responded_at, question, rating
from landed('employee_responses') where responded_at <= getvariable('as_of');

create table marts.fct_activities as
select a.activity_id, a.activity_type, a.direction, a.user_id, u.team,
    coalesce(a.contact_id, l.converted_contact_id, 'lead:' || a.lead_id) as person, a.lead_id,
    coalesce(a.account_id, d.account_id, c.account_id, l.converted_account_id) as account_id, a.deal_id,
    coalesce(l.source, d.source) as source, coalesce(a.created_at, a.occurred_at) as created_at, a.occurred_at,
    a.occurred_at <= getvariable('as_of') as has_occurred,
    a.activity_type in ('meeting', 'video_meeting') as is_meeting_set,
    has_occurred and case
        when is_meeting_set then coalesce(a.meeting_status not in ('declined', 'cancelled', 'no_show'), true)
        else coalesce(a.direction = 'outbound', false)
    end as is_touch,
    has_occurred and not is_meeting_set and coalesce(a.direction = 'outbound', false) as is_outreach,
    has_occurred and not is_meeting_set and coalesce(a.direction = 'inbound', false) as is_reply,
    a.reply_sentiment, a.meeting_status
from landed('activities') a
left join known_leads l on l.lead_id = a.lead_id
left join known_deals d on d.deal_id = a.deal_id
left join (from landed('contacts') where created_at is null or created_at <= getvariable('as_of')) c
    on c.contact_id = a.contact_id
left join marts.dim_user u on u.user_id = a.user_id
where coalesce(a.created_at, a.occurred_at) <= getvariable('as_of');

create table marts.fct_leads as
with touches as (
    select * from marts.fct_activities where lead_id is not null and (is_touch or is_outreach)
),
first_touches as (
    select lead_id, occurred_at, activity_type, user_id from touches where is_touch
    qualify row_number() over (partition by lead_id order by occurred_at, activity_id) = 1
),
acquired as (
    select l.*, u.team, d.deal_id is not null as is_acquired, d.closed_at as acquired_at
    from known_leads l
    left join marts.fct_deals d on d.deal_id = l.converted_deal_id and d.outcome = 'won'
    left join marts.dim_user u on u.user_id = l.owner_id
),
contacted as (
    select l.lead_id, min(t.occurred_at) filter (is_outreach and occurred_at >= l.created_at) as first_response_at,
        count(*) filter (is_touch and (not is_acquired or occurred_at < acquired_at)) as touches_before_acquisition
    from acquired l join touches t on t.lead_id = l.lead_id group by l.lead_id
)
select l.lead_id, l.owner_id, l.team, l.source, l.campaign, l.region, l.created_at, f.occurred_at as first_touch_at,
    f.activity_type as first_touch_type, f.user_id as first_touch_user_id, c.first_response_at,
    (epoch_us(c.first_response_at) - epoch_us(l.created_at)) / 60e6 as response_minutes, l.became_mql_at, l.became_sql_at,
    l.converted_at, l.is_acquired, l.acquired_at, coalesce(c.touches_before_acquisition, 0) as touches_before_acquisition
from acquired l
left join first_touches f on f.lead_id = l.lead_id
left join contacted c on c.lead_id = l.lead_id;

-- Customers: since when, with what, and whether they have left.
create table customers as
with won as (
    select account_id, deal_id, product_id, closed_at from marts.fct_deals
    where outcome = 'won' and account_id is not null
    qualify row_number() over (partition by account_id order by closed_at, deal_id) = 1
),
paying as (
    select account_id, min(started_on)::timestamp as first_at, max(ended_on)::timestamp as last_at,
        count(*) - count(ended_on) as active
    from known_subscriptions where mrr > 0 group by account_id
),
ordering as (
    select account_id, min(ordered_at) as first_at from marts.fct_orders where account_id is not null group by account_id
)
select a.account_id, won.deal_id as first_won_deal_id, won.product_id as first_product_id,
    coalesce(won.closed_at, least(paying.first_at, ordering.first_at)) as became_customer_at,
    case when paying.active = 0 then paying.last_at end as churned_at,
    date_trunc('month', became_customer_at)::date as month, date_trunc('quarter', became_customer_at)::date as quarter,
    coalesce(a.owner_id, 'unknown') as owner, coalesce(a.industry, 'unknown') as industry,
    coalesce(a.segment, 'unknown') as segment
from known_accounts a
left join won on won.account_id = a.account_id
left join paying on paying.account_id = a.account_id
left join ordering on ordering.account_id = a.account_id
where won.account_id is not null or paying.account_id is not null or ordering.account_id is not null;

create table marts.dim_account as
select a.account_id, a.name, a.industry, a.segment, a.region, a.owner_id, a.created_at, c.became_customer_at, c.churned_at
from known_accounts a left join customers c on c.account_id = a.account_id;

create table marts.dim_date as
with firsts as (
    select min(created_at)::date as day from known_deals
    union all select min(closed_at)::date from known_deals
    union all select min(changed_at)::date from landed('deal_stage_history') where changed_at <= getvariable('as_of')
    union all select min(created_at)::date from known_leads
    union all select min(created_at)::date from known_accounts
    union all select min(least(created_at, occurred_at))::date from marts.fct_activities
    union all select min(ordered_at)::date from marts.fct_orders
    union all select min(sent_at)::date from marts.fct_nps_responses
    union all select min(responded_at)::date from marts.fct_employee_responses
    union all select min(started_on) from known_subscriptions
    union all select min(period_start) from landed('quotas') where period_start <= getvariable('as_of')::date
    union all select min(spent_on) from marts.fct_spend
    union all select min(incurred_on) from landed('account_costs') where incurred_on <= getvariable('as_of')::date
    union all select min(observed_on) from marts.fct_competitor_prices
    union all select min(starts_on) from known_promotions
),
days as (
    select unnest(range(
        date_trunc('year', coalesce(min(day), getvariable('as_of')::date) - interval 1 month),
        getvariable('as_of')::date + interval 367 day, interval 1 day
    ))::date as date_day
    from firsts
)
select date_day, date_trunc('week', date_day)::date as week_start, date_trunc('month', date_day)::date as month_start,
    date_trunc('quarter', date_day)::date as quarter_start, year(date_day) as fiscal_year,
    quarter(date_day) as fiscal_quarter, isodow(date_day) <= 5 and holiday_on is null as is_business_day
from days left join read_csv(getvariable('seeds') || '/holidays.csv', types = {'holiday_on': 'date'}) h on holiday_on = date_day;

create table marts.unmapped_values as
with people as (
    select 'deals' as table_name, 'owner_id' as column_name, owner_id as value from marts.fct_deals
    union all select 'leads', 'owner_id', owner_id from marts.fct_leads
    union all select 'activities', 'user_id', user_id from marts.fct_activities
),
stages as (
    select 'deals' as table_name, pipeline, stage from marts.fct_deals where stage is not null
    union all select 'deal_stage_history', pipeline, stage from marts.fct_deal_stage_visits where stage_position is null
),
found as (
    select table_name, 'stage' as column_name, pipeline || '/' || stage as value, count(*) as rows,
        'an open stage without position' as counts_as
    from stages s anti join marts.dim_stage d on d.pipeline = s.pipeline and d.stage = s.stage group by all
    union all
    select table_name, column_name, value, count(*), 'a person without name, role, team and region'
    from people p anti join marts.dim_user u on u.user_id = p.value where value is not null group by all
    union all
    select 'deals', 'deal_type', deal_type, count(*),
        'a type of its own: no new business, renewal, upsell or cross-sell'
    from marts.fct_deals where deal_type not in ('new_business', 'renewal', 'upsell', 'cross_sell') group by all
    union all
    select 'users', 'role', role, count(*), 'a role of its own: no capacity of BDRs or AEs'
    from marts.dim_user where role not in ('bdr', 'ae', 'am', 'manager') group by all
    union all
    select 'deals', 'currency', currency, count(*), 'no amount, for want of a rate'
    from known_deals
    where currency <> 'USD' and amount is not null and currency not in (select currency from rates) group by all
)
select 'landing' as source_system, * from found;

-- Prospecting.

create view leads as
select lead_id, created_at, response_minutes, became_mql_at, became_sql_at,
    case when became_sql_at >= became_mql_at then days(became_sql_at, became_mql_at) end as days_to_sql,
    coalesce(owner_id, 'unknown') as owner, coalesce(team, 'unknown') as team, coalesce(region, 'unknown') as region,
    coalesce(source, 'unknown') as source, coalesce(campaign, 'unknown') as campaign
from marts.fct_leads;

create table marts.kpi_new_opportunities as
with opportunities as (
    select created_at::date as day, lead_id, null as deal_id, null as amount, owner, team, region, source from leads
    union all
    select created_at::date, null, deal_id, amount, coalesce(owner_id, 'unknown'), coalesce(team, 'unknown'),
        coalesce(region, 'unknown'), coalesce(source, 'unknown')
    from marts.fct_deals
),
dated as (
    select *, date_trunc('week', day)::date as week, date_trunc('month', day)::date as month,
        date_trunc('quarter', day)::date as quarter
    from opportunities
)
select case 0 when grouping(week) then 'week' when grouping(month) then 'month' else 'quarter' end as period_grain,
    coalesce(week, month, quarter) as period_start, is_over(period_grain, period_start) as is_complete_period,
    case 0 when grouping(owner) then 'owner' when grouping(team) then 'team' when grouping(region) then 'region'
        when grouping(source) then 'source' else 'all' end as dimension,
    coalesce(owner, team, region, source, 'all') as dimension_value, count(lead_id) as new_leads,
    count(deal_id) as new_deals, coalesce(sum(amount), 0) as new_deal_amount
from dated group by grouping sets (week, month, quarter), grouping sets ((), owner, team, region, source);

create table marts.kpi_quota_attainment as
with targets as (
    select user_id, metric, period_grain, date_trunc(period_grain, period_start)::date as period_start, sum(target) as target
    from landed('quotas') q where q.period_start <= getvariable('as_of')::date
    group by user_id, metric, period_grain, date_trunc(period_grain, q.period_start)::date
),
results as (
    select owner_id, 'won_amount' as metric, closed_at as day, amount as result from marts.fct_deals where outcome = 'won'
    union all select owner_id, 'new_leads', created_at, 1 from marts.fct_leads
    union all select owner_id, 'new_deals', created_at, 1 from marts.fct_deals
),
actuals as (
    select owner_id, metric, unnest(['month', 'quarter']) as period_grain,
        date_trunc(period_grain, day)::date as period_start, result
    from results where owner_id is not null
),
summed as (
    select owner_id, metric, period_grain, period_start, sum(result) as actual from actuals group by all
)
select t.period_grain, t.period_start, is_over(t.period_grain, t.period_start) as is_complete_period, 'owner' as dimension,
    user_id as dimension_value, t.metric, target, coalesce(s.actual, 0) as actual,
    ratio(coalesce(s.actual, 0), target) as attainment
from targets t left join summed s
    on s.owner_id = t.user_id and s.metric = t.metric and s.period_grain = t.period_grain and s.period_start = t.period_start;

create table marts.kpi_quota_team as
with quotas as (
    select q.*, coalesce(u.team, 'unknown') as team, coalesce(u.region, 'unknown') as region
    from marts.kpi_quota_attainment q left join marts.dim_user u on u.user_id = q.dimension_value
)
select period_grain, period_start, is_complete_period,
    case 0 when grouping(team) then 'team' when grouping(region) then 'region' else 'all' end as dimension,
    coalesce(team, region, 'all') as dimension_value, metric, count(*) as reps_with_quota,
    count(*) filter (attainment >= 1) as reps_at_quota, ratio(reps_at_quota, reps_with_quota) as pct_at_quota,
    case
        when not is_complete_period then null when pct_at_quota < 0.3 then 'too_high' when pct_at_quota > 0.9 then 'too_low'
        else 'ok'
    end as quota_signal
from quotas group by period_grain, period_start, is_complete_period, metric, grouping sets ((), team, region);

create table touched_leads as
select l.lead_id, l.first_touch_at, l.is_acquired, l.touches_before_acquisition,
    coalesce(l.first_touch_user_id, 'unknown') as owner, coalesce(u.team, 'unknown') as team, l.first_touch_type as channel,
    coalesce(l.source, 'unknown') as source, coalesce(l.region, 'unknown') as region
from marts.fct_leads l left join marts.dim_user u on u.user_id = l.first_touch_user_id
where l.first_touch_at is not null;

create table marts.kpi_acquisition_rate as
with dated as (
    select *, date_trunc('week', first_touch_at)::date as week, date_trunc('month', first_touch_at)::date as month,
        date_trunc('quarter', first_touch_at)::date as quarter
    from touched_leads
)
select case 0 when grouping(week) then 'week' when grouping(month) then 'month' else 'quarter' end as period_grain,
    coalesce(week, month, quarter) as period_start, is_over(period_grain, period_start) as is_complete_period,
    case 0 when grouping(owner) then 'owner' when grouping(team) then 'team' when grouping(channel) then 'channel'
        when grouping(source) then 'source' when grouping(region) then 'region' else 'all' end as dimension,
    coalesce(owner, team, channel, source, region, 'all') as dimension_value, count(*) as contacted_leads,
    count(*) filter (is_acquired) as acquired_leads, ratio(acquired_leads, contacted_leads) as acquisition_rate,
    wilson_low(acquired_leads, contacted_leads) as acquisition_rate_low,
    wilson_high(acquired_leads, contacted_leads) as acquisition_rate_high
from dated group by grouping sets (week, month, quarter), grouping sets ((), owner, team, channel, source, region);

create table marts.kpi_acquisition_by_touches as
with counted as (
    select case 0 when grouping(owner) then 'owner' when grouping(channel) then 'channel' else 'all' end as dimension,
        coalesce(owner, channel, 'all') as dimension_value, least(touches_before_acquisition, 20) as touches,
        count(*) as leads, count(*) filter (is_acquired) as acquired
    from touched_leads group by touches, grouping sets ((), owner, channel)
)
select dimension, dimension_value, n as touch_number, sum(leads) as leads_reached,
    coalesce(sum(acquired) filter (touches = n), 0) as acquired_here, ratio(acquired_here, leads_reached) as acquisition_hazard
from counted join range(1, 21) numbers (n) on touches >= n group by dimension, dimension_value, n;

create table outreach as
select person, lead_id, occurred_at, date_trunc('week', occurred_at)::date as week,
    date_trunc('month', occurred_at)::date as month, coalesce(user_id, 'unknown') as owner,
    coalesce(team, 'unknown') as team, activity_type as channel, coalesce(source, 'unknown') as source,
    owner || '/' || channel as owner_channel
from marts.fct_activities where is_outreach;

-- Each person once per slice: whether anybody set a meeting after the first outreach.
create table contacted as
with firsts as (
    select case 0 when grouping(week) then 'week' else 'month' end as period_grain,
        coalesce(week, month) as period_start,
        case 0 when grouping(owner) then 'owner' when grouping(team) then 'team' when grouping(channel) then 'channel'
            when grouping(source) then 'source' when grouping(owner_channel) then 'owner_channel' else 'all' end as dimension,
        coalesce(owner, team, channel, source, owner_channel, 'all') as dimension_value, person, count(*) as touches,
        min(occurred_at) as first_at
    from outreach
    group by person, grouping sets (week, month), grouping sets ((), owner, team, channel, source, owner_channel)
),
meetings as (
    select person, unnest(['week', 'month']) as period_grain, date_trunc(period_grain, created_at)::date as period_start,
        created_at
    from marts.fct_activities where is_meeting_set and person is not null
),
last_meetings as (
    select person, period_grain, period_start, max(created_at) as last_at from meetings group by all
)
select f.period_grain, f.period_start, f.dimension, f.dimension_value, sum(touches) as touches, count(f.person) as people,
    count(m.person) as with_meeting
from firsts f left join last_meetings m
    on m.person = f.person and m.period_grain = f.period_grain and m.period_start = f.period_start and m.last_at >= f.first_at
group by all;

create table marts.kpi_contact_volume as
with meetings as (
    select user_id, date_trunc('week', created_at)::date as week, count(*) as meetings
    from marts.fct_activities where is_meeting_set group by all
),
active as (
    select dimension_value as owner, period_start as week, people, coalesce(meetings, 0) as meetings
    from contacted c left join meetings m on m.user_id = c.dimension_value and m.week = c.period_start
    where period_grain = 'week' and dimension = 'owner' and dimension_value <> 'unknown'
),
weeks_before as (
    select a.owner, a.week, e.people, e.meetings, median(e.meetings) over w as usual, count(*) over w as weeks
    from active a join active e on e.owner = a.owner and e.week < a.week and e.week >= a.week - 26 * 7
    window w as (partition by a.owner, a.week)
),
goals as (
    select owner, week, avg(people) as goal from weeks_before where weeks >= 4 and meetings >= usual group by owner, week
)
select period_grain, period_start, is_over(period_grain, period_start) as is_complete_period, dimension, dimension_value,
    touches, people as unique_contacts, goal as suggested_weekly_contacts
from contacted c left join goals g
    on period_grain = 'week' and dimension = 'owner' and g.owner = dimension_value and g.week = period_start
where dimension <> 'source';

create table marts.kpi_appointment_rate as
select period_grain, period_start, is_over(period_grain, period_start) as is_complete_period, dimension, dimension_value,
    people as contacted, with_meeting as with_appointment, ratio(with_meeting, people) as appointment_rate,
    wilson_low(with_meeting, people) as appointment_rate_low, wilson_high(with_meeting, people) as appointment_rate_high
from contacted where dimension <> 'owner_channel' and people > 0;

create table marts.kpi_reply_rate as
with firsts as (
    select case 0 when grouping(week) then 'week' else 'month' end as period_grain,
        coalesce(week, month) as period_start,
        case 0 when grouping(owner) then 'owner' when grouping(team) then 'team' when grouping(channel) then 'channel'
            when grouping(source) then 'source' else 'all' end as dimension,
        coalesce(owner, team, channel, source, 'all') as dimension_value, lead_id, min(occurred_at) as first_at
    from outreach where lead_id in (select lead_id from marts.fct_leads)
    group by lead_id, grouping sets (week, month), grouping sets ((), owner, team, channel, source)
),
replies as (
    select lead_id, unnest(['week', 'month']) as period_grain, date_trunc(period_grain, occurred_at)::date as period_start,
        occurred_at, reply_sentiment
    from marts.fct_activities where is_reply and lead_id is not null
),
last_replies as (
    select lead_id, period_grain, period_start, max(occurred_at) as last_at,
        max(occurred_at) filter (reply_sentiment = 'positive') as positive_at
    from replies group by lead_id, period_grain, period_start
)
select f.period_grain, f.period_start, is_over(f.period_grain, f.period_start) as is_complete_period, dimension,
    dimension_value, count(*) as contacted_leads, count(*) filter (positive_at >= first_at) as positive_leads,
    count(*) filter (last_at >= first_at) - positive_leads as negative_leads,
    contacted_leads - positive_leads - negative_leads as no_reply_leads,
    ratio(positive_leads, contacted_leads) as positive_reply_rate,
    wilson_low(positive_leads, contacted_leads) as positive_reply_rate_low,
    wilson_high(positive_leads, contacted_leads) as positive_reply_rate_high,
    ratio(negative_leads, contacted_leads) as negative_reply_rate
from firsts f left join last_replies r
    on r.lead_id = f.lead_id and r.period_grain = f.period_grain and r.period_start = f.period_start
group by f.period_grain, f.period_start, dimension, dimension_value;

create table marts.kpi_meeting_acceptance as
with happened as (
    select is_meeting_set, is_reply, meeting_status, coalesce(user_id, 'unknown') as owner,
        coalesce(team, 'unknown') as team, if(is_meeting_set, created_at, occurred_at) as moment,
        date_trunc('week', moment)::date as week, date_trunc('month', moment)::date as month
    from marts.fct_activities where is_meeting_set or is_reply
)
select case 0 when grouping(week) then 'week' else 'month' end as period_grain,
    coalesce(week, month) as period_start, is_over(period_grain, period_start) as is_complete_period,
    case 0 when grouping(owner) then 'owner' when grouping(team) then 'team' else 'all' end as dimension,
    coalesce(owner, team, 'all') as dimension_value, count(*) filter (is_meeting_set) as meetings_set,
    count(*) filter (is_reply) as replies, ratio(meetings_set, replies) as meeting_acceptance_rate,
    count(*) filter (is_meeting_set and meeting_status = 'held') as held, ratio(held, meetings_set) as held_rate
from happened group by grouping sets (week, month), grouping sets ((), owner, team);

create table marts.kpi_lead_response_time as
with dated as (
    select *, date_trunc('week', created_at)::date as week, date_trunc('month', created_at)::date as month,
        response_minutes is not null or created_at <= getvariable('as_of') - interval 5 minute as is_due
    from leads
)
select case 0 when grouping(week) then 'week' else 'month' end as period_grain,
    coalesce(week, month) as period_start, is_over(period_grain, period_start) as is_complete_period,
    case 0 when grouping(owner) then 'owner' when grouping(team) then 'team' when grouping(source) then 'source'
        when grouping(region) then 'region' else 'all' end as dimension,
    coalesce(owner, team, source, region, 'all') as dimension_value, count(*) as leads,
    count(response_minutes) as responded, avg(response_minutes) as avg_minutes, median(response_minutes) as median_minutes,
    quantile_cont(response_minutes, 0.9) as p90_minutes, count(*) filter (response_minutes <= 5) as within_target,
    count(*) filter (is_due) as leads_due, ratio(within_target, leads_due) as within_target_rate,
    wilson_low(within_target, leads_due) as within_target_rate_low,
    wilson_high(within_target, leads_due) as within_target_rate_high
from dated group by grouping sets (week, month), grouping sets ((), owner, team, source, region);

create table marts.lead_response_distribution as
with classes as (
    select * from (values (1, 0, 1), (2, 1, 5), (3, 5, 15), (4, 15, 60), (5, 60, 240), (6, 240, 1440), (7, 1440, 4320),
        (8, 4320, null), (9, null, null)) as classes (class_number, over_minutes, up_to_minutes)
),
classed as (
    select date_trunc('month', created_at)::date as period_start, team, source, region,
        case
            when response_minutes is null then 9 when response_minutes <= 1 then 1 when response_minutes <= 5 then 2
            when response_minutes <= 15 then 3 when response_minutes <= 60 then 4 when response_minutes <= 240 then 5
            when response_minutes <= 1440 then 6 when response_minutes <= 4320 then 7 else 8
        end as class_number
    from leads
),
counted as (
    select period_start, class_number, count(*) as leads,
        case 0 when grouping(team) then 'team' when grouping(source) then 'source' when grouping(region) then 'region'
            else 'all' end as dimension,
        coalesce(team, source, region, 'all') as dimension_value
    from classed group by period_start, class_number, grouping sets ((), team, source, region)
),
totals as (
    select period_start, dimension, dimension_value, sum(leads) as all_leads from counted group by all
)
select 'month' as period_grain, t.period_start, is_over('month', t.period_start) as is_complete_period, t.dimension,
    t.dimension_value, c.class_number, c.over_minutes, c.up_to_minutes, coalesce(n.leads, 0) as leads,
    ratio(coalesce(n.leads, 0), t.all_leads) as share_of_leads
from totals t cross join classes c left join counted n
    on n.period_start = t.period_start and n.dimension = t.dimension and n.dimension_value = t.dimension_value
    and n.class_number = c.class_number;

create table marts.kpi_mql as
with dated as (
    select *, date_trunc('month', became_mql_at)::date as month, date_trunc('quarter', became_mql_at)::date as quarter
    from leads where became_mql_at is not null
)
select case 0 when grouping(month) then 'month' else 'quarter' end as period_grain,
    coalesce(month, quarter) as period_start, is_over(period_grain, period_start) as is_complete_period,
    case 0 when grouping(source) then 'source' when grouping(campaign) then 'campaign' when grouping(region) then 'region'
        when grouping(owner) then 'owner' else 'all' end as dimension,
    coalesce(source, campaign, region, owner, 'all') as dimension_value, count(*) as mqls, count(became_sql_at) as sqls,
    ratio(sqls, mqls) as mql_to_sql_rate, wilson_low(sqls, mqls) as mql_to_sql_rate_low,
    wilson_high(sqls, mqls) as mql_to_sql_rate_high, avg(days_to_sql) as avg_days_to_sql
from dated group by grouping sets (month, quarter), grouping sets ((), source, campaign, region, owner);

create table capacity as
with reps as (
    select user_id, role, coalesce(team, 'unknown') as team, coalesce(region, 'unknown') as region,
        coalesce(if(role = 'bdr', max_daily_leads, max_daily_deals), 0) as daily_limit, hired_on, left_on
    from marts.dim_user
    where role in ('bdr', 'ae') and (hired_on is null or hired_on <= getvariable('as_of')::date)
),
rep_months as (
    select user_id, role, team, region, month_start, daily_limit * count(*) as capacity
    from reps join marts.dim_date
        on is_business_day and (hired_on is null or hired_on <= date_day) and (left_on is null or left_on >= date_day)
    group by user_id, role, team, region, month_start, daily_limit
),
work as (
    select 'bdr' as role, owner_id, date_trunc('month', became_mql_at)::date as month_start
    from marts.fct_leads where became_mql_at is not null
    union all
    select 'ae', owner_id, date_trunc('month', closed_at)::date from marts.fct_deals where outcome = 'won'
),
together as (
    select role, month_start, team, region, user_id, capacity, 0 as done from rep_months
    union all
    select w.role, month_start, coalesce(u.team, 'unknown'), coalesce(u.region, 'unknown'), null, 0, 1
    from work w left join marts.dim_user u on u.user_id = w.owner_id
),
sliced as (
    select role, month_start, coalesce(team, region, 'all') as dimension_value,
        case 0 when grouping(team) then 'team' when grouping(region) then 'region' else 'all' end as dimension,
        count(user_id) as reps, sum(capacity) as capacity, sum(done) as done
    from together group by role, month_start, grouping sets ((), team, region)
),
months as (
    select distinct role, month_start
    from marts.dim_date d join (
        select 'bdr' as role, date_trunc('month', min(created_at)) as first_month from marts.fct_leads
        union all select 'ae', date_trunc('month', min(created_at)) from marts.fct_deals
    ) on month_start >= first_month
    where date_day <= getvariable('as_of')::date
)
select m.role, 'month' as period_grain, m.month_start as period_start, is_over('month', m.month_start) as is_complete_period,
    coalesce(dimension, 'all') as dimension, coalesce(dimension_value, 'all') as dimension_value, coalesce(reps, 0) as reps,
    coalesce(s.capacity, 0) as capacity, coalesce(done, 0) as done, ratio(s.done, s.capacity) as utilisation,
    case when utilisation < 0.9 then 'spare' when utilisation <= 1.1 then 'matched' when utilisation > 1.1 then 'overloaded' end
        as capacity_signal
from months m left join sliced s on s.role = m.role and s.month_start = m.month_start;

create table marts.kpi_bdr_capacity as select * exclude (role) rename (done as mqls) from capacity where role = 'bdr';

create table marts.kpi_ae_capacity as select * exclude (role) rename (done as won_deals) from capacity where role = 'ae';

create table marts.kpi_touchpoints as
with touches as (
    select c.deal_id, count(*) filter (activity_type = 'call') as calls, count(*) filter (activity_type = 'email') as emails,
        count(*) filter (activity_type = 'chat') as chats, count(*) filter (activity_type = 'meeting') as meetings,
        count(*) filter (activity_type = 'video_meeting') as video_meetings, count(*) as touches
    from closed_deals c join marts.fct_activities a on a.deal_id = c.deal_id and a.occurred_at < c.closed_at
    where is_touch group by c.deal_id
)
select case 0 when grouping(month) then 'month' else 'quarter' end as period_grain,
    coalesce(month, quarter) as period_start, is_over(period_grain, period_start) as is_complete_period,
    case 0 when grouping(owner) then 'owner' when grouping(team) then 'team' when grouping(deal_type) then 'deal_type'
        else 'all' end as dimension,
    coalesce(owner, team, deal_type, 'all') as dimension_value, outcome, count(*) as deals,
    avg(coalesce(calls, 0)) as avg_calls, avg(coalesce(emails, 0)) as avg_emails, avg(coalesce(chats, 0)) as avg_chats,
    avg(coalesce(meetings, 0)) as avg_meetings, avg(coalesce(video_meetings, 0)) as avg_video_meetings,
    avg(coalesce(touches, 0)) as avg_touches
from closed_deals c left join touches t on t.deal_id = c.deal_id
group by outcome, grouping sets (month, quarter), grouping sets ((), owner, team, deal_type);

create table marts.stage_survival_curve as
with lasted as (
    select pipeline, stage, days_so_far as t, count(*) as visits, count(days_in_stage) as exits from open_visits group by all
),
at_risk as (
    select *, sum(visits) over (partition by pipeline, stage order by t desc) as at_risk from lasted
),
survival as (
    select *, product(1 - exits / at_risk) over (partition by pipeline, stage order by t) as s from at_risk
),
-- The curve at every 2 %, from the start to the longest visit.
points as (
    select pipeline, stage, min(t) as t from survival join range(0, 100, 2) levels (level) on s <= level / 100 + 1e-9
    where exits > 0 group by pipeline, stage, level
    union select pipeline, stage, max(t) from survival group by pipeline, stage
    union select pipeline, stage, 0 from survival
)
select p.pipeline, p.stage, p.t as days, coalesce(s.s, 1) as share_still_there, coalesce(s.at_risk, n.visits) as at_risk
from points p left join survival s on s.pipeline = p.pipeline and s.stage = p.stage and s.t = p.t
join (select pipeline, stage, count(*) as visits from open_visits group by all) n
    on n.pipeline = p.pipeline and n.stage = p.stage;

-- Customers.

create table marts.fct_account_months as
with months as (
    select distinct month_start, last_day(month_start) as last_day
    from marts.dim_date
    where is_over('month', month_start) and last_day(month_start) >= (select min(started_on) from known_subscriptions)
),
-- What is active on a month's last day, at that day's rate and at the rate of the month before.
active as (
    select account_id, coalesce(currency, 'USD') as currency, month_start, last_day, sum(mrr) as mrr
    from known_subscriptions join months on started_on <= last_day and (ended_on is null or ended_on > last_day)
    group by all
),
valued as (
    select account_id, month_start, sum(usd(mrr, a.currency, r.rate)) as mrr,
        sum(usd(mrr, a.currency, coalesce(b.rate, r.rate))) as mrr_at_last_rate
    from active a
    left join rates r on r.currency = a.currency and r.day = a.last_day
    left join rates b on b.currency = a.currency and b.day = a.month_start - 1
    where a.currency = 'USD' or r.rate is not null group by all
),
every_month as (
    select f.account_id, m.month_start, coalesce(v.mrr, 0) as mrr, coalesce(v.mrr_at_last_rate, 0) as mrr_at_last_rate,
        m.month_start = f.first_month as is_first
    from (select account_id, min(month_start) as first_month from valued where mrr > 0 group by account_id) f
    join months m on m.month_start >= f.first_month
    left join valued v on v.account_id = f.account_id and v.month_start = m.month_start
),
moved as (
    select *, lag(mrr, 1, 0) over (partition by account_id order by month_start) as previous_mrr,
        mrr_at_last_rate - previous_mrr as movement_amount, mrr - mrr_at_last_rate as fx_amount
    from every_month
)
select account_id, month_start, mrr, previous_mrr, movement_amount, fx_amount,
    case
        when is_first then 'new' when mrr > 0 and previous_mrr <= 0 then 'reactivation'
        when mrr <= 0 and previous_mrr > 0 then 'churn' when movement_amount >= 1e-6 then 'expansion'
        when movement_amount <= -1e-6 then 'contraction' else 'none'
    end as movement
from moved;

create table marts.kpi_mrr as
with months as (
    select m.*, coalesce(a.segment, 'unknown') as segment, coalesce(a.region, 'unknown') as region
    from marts.fct_account_months m left join marts.dim_account a on a.account_id = m.account_id
),
summed as (
    select month_start as period_start, coalesce(segment, region, 'all') as dimension_value,
        case 0 when grouping(segment) then 'segment' when grouping(region) then 'region' else 'all' end as dimension,
        sum(previous_mrr) as opening_mrr,
        coalesce(sum(movement_amount) filter (movement = 'new'), 0) as new_mrr,
        coalesce(sum(movement_amount) filter (movement = 'reactivation'), 0) as reactivation_mrr,
        coalesce(sum(movement_amount) filter (movement = 'expansion'), 0) as expansion_mrr,
        -coalesce(sum(movement_amount) filter (movement = 'contraction'), 0) as contraction_mrr,
        -coalesce(sum(movement_amount) filter (movement = 'churn'), 0) as churned_mrr,
        sum(fx_amount) as fx_mrr, sum(mrr) as closing_mrr, count(*) filter (previous_mrr > 0) as opening_accounts,
        count(*) filter (mrr > 0) as active_accounts, count(*) filter (movement = 'churn') as churned_accounts
    from months group by month_start, grouping sets ((), segment, region)
)
select 'month' as period_grain, *, is_over('month', period_start) as is_complete_period,
    ratio(opening_mrr + expansion_mrr - contraction_mrr - churned_mrr, opening_mrr) as net_revenue_retention,
    ratio(opening_mrr - contraction_mrr - churned_mrr, opening_mrr) as gross_revenue_retention,
    ratio(churned_accounts, opening_accounts) as logo_churn_rate
from summed;

create table marts.kpi_cac as
with flows as (
    select date_trunc('quarter', spent_on)::date as period_start, segment, amount, 0 as customers
    from marts.fct_spend where department in ('sales', 'marketing')
    union all select quarter, segment, 0, 1 from customers
),
totals as (
    select period_start, coalesce(sum(amount) filter (segment is not null), 0) as direct_spend,
        coalesce(sum(amount) filter (segment is null), 0) as shared_spend, sum(customers) as new_customers
    from flows group by period_start
),
sliced as (
    select period_start, 'all' as dimension, 'all' as dimension_value, direct_spend, shared_spend::double as shared_spend,
        new_customers
    from totals
    union all
    select f.period_start, 'segment', segment, coalesce(sum(amount), 0), t.shared_spend * ratio(sum(customers), t.new_customers),
        sum(customers)
    from flows f join totals t on t.period_start = f.period_start where segment is not null
    group by f.period_start, segment, t.shared_spend, t.new_customers
)
select 'quarter' as period_grain, *, is_over('quarter', period_start) as is_complete_period,
    direct_spend + shared_spend as spend, ratio(direct_spend + shared_spend, new_customers) as cac,
    ratio(direct_spend, new_customers) as cac_direct
from sliced;

create table account_quarters as
with flows as (
    select account_id, month_start as day, mrr as revenue, 0 as cost from marts.fct_account_months where mrr <> 0
    union all select account_id, ordered_at, amount, 0 from marts.fct_orders where account_id is not null
    union all
    select account_id, incurred_on, 0, usd(amount, c.currency, rate)
    from landed('account_costs') c left join rates r on r.currency = c.currency and r.day = c.incurred_on
    where incurred_on <= getvariable('as_of')::date
)
select account_id, date_trunc('quarter', day)::date as quarter, coalesce(sum(revenue), 0) as revenue,
    coalesce(sum(cost), 0) as cost
from flows group by all;

create table marts.kpi_ltv as
with flows as (
    select quarter, segment, 1 as customers, 0 as revenue, 0 as cost, 0 as revenue_now, 0 as cost_now from customers
    union all
    select greatest(q.quarter, c.quarter), segment, 0, revenue, cost, if(q.quarter >= c.quarter, revenue, null),
        if(q.quarter >= c.quarter, cost, null)
    from account_quarters q join customers c on c.account_id = q.account_id
),
sliced as (
    select quarter, if(grouping(segment) = 0, 'segment', 'all') as dimension, coalesce(segment, 'all') as dimension_value,
        sum(customers) as customers, sum(revenue) as revenue, sum(cost) as cost, sum(revenue_now) as revenue_now,
        sum(cost_now) as cost_now
    from flows group by quarter, grouping sets ((), segment)
),
quarters as (
    select distinct quarter_start from marts.dim_date where is_over('quarter', quarter_start)
),
to_date as (
    select quarter_start, dimension, dimension_value, sum(customers) as customers, sum(revenue) as revenue, sum(cost) as cost,
        sum(revenue_now) filter (quarter = quarter_start) as revenue_now,
        sum(cost_now) filter (quarter = quarter_start) as cost_now
    from quarters join sliced on quarter <= quarter_start group by quarter_start, dimension, dimension_value
),
recurring as (
    select date_trunc('quarter', period_start)::date as quarter, dimension, dimension_value,
        sum(churned_accounts) as churned_accounts, sum(opening_accounts) as account_months,
        max(ratio(closing_mrr, active_accounts)) filter (month(period_start) % 3 = 0) as arpa
    from marts.kpi_mrr group by all
)
select 'quarter' as period_grain, t.quarter_start as period_start, true as is_complete_period, t.dimension,
    t.dimension_value, customers, ratio(revenue, customers) as avg_revenue_to_date, ratio(cost, customers) as avg_cost_to_date,
    ratio(revenue - cost, customers) as ltv_to_date, 1 - ratio(cost_now, revenue_now) as gross_margin, arpa,
    coalesce(r.churned_accounts, 0) as churned_accounts, coalesce(r.account_months, 0) as account_months,
    ratio(r.churned_accounts, r.account_months) as monthly_churn_rate,
    case when r.account_months > 0 then least(coalesce(ratio(r.account_months, r.churned_accounts), 60), 60) end
        as expected_lifetime_months,
    arpa * gross_margin * expected_lifetime_months as ltv_expected, c.cac, ratio(ltv_expected, c.cac) as ltv_to_cac
from to_date t
left join recurring r
    on r.quarter = t.quarter_start and r.dimension = t.dimension and r.dimension_value = t.dimension_value
left join marts.kpi_cac c
    on c.period_start = t.quarter_start and c.dimension = t.dimension and c.dimension_value = t.dimension_value;

create table marts.kpi_clv as
with to_date as (
    select account_id, sum(revenue) as revenue, sum(cost) as cost from account_quarters group by account_id
),
lifetimes as (
    select dimension_value as segment, sum(churned_accounts) as churned, sum(opening_accounts) as opened
    from marts.kpi_mrr
    where dimension = 'segment' and period_start >= date_trunc('month', getvariable('as_of')) - interval 12 month
    group by dimension_value
),
valued as (
    select c.*, coalesce(t.revenue, 0) as revenue_to_date, coalesce(t.cost, 0) as cost_to_date,
        revenue_to_date - cost_to_date as clv_to_date, coalesce(m.mrr, 0) as current_mrr,
        1 - ratio(sum(cost_to_date) over (partition by c.segment), sum(revenue_to_date) over (partition by c.segment)) as margin,
        case when churned_at is not null then 0 when l.opened > 0 then least(coalesce(ratio(l.opened, l.churned), 60), 60) end
            as expected_remaining_months
    from customers c
    left join to_date t on t.account_id = c.account_id
    left join marts.fct_account_months m
        on m.account_id = c.account_id and m.month_start = date_trunc('month', getvariable('as_of')) - interval 1 month
    left join lifetimes l on l.segment = c.segment
)
select account_id, became_customer_at, revenue_to_date, cost_to_date, clv_to_date, current_mrr, expected_remaining_months,
    clv_to_date::double + current_mrr::double * margin * expected_remaining_months as clv_expected,
    row_number() over (order by clv_expected desc nulls last, clv_to_date desc nulls last, account_id) as clv_rank
from valued;

create table marts.kpi_magic_number as
with quarters as (
    select date_trunc('quarter', month_start)::date as quarter, sum(mrr) as revenue
    from marts.fct_account_months group by quarter
),
spans as (
    select distinct date_trunc('quarter', month_start)::date as quarter from marts.dim_date
    where is_over('month', month_start) and last_day(month_start) >= (select min(started_on) from known_subscriptions)
),
compared as (
    select s.quarter as period_start, coalesce(q.revenue, 0) as recurring_revenue,
        coalesce(p.revenue, 0) as previous_recurring_revenue, coalesce(c.spend, 0) as previous_spend
    from spans s
    left join quarters q on q.quarter = s.quarter
    left join quarters p on p.quarter = period_before('quarter', s.quarter)
    left join marts.kpi_cac c on c.dimension = 'all' and c.period_start = period_before('quarter', s.quarter)
    where is_over('quarter', s.quarter)
)
select 'quarter' as period_grain, *, true as is_complete_period, 'all' as dimension, 'all' as dimension_value,
    case when previous_recurring_revenue <> 0
        then ratio((recurring_revenue - previous_recurring_revenue) * 4, previous_spend) end as magic_number,
    case when magic_number < 0.75 then 'review_cac' when magic_number <= 1 then 'efficient'
        when magic_number > 1 then 'invest_more' end as magic_number_signal
from compared;

create table marts.kpi_customer_engagement as
with touched as (
    select c.account_id, count(*) as touches, count(*) filter (occurred_at >= getvariable('as_of') - interval 90 day) as recent,
        min(occurred_at) as first_at, max(occurred_at) as last_at
    from customers c join marts.fct_activities a on a.account_id = c.account_id and a.occurred_at >= c.became_customer_at
    where is_touch group by c.account_id
)
select c.account_id, owner as owner_id, became_customer_at,
    greatest(days(coalesce(churned_at, getvariable('as_of')), became_customer_at), 0) as relationship_days,
    coalesce(t.touches, 0) as touches, coalesce(recent, 0) as touches_last_90_days,
    ratio(coalesce(t.touches, 0), relationship_days) * 91.3125 as touches_per_quarter,
    ratio(days(last_at, first_at), t.touches - 1) as avg_days_between_touches, last_at as last_touch_at,
    days(getvariable('as_of'), last_at) as days_since_last_touch, churned_at is not null as is_churned,
    case when churned_at is null
        then row_number() over (partition by churned_at is null order by became_customer_at, c.account_id) end as tenure_rank,
    coalesce(tenure_rank <= 10, false) as is_top_long_term
from customers c left join touched t on t.account_id = c.account_id;

create table expansions as
select d.*, c.first_won_deal_id, coalesce(c.first_product_id, 'unknown') as first_product,
    days(d.closed_at, c.became_customer_at) / 30.4375 as months_since,
    case when c.month < d.month then c.account_id end as customer_before_month,
    case when c.quarter < d.quarter then c.account_id end as customer_before_quarter
from closed_deals d left join customers c on c.account_id = d.account_id
where d.outcome = 'won' and d.deal_type in ('upsell', 'cross_sell');

create table marts.kpi_upsell_cross_sell as
with sliced as (
    select case 0 when grouping(month) then 'month' else 'quarter' end as period_grain,
        coalesce(month, quarter) as period_start,
        case 0 when grouping(owner) then 'owner' when grouping(team) then 'team' when grouping(industry) then 'industry'
            when grouping(product) then 'product' else 'all' end as dimension,
        coalesce(owner, team, industry, product, 'all') as dimension_value,
        count(*) filter (deal_type = 'upsell') as upsell_deals,
        coalesce(sum(amount) filter (deal_type = 'upsell'), 0) as upsell_amount,
        count(*) filter (deal_type = 'cross_sell') as cross_sell_deals,
        coalesce(sum(amount) filter (deal_type = 'cross_sell'), 0) as cross_sell_amount,
        if(period_grain = 'month', count(distinct customer_before_month), count(distinct customer_before_quarter))
            as expanded_customers,
        avg(months_since) as avg_months_since_first_purchase
    from expansions group by grouping sets (month, quarter), grouping sets ((), owner, team, industry, product)
),
existing as (
    select s.period_grain, s.period_start, s.dimension, s.dimension_value, count(c.account_id) as existing_customers
    from sliced s left join customers c
        on c.became_customer_at < s.period_start and (s.dimension = 'all' or c.industry = s.dimension_value)
    where s.dimension in ('all', 'industry') group by all
)
select s.*, is_over(s.period_grain, s.period_start) as is_complete_period, existing_customers,
    ratio(expanded_customers, existing_customers) as expansion_rate
from sliced s left join existing e
    on e.period_grain = s.period_grain and e.period_start = s.period_start and e.dimension = s.dimension
    and e.dimension_value = s.dimension_value;

create table marts.kpi_expansion_paths as
select first_product as from_product_id, product as to_product_id, deal_type, industry, count(*) as deals,
    coalesce(sum(amount), 0) as amount, median(months_since) as median_months_since_first_purchase
from expansions where first_won_deal_id is null or deal_id <> first_won_deal_id group by all;

create table marts.kpi_nps as
with answers as (
    select r.*, coalesce(a.owner_id, 'unknown') as owner, coalesce(a.industry, 'unknown') as industry,
        coalesce(a.segment, 'unknown') as segment, coalesce(a.region, 'unknown') as region,
        coalesce(r.responded_at < a.became_customer_at + interval 90 day, true) as is_early
    from marts.fct_nps_responses r left join marts.dim_account a on a.account_id = r.account_id
),
events as (
    select *, sent_at as moment, 1 as invitation, null as given from answers
    union all select *, responded_at, null, score from answers where score is not null
),
dated as (
    select *, date_trunc('month', moment)::date as month, date_trunc('quarter', moment)::date as quarter from events
),
counted as (
    select case 0 when grouping(month) then 'month' else 'quarter' end as period_grain,
        coalesce(month, quarter) as period_start,
        case 0 when grouping(segment) then 'segment' when grouping(region) then 'region'
            when grouping(industry) then 'industry' when grouping(owner) then 'owner' else 'all' end as dimension,
        coalesce(segment, region, industry, owner, 'all') as dimension_value, count(invitation) as invitations,
        count(*) filter (invitation = 1 and responded_at is not null) as invited_responses, count(given) as responses,
        count(*) filter (given >= 9) as promoters, count(*) filter (given between 7 and 8) as passives,
        count(*) filter (given <= 6) as detractors,
        count(*) filter (given is not null and is_early) as too_early_responses
    from dated group by grouping sets (month, quarter), grouping sets ((), segment, region, industry, owner)
)
select *, is_over(period_grain, period_start) as is_complete_period, ratio(invited_responses, invitations) as response_rate,
    ratio(promoters - detractors, responses) * 100 as nps,
    196 * sqrt(greatest(ratio(promoters + detractors, responses) - (nps / 100) ** 2, 0) / nullif(responses, 0)) as nps_margin
from counted;

-- Market and team.

create table marts.kpi_sales_by_location as
with lines as (
    select o.order_id, o.quantity, o.amount, date_trunc('week', ordered_at)::date as week,
        date_trunc('month', ordered_at)::date as month, date_trunc('quarter', ordered_at)::date as quarter,
        coalesce(o.location_id, 'unknown') as location, coalesce(o.channel, 'unknown') as channel,
        coalesce(l.region, 'unknown') as region, coalesce(o.product_id, 'unknown') as product,
        location || '/' || product as location_product
    from marts.fct_orders o left join marts.dim_location l on l.location_id = o.location_id
),
sliced as (
    select case 0 when grouping(week) then 'week' when grouping(month) then 'month' else 'quarter' end as period_grain,
        coalesce(week, month, quarter) as period_start,
        case 0 when grouping(location) then 'location' when grouping(channel) then 'channel'
            when grouping(region) then 'region' when grouping(product) then 'product'
            when grouping(location_product) then 'location_product' else 'all' end as dimension,
        coalesce(location, channel, region, product, location_product, 'all') as dimension_value,
        count(distinct order_id) as orders, sum(quantity) as units, coalesce(sum(amount), 0) as amount
    from lines
    group by grouping sets (week, month, quarter),
        grouping sets ((), location, channel, region, product, location_product)
)
select *, is_over(period_grain, period_start) as is_complete_period,
    ratio(amount, sum(amount) over (partition by period_grain, period_start, dimension)) as share_of_amount,
    rank() over (partition by period_grain, period_start, dimension order by amount desc) as rank
from sliced;

create table marts.kpi_promotion_lift as
with ended as (
    select *, ends_on - starts_on + 1 as length from known_promotions where ends_on is not null
),
days as (
    select *, starts_on + (n - length)::int as day, n >= length as is_during
    from ended join range(0, 20000) numbers (n) on n < 2 * length
),
sales as (
    select location_id, product_id, ordered_at::date as day, sum(amount) as amount
    from marts.fct_orders where location_id is not null group by all
),
daily as (
    select d.promotion_id, d.day, d.is_during, coalesce(sum(amount) filter (s.location_id = d.location_id), 0) as test,
        case when d.control_location_id is not null
            then coalesce(sum(amount) filter (s.location_id = d.control_location_id), 0) end as control
    from days d left join sales s
        on s.day = d.day and s.location_id in (d.location_id, d.control_location_id)
        and (d.product_id is null or s.product_id = d.product_id)
    group by d.promotion_id, d.day, d.is_during, d.control_location_id
),
means as (
    select promotion_id, count(*) filter (is_during) as days, avg(test) filter (not is_during) as test_before,
        avg(test) filter (is_during) as test_during, avg(control) filter (not is_during) as control_before,
        avg(control) filter (is_during) as control_during,
        var_samp((test - control)::double) filter (not is_during) / days as error_before,
        var_samp((test - control)::double) filter (is_during) / days as error_during
    from daily group by promotion_id
),
welch as (
    select *, (test_during - test_before) - (control_during - control_before) as lift,
        floor((error_before + error_during) ** 2
            / nullif((error_before ** 2 + error_during ** 2) / nullif(days - 1, 0), 0) + 1e-9) as df
    from means
)
select p.promotion_id, p.location_id, p.control_location_id, p.starts_on, p.ends_on, w.days, test_before, test_during,
    control_before, control_during, lift, ratio(lift, test_before) as lift_ratio,
    lift - coalesce(t_975, 1.96) * sqrt(error_before + error_during) + 0 * w.df as lift_low,
    lift + coalesce(t_975, 1.96) * sqrt(error_before + error_during) + 0 * w.df as lift_high
from known_promotions p left join welch w on w.promotion_id = p.promotion_id
left join read_csv(getvariable('seeds') || '/t_quantiles.csv') t on t.df = w.df;

create table marts.kpi_competitor_pricing as
with prices as (
    select unnest(['week', 'month']) as period_grain, date_trunc(period_grain, observed_on)::date as period_start,
        product_id, competitor, price
    from marts.fct_competitor_prices
),
theirs as (
    select period_grain, period_start, product_id, competitor, avg(price) as competitor_avg_price from prices group by all
),
lines as (
    select unnest(['week', 'month']) as period_grain, date_trunc(period_grain, ordered_at)::date as period_start,
        product_id, amount, quantity
    from marts.fct_orders where amount is not null and product_id is not null
),
own as (
    select period_grain, period_start, product_id, ratio(sum(amount), sum(quantity)) as own_avg_price from lines group by all
),
compared as (
    select t.*, o.own_avg_price, usd(p.list_price, p.currency, r.rate) as list_price,
        ratio(coalesce(o.own_avg_price, usd(p.list_price, p.currency, r.rate)), t.competitor_avg_price) - 1 as price_gap
    from theirs t
    left join own o
        on o.period_grain = t.period_grain and o.period_start = t.period_start and o.product_id = t.product_id
    left join marts.dim_product p on p.product_id = t.product_id
    left join rates r on r.currency = p.currency and r.day = least(
        if(t.period_grain = 'week', t.period_start + 6, last_day(t.period_start)), getvariable('as_of')::date
    )
)
select *, is_over(period_grain, period_start) as is_complete_period,
    coalesce(price_gap > 1e-9 and price_gap <= 0.05 + 1e-9, false) as is_price_match_candidate
from compared;

create table marts.kpi_employee_satisfaction as
with dated as (
    select question, rating, coalesce(team, 'unknown') as team, wave, date_trunc('month', responded_at)::date as month,
        date_trunc('quarter', responded_at)::date as quarter
    from marts.fct_employee_responses
),
sliced as (
    select case 0 when grouping(month) then 'month' else 'quarter' end as period_grain,
        coalesce(month, quarter) as period_start,
        case 0 when grouping(team) then 'team' when grouping(wave) then 'wave' else 'all' end as dimension,
        coalesce(team, wave, 'all') as dimension_value, question, count(*) as n, avg(rating) as rating,
        count(*) filter (rating = 5) / n as excellent, count(*) filter (rating = 4) / n as good
    from dated group by question, grouping sets (month, quarter), grouping sets ((), team, wave)
),
-- One small team among larger ones could be worked out: then the smallest of those is hidden too.
hidden as (
    select *, n < 5 or dimension = 'team'
        and count(*) filter (dimension = 'team' and n < 5) over (partition by period_grain, period_start, question) = 1
        and row_number() over (
            partition by period_grain, period_start, question, dimension order by n < 5, n, dimension_value
        ) = 1 as is_suppressed
    from sliced
)
select period_grain, period_start, is_over(period_grain, period_start) as is_complete_period, dimension, dimension_value,
    question, if(is_suppressed, null, n) as responses, if(is_suppressed, null, rating) as avg_rating,
    if(is_suppressed, null, excellent) as excellent_share, if(is_suppressed, null, good) as good_share,
    if(is_suppressed, null, excellent + good) as favourable_share, if(is_suppressed, null, 4.0) as goal,
    if(is_suppressed, null, rating - 4.0) as gap_to_goal, is_suppressed
from hidden;

-- The headline of each KPI, against its last period and its target.
create table marts.kpi_scorecard as
with headlines as (
    select 'kpi_ae_capacity' as kpi_id, period_grain, period_start, is_complete_period, dimension, dimension_value,
        null::varchar as detail, utilisation::double as value, won_deals::double as numerator, capacity::double as denominator
    from marts.kpi_ae_capacity where period_grain = 'month'
    union all
    select 'kpi_acquisition_rate', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        acquisition_rate, acquired_leads, contacted_leads from marts.kpi_acquisition_rate where period_grain = 'month'
    union all
    select 'kpi_appointment_rate', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        appointment_rate, with_appointment, contacted from marts.kpi_appointment_rate where period_grain = 'week'
    union all
    select 'kpi_bdr_capacity', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        utilisation, mqls, capacity from marts.kpi_bdr_capacity where period_grain = 'month'
    union all
    select 'kpi_cac', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        cac, spend, new_customers from marts.kpi_cac where period_grain = 'quarter'
    union all
    select 'kpi_competitor_pricing', period_grain, period_start, is_complete_period, 'product', product_id, competitor,
        price_gap, null, competitor_avg_price from marts.kpi_competitor_pricing where period_grain = 'month'
    union all
    select 'kpi_contact_volume', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        unique_contacts, null, null from marts.kpi_contact_volume where period_grain = 'week'
    union all
    select 'kpi_days_to_close', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        median_days, null, null from marts.kpi_days_to_close where period_grain = 'month'
    union all
    select 'kpi_deal_amount_by_source', period_grain, period_start, is_complete_period, 'source', source, null,
        won_amount, null, null from marts.kpi_deal_amount_by_source where period_grain = 'month'
    union all
    select 'kpi_deal_amount_by_type', period_grain, period_start, is_complete_period, 'deal_type', deal_type, product_id,
        won_amount, null, null from marts.kpi_deal_amount_by_type where period_grain = 'month'
    union all
    select 'kpi_deal_size', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        avg_amount, total_amount, won_deals from marts.kpi_deal_size where period_grain = 'month'
    union all
    select 'kpi_deals_by_stage', period_grain, period_start, is_complete_period, dimension, dimension_value, pipeline || ' / ' || stage,
        open_amount, null, null from marts.kpi_deals_by_stage where period_grain = 'week'
    union all
    select 'kpi_employee_satisfaction', period_grain, period_start, is_complete_period, dimension, dimension_value, question,
        avg_rating, null, responses from marts.kpi_employee_satisfaction where period_grain = 'quarter'
    union all
    select 'kpi_lead_response_time', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        within_target_rate, within_target, leads_due from marts.kpi_lead_response_time where period_grain = 'week'
    union all
    select 'kpi_ltv', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        ltv_to_cac, ltv_expected, cac from marts.kpi_ltv where period_grain = 'quarter'
    union all
    select 'kpi_magic_number', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        magic_number, null, previous_spend from marts.kpi_magic_number where period_grain = 'quarter'
    union all
    select 'kpi_meeting_acceptance', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        meeting_acceptance_rate, meetings_set, replies from marts.kpi_meeting_acceptance where period_grain = 'week'
    union all
    select 'kpi_mql', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        mql_to_sql_rate, sqls, mqls from marts.kpi_mql where period_grain = 'month'
    union all
    select 'kpi_mrr', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        closing_mrr, null, null from marts.kpi_mrr where period_grain = 'month'
    union all
    select 'kpi_new_opportunities', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        new_deals, null, null from marts.kpi_new_opportunities where period_grain = 'week'
    union all
    select 'kpi_nps', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        nps, null, responses from marts.kpi_nps where period_grain = 'quarter'
    union all
    select 'kpi_pipeline_bridge', period_grain, period_start, is_complete_period, dimension, dimension_value, pipeline,
        closing_amount, null, null from marts.kpi_pipeline_bridge where period_grain = 'week'
    union all
    select 'kpi_quota_attainment', period_grain, period_start, is_complete_period, dimension, dimension_value, metric,
        attainment, actual, target from marts.kpi_quota_attainment where period_grain = 'month'
    union all
    select 'kpi_quota_team', period_grain, period_start, is_complete_period, dimension, dimension_value, metric,
        pct_at_quota, reps_at_quota, reps_with_quota from marts.kpi_quota_team where period_grain = 'month'
    union all
    select 'kpi_reply_rate', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        positive_reply_rate, positive_leads, contacted_leads from marts.kpi_reply_rate where period_grain = 'week'
    union all
    select 'kpi_sales_by_location', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        amount, null, null from marts.kpi_sales_by_location where period_grain = 'week'
    union all
    select 'kpi_sales_cycle', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        avg_cycle_days, null, won_deals from marts.kpi_sales_cycle where period_grain = 'quarter'
    union all
    select 'kpi_time_in_stage', period_grain, period_start, is_complete_period, dimension, dimension_value, pipeline || ' / ' || stage,
        median_days, null, null from marts.kpi_time_in_stage where period_grain = 'month'
    union all
    select 'kpi_touchpoints', period_grain, period_start, is_complete_period, dimension, dimension_value, outcome,
        avg_touches, null, deals from marts.kpi_touchpoints where period_grain = 'month'
    union all
    select 'kpi_upsell_cross_sell', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        expansion_rate, expanded_customers, existing_customers from marts.kpi_upsell_cross_sell where period_grain = 'quarter'
    union all
    select 'kpi_win_rate', period_grain, period_start, is_complete_period, dimension, dimension_value, null,
        win_rate, won_deals, closed_deals from marts.kpi_win_rate where period_grain = 'month'
),
compared as (
    select h.*, p.value as previous_value
    from headlines h left join headlines p
        on p.kpi_id = h.kpi_id and p.period_start = period_before(h.period_grain, h.period_start)
        and p.dimension = h.dimension and p.dimension_value = h.dimension_value
        and coalesce(p.detail, '') = coalesce(h.detail, '')
)
select h.*, k.name, h.value - h.previous_value as change, k.target_low, k.target_high,
    case
        when k.target_low is null and k.target_high is null then 'no_target' when h.value is null then null
        when h.value < k.target_low or h.value > k.target_high then 'off_target' else 'on_target'
    end as status
from compared h join marts.kpi_catalogue k on k.kpi_id = h.kpi_id;

-- The floor, part 1: the plainest script that computes the ten pipeline marts, and the facts that they stand on, from
-- Parquet files in one process. Every figure is that of the project (tests/python/test_bench.py compares them), with
-- the default settings alone: UTC, USD, calendar quarters. No landing, no rejects, no tests, nothing incremental.
-- Set before: variables `landing` (directory), `parts` ('.parquet' or '/*.parquet') and `as_of` (timestamp).
create schema marts;

create macro landed(name) as table
    select * from read_parquet(getvariable('landing') || '/' || name || getvariable('parts'));
create macro days(later, earlier) as (epoch_us(later) - epoch_us(earlier)) / 86400e6;
create macro ratio(part, whole) as part::double / nullif(whole::double, 0);
create macro usd(amount, currency, rate) as
    case when coalesce(currency, 'USD') = 'USD' then amount::decimal(28, 10) else (amount::double * rate)::decimal(28, 10) end;
create macro period_before(grain, start) as
    (start - case grain when 'week' then interval 7 day when 'month' then interval 1 month else interval 3 month end)::date;
create macro is_over(grain, start) as
    (start + case grain when 'week' then interval 7 day when 'month' then interval 1 month else interval 3 month end)::date
    <= getvariable('as_of')::date;
create macro wilson_low(k, n) as
    (k / nullif(n, 0) + 1.9208 / n - 1.96 * sqrt(greatest(k / n * (1 - k / n) / n + 0.9604 / n / n, 0))) / (1 + 3.8416 / n);
create macro wilson_high(k, n) as
    (k / nullif(n, 0) + 1.9208 / n + 1.96 * sqrt(greatest(k / n * (1 - k / n) / n + 0.9604 / n / n, 0))) / (1 + 3.8416 / n);

-- The rate of each day: the latest one on or before it.
create table rates as
with given as (
    select currency, rate::double as rate, rate_on, lead(rate_on) over (partition by currency order by rate_on) as next_on
    from landed('fx_rates') where rate_on <= getvariable('as_of')::date and currency <> 'USD'
)
select currency, rate, unnest(range(rate_on, coalesce(next_on, getvariable('as_of')::date + 1), interval 1 day))::date as day
from given;

create table marts.dim_stage as select pipeline, stage, position, outcome from landed('pipeline_stages');

create table marts.dim_user as
select user_id, full_name, role, team, region, manager_id, max_daily_leads, max_daily_deals, hired_on,
    case when left_on <= getvariable('as_of')::date then left_on end as left_on
from landed('users');

create view known_deals as
select * replace (case when closed_at <= getvariable('as_of') then closed_at end as closed_at)
from landed('deals') where created_at <= getvariable('as_of') and not coalesce(is_deleted, false);

create view known_accounts as
select * from landed('accounts') where created_at is null or created_at <= getvariable('as_of');

create table marts.fct_deal_stage_visits as
with history as (
    select h.change_id, h.deal_id, h.stage, h.changed_at, d.pipeline,
        lag(h.stage) over (partition by h.deal_id order by h.changed_at, h.change_id) as before
    from landed('deal_stage_history') h join known_deals d on d.deal_id = h.deal_id
    where h.changed_at <= getvariable('as_of')
),
moves as (
    select h.*, s.position, coalesce(s.outcome, 'open') as outcome
    from history h left join marts.dim_stage s on s.pipeline = h.pipeline and s.stage = h.stage
    where h.before is null or h.before <> h.stage
),
visits as (
    select *, row_number() over w as visit_number, lead(changed_at) over w as exited_at, lead(stage) over w as next_stage,
        lead(position) over w as next_position, lead(outcome) over w as next_outcome,
        lag(outcome) over w as previous_outcome, count(*) filter (outcome = 'open') over w as open_so_far
    from moves window w as (partition by deal_id order by changed_at, change_id)
)
select deal_id, visit_number, change_id as visit_id, pipeline, stage, position as stage_position, changed_at as entered_at,
    exited_at, days(exited_at, changed_at) as days_in_stage,
    days(coalesce(exited_at, getvariable('as_of')), changed_at) as days_so_far,
    case
        when exited_at is null then null when next_outcome in ('won', 'lost') then next_outcome
        when outcome in ('won', 'lost') then 'reopened' when next_position > position then 'forward'
        when next_position < position then 'back' else 'lateral'
    end as direction,
    next_stage, exited_at is null as is_current, outcome as stage_outcome,
    case
        when outcome <> 'open' or previous_outcome = 'open' then null
        when open_so_far = 1 then 'created' else 'reopened'
    end as opened_as
from visits;

create table marts.fct_deals as
with last_visits as (
    select deal_id, stage, stage_outcome as outcome, entered_at, days_so_far
    from marts.fct_deal_stage_visits where is_current
),
counts as (
    select deal_id, count(*) - 1 as stage_moves, count(*) filter (direction = 'back') as back_moves,
        count(*) filter (direction = 'reopened') as reopened_count, count(distinct stage) as stages_visited
    from marts.fct_deal_stage_visits group by deal_id
),
later as (
    select distinct deal_id from landed('deal_stage_history') where changed_at > getvariable('as_of')
),
staged as (
    select d.*, v.entered_at as stage_entered_at, v.days_so_far, c.* exclude (deal_id),
        v.deal_id is null and (l.deal_id is not null or s.outcome in ('won', 'lost') and d.closed_at is null) as is_nowhere,
        case when is_nowhere then null else coalesce(v.stage, d.stage) end as stage_now,
        case when is_nowhere then null else coalesce(v.outcome, s.outcome, 'open') end as outcome
    from known_deals d
    left join last_visits v on v.deal_id = d.deal_id
    left join counts c on c.deal_id = d.deal_id
    left join later l on l.deal_id = d.deal_id
    left join marts.dim_stage s on s.pipeline = d.pipeline and s.stage = d.stage and v.deal_id is null
),
closed as (
    select * replace (case
        when outcome not in ('won', 'lost') then null when closed_at is null then stage_entered_at
        when reopened_count > 0 and stage_entered_at > closed_at + interval 1 day then stage_entered_at else closed_at
    end as closed_at)
    from staged
),
priced as (
    select c.* replace (usd(c.amount, c.currency, r.rate) as amount)
    from closed c left join rates r on r.currency = c.currency and r.day = coalesce(c.closed_at, c.created_at)::date
)
select d.deal_id, d.account_id, d.owner_id, u.team, coalesce(d.region, a.region, u.region) as region, d.source,
    d.deal_type, d.product_id, a.industry, a.segment,
    case
        when d.amount is null then 'unknown' when d.amount >= 250000 then 'enterprise' when d.amount >= 50000 then 'large'
        when d.amount >= 10000 then 'medium' else 'small'
    end as size_band,
    d.pipeline, d.stage_now as stage, d.outcome, d.amount, d.created_at, d.closed_at,
    case when d.closed_at >= d.created_at then days(d.closed_at, d.created_at) end as days_to_close,
    case when d.outcome = 'open' then days(getvariable('as_of'), d.created_at) end as age_days, d.stage_entered_at,
    d.days_so_far as days_in_current_stage, coalesce(d.stage_moves, 0) as stage_moves,
    coalesce(d.back_moves, 0) as back_moves, coalesce(d.reopened_count, 0) as reopened_count,
    coalesce(d.stages_visited, 0) as stages_visited
from priced d
left join marts.dim_user u on u.user_id = d.owner_id
left join known_accounts a on a.account_id = d.account_id;

create view deals as
select deal_id, account_id, outcome, amount, created_at, closed_at, days_to_close, coalesce(owner_id, 'unknown') as owner,
    coalesce(team, 'unknown') as team, coalesce(region, 'unknown') as region, coalesce(source, 'unknown') as source,
    coalesce(deal_type, 'unknown') as deal_type, coalesce(product_id, 'unknown') as product,
    coalesce(industry, 'unknown') as industry, coalesce(segment, 'unknown') as segment, size_band
from marts.fct_deals where outcome is not null;

create table closed_deals as
select *, date_trunc('week', closed_at)::date as week, date_trunc('month', closed_at)::date as month,
    date_trunc('quarter', closed_at)::date as quarter
from deals where outcome in ('won', 'lost');

create table open_visits as
select v.*, d.amount, d.owner, d.team, d.region, d.source, d.deal_type, d.size_band
from marts.fct_deal_stage_visits v join deals d on d.deal_id = v.deal_id
where v.stage_outcome = 'open';

create table periods as
with days as (
    select unnest(range(min(entered_at)::date, getvariable('as_of')::date + 1, interval 1 day))::date as day
    from marts.fct_deal_stage_visits
)
select distinct 'week' as period_grain, date_trunc('week', day)::date as period_start from days
union all select distinct 'month', date_trunc('month', day)::date from days
union all select distinct 'quarter', date_trunc('quarter', day)::date from days;

create table pipeline_starts as
select pipeline, unnest(['week', 'month', 'quarter']) as period_grain,
    date_trunc(period_grain, min(entered_at))::date as period_start
from marts.fct_deal_stage_visits group by pipeline;

create table marts.kpi_win_rate as
with counted as (
    select case 0 when grouping(week) then 'week' when grouping(month) then 'month' else 'quarter' end as period_grain,
        coalesce(week, month, quarter) as period_start,
        case 0 when grouping(industry) then 'industry' when grouping(source) then 'source'
            when grouping(size_band) then 'size_band' when grouping(owner) then 'owner' when grouping(team) then 'team'
            when grouping(region) then 'region' when grouping(deal_type) then 'deal_type'
            when grouping(product) then 'product' when grouping(segment) then 'segment' else 'all' end as dimension,
        coalesce(industry, source, size_band, owner, team, region, deal_type, product, segment, 'all') as dimension_value,
        count(*) filter (outcome = 'won') as won_deals, count(*) filter (outcome = 'lost') as lost_deals,
        coalesce(sum(amount) filter (outcome = 'won'), 0) as won_amount,
        coalesce(sum(amount) filter (outcome = 'lost'), 0) as lost_amount, count(*) as closed_deals
    from closed_deals
    group by grouping sets (week, month, quarter),
        grouping sets ((), industry, source, size_band, owner, team, region, deal_type, product, segment)
)
select *, is_over(period_grain, period_start) as is_complete_period, won_deals / closed_deals as win_rate,
    wilson_low(won_deals, closed_deals) as win_rate_low, wilson_high(won_deals, closed_deals) as win_rate_high,
    ratio(won_amount, won_amount + lost_amount) as amount_win_rate
from counted;

create table marts.kpi_days_to_close as
select case 0 when grouping(week) then 'week' when grouping(month) then 'month' else 'quarter' end as period_grain,
    coalesce(week, month, quarter) as period_start, is_over(period_grain, period_start) as is_complete_period,
    case 0 when grouping(owner) then 'owner' when grouping(team) then 'team' when grouping(source) then 'source'
        when grouping(deal_type) then 'deal_type' when grouping(region) then 'region'
        when grouping(size_band) then 'size_band' when grouping(product) then 'product' else 'all' end as dimension,
    coalesce(owner, team, source, deal_type, region, size_band, product, 'all') as dimension_value,
    count(*) filter (outcome = 'won') as won_deals, avg(days_to_close) filter (outcome = 'won') as avg_days,
    median(days_to_close) filter (outcome = 'won') as median_days,
    quantile_cont(days_to_close, 0.9) filter (outcome = 'won') as p90_days,
    count(*) filter (outcome = 'lost') as lost_deals, avg(days_to_close) filter (outcome = 'lost') as avg_days_lost
from closed_deals
group by grouping sets (week, month, quarter),
    grouping sets ((), owner, team, source, deal_type, region, size_band, product);

create table marts.kpi_deal_size as
with sized as (
    select case 0 when grouping(week) then 'week' when grouping(month) then 'month' else 'quarter' end as period_grain,
        coalesce(week, month, quarter) as period_start,
        case 0 when grouping(owner) then 'owner' when grouping(team) then 'team' when grouping(source) then 'source'
            when grouping(deal_type) then 'deal_type' when grouping(region) then 'region'
            when grouping(product) then 'product' when grouping(industry) then 'industry'
            when grouping(segment) then 'segment' else 'all' end as dimension,
        coalesce(owner, team, source, deal_type, region, product, industry, segment, 'all') as dimension_value,
        count(*) as won_deals, sum(amount) as total_amount, avg(amount) as avg_amount,
        median(amount::double) as median_amount
    from closed_deals where outcome = 'won' and amount is not null
    group by grouping sets (week, month, quarter),
        grouping sets ((), owner, team, source, deal_type, region, product, industry, segment)
)
select s.*, is_over(s.period_grain, s.period_start) as is_complete_period, p.avg_amount as previous_avg_amount,
    ratio(s.avg_amount, p.avg_amount) - 1 as avg_amount_change
from sized s left join sized p
    on p.period_grain = s.period_grain and p.period_start = period_before(s.period_grain, s.period_start)
    and p.dimension = s.dimension and p.dimension_value = s.dimension_value;

create table marts.kpi_deal_amount_by_source as
with counted as (
    select case 0 when grouping(week) then 'week' when grouping(month) then 'month' else 'quarter' end as period_grain,
        coalesce(week, month, quarter) as period_start, source, count(*) filter (outcome = 'won') as won_deals,
        coalesce(sum(amount) filter (outcome = 'won'), 0) as won_amount, avg(amount) filter (outcome = 'won') as avg_amount,
        count(*) filter (outcome = 'lost') as lost_deals,
        coalesce(sum(amount) filter (outcome = 'lost'), 0) as lost_amount
    from closed_deals group by source, grouping sets (week, month, quarter)
)
select *, is_over(period_grain, period_start) as is_complete_period,
    ratio(won_amount, sum(won_amount) over (partition by period_grain, period_start)) as share_of_won_amount,
    won_deals / (won_deals + lost_deals) as win_rate
from counted;

create table marts.kpi_deal_amount_by_type as
with counted as (
    select case 0 when grouping(week) then 'week' when grouping(month) then 'month' else 'quarter' end as period_grain,
        coalesce(week, month, quarter) as period_start, deal_type, coalesce(product, 'all') as product_id,
        grouping(product) as is_total, count(*) filter (outcome = 'won') as won_deals,
        coalesce(sum(amount) filter (outcome = 'won'), 0) as won_amount, avg(amount) filter (outcome = 'won') as avg_amount,
        count(*) filter (outcome = 'lost') as lost_deals,
        coalesce(sum(amount) filter (outcome = 'lost'), 0) as lost_amount
    from closed_deals group by deal_type, grouping sets (week, month, quarter), grouping sets ((), product)
)
select * exclude (is_total), is_over(period_grain, period_start) as is_complete_period,
    ratio(won_amount, sum(won_amount) over (partition by period_grain, period_start, is_total)) as share_of_won_amount,
    won_deals / (won_deals + lost_deals) as win_rate
from counted;

create table marts.kpi_time_in_stage as
with ended as (
    select *, date_trunc('week', exited_at)::date as week, date_trunc('month', exited_at)::date as month,
        date_trunc('quarter', exited_at)::date as quarter
    from open_visits where exited_at is not null
)
select case 0 when grouping(week) then 'week' when grouping(month) then 'month' else 'quarter' end as period_grain,
    coalesce(week, month, quarter) as period_start, is_over(period_grain, period_start) as is_complete_period,
    case 0 when grouping(owner) then 'owner' when grouping(team) then 'team' when grouping(source) then 'source'
        when grouping(deal_type) then 'deal_type' when grouping(region) then 'region'
        when grouping(size_band) then 'size_band' else 'all' end as dimension,
    coalesce(owner, team, source, deal_type, region, size_band, 'all') as dimension_value, pipeline, stage, stage_position,
    count(*) as visits, avg(days_in_stage) as avg_days, median(days_in_stage) as median_days,
    quantile_cont(days_in_stage, 0.9) as p90_days, count(distinct deal_id) as deals,
    sum(days_in_stage) / deals as avg_days_per_deal
from ended
group by pipeline, stage, stage_position, grouping sets (week, month, quarter),
    grouping sets ((), owner, team, source, deal_type, region, size_band);

create table marts.kpi_deals_by_stage as
with events as (
    select *, entered_at as moment, 1 as entered, 0 as exited, null as went, amount as amount_change from open_visits
    union all
    select *, exited_at, 0, 1, direction, -amount from open_visits where exited_at is not null
),
dated as (
    select *, date_trunc('week', moment)::date as week, date_trunc('month', moment)::date as month,
        date_trunc('quarter', moment)::date as quarter
    from events
),
flows as (
    select case 0 when grouping(week) then 'week' when grouping(month) then 'month' else 'quarter' end as period_grain,
        coalesce(week, month, quarter) as period_start,
        case 0 when grouping(owner) then 'owner' when grouping(team) then 'team' when grouping(source) then 'source'
            when grouping(deal_type) then 'deal_type' when grouping(region) then 'region' else 'all' end as dimension,
        coalesce(owner, team, source, deal_type, region, 'all') as dimension_value, pipeline, stage, stage_position,
        sum(entered) as entered, sum(exited) as exited, count(*) filter (went = 'forward') as moved_forward,
        count(*) filter (went = 'back') as moved_back, count(*) filter (went = 'won') as won,
        count(*) filter (went = 'lost') as lost, coalesce(sum(amount_change), 0) as amount_change
    from dated
    group by pipeline, stage, stage_position, grouping sets (week, month, quarter),
        grouping sets ((), owner, team, source, deal_type, region)
),
-- The total is told of every open stage from the pipeline's first visit on.
stages as (
    select pipeline, stage, position from marts.dim_stage where outcome = 'open'
    union select pipeline, stage, stage_position from flows
),
begun as (
    select * from flows
    union all
    select p.period_grain, p.period_start, 'all', 'all', p.pipeline, s.stage, s.position, 0, 0, 0, 0, 0, 0, 0
    from pipeline_starts p join stages s on s.pipeline = p.pipeline
    anti join flows f on f.dimension = 'all' and f.period_grain = p.period_grain and f.period_start = p.period_start
        and f.pipeline = p.pipeline and f.stage = s.stage
),
stocks as (
    select *, sum(entered - exited) over w as open_deals, sum(amount_change) over w as open_amount,
        lead(period_start) over w as next_start
    from begun
    window w as (partition by period_grain, dimension, dimension_value, pipeline, stage order by period_start)
)
select p.period_grain, p.period_start, is_over(p.period_grain, p.period_start) as is_complete_period, dimension,
    dimension_value, pipeline, stage, stage_position, open_deals, open_amount, if(is_new, entered, 0) as entered,
    if(is_new, exited, 0) as exited, if(is_new, moved_forward, 0) as moved_forward, if(is_new, moved_back, 0) as moved_back,
    if(is_new, won, 0) as won, if(is_new, lost, 0) as lost,
    case when is_new then ratio(moved_forward + won, exited) end as advance_rate
from (
    select p, s.* exclude (period_grain, period_start), p.period_start = s.period_start as is_new
    from stocks s join periods p on p.period_grain = s.period_grain and p.period_start >= s.period_start
        and (p.period_start < s.next_start or s.next_start is null)
    where dimension = 'all' or open_deals <> 0 or is_new
);

create table marts.kpi_pipeline_bridge as
with turns as (
    select *, entered_at as moment, opened_as as turn from open_visits where opened_as is not null
    union all
    select *, exited_at, direction from open_visits where direction in ('won', 'lost')
),
dated as (
    select *, date_trunc('week', moment)::date as week, date_trunc('month', moment)::date as month,
        date_trunc('quarter', moment)::date as quarter
    from turns
),
flows as (
    select case 0 when grouping(week) then 'week' when grouping(month) then 'month' else 'quarter' end as period_grain,
        coalesce(week, month, quarter) as period_start,
        case 0 when grouping(owner) then 'owner' when grouping(team) then 'team' when grouping(source) then 'source'
            when grouping(deal_type) then 'deal_type' else 'all' end as dimension,
        coalesce(owner, team, source, deal_type, 'all') as dimension_value, pipeline,
        count(*) filter (turn = 'created') as created_deals, count(*) filter (turn = 'reopened') as reopened_deals,
        count(*) filter (turn = 'won') as won_deals, count(*) filter (turn = 'lost') as lost_deals,
        coalesce(sum(amount) filter (turn = 'created'), 0) as created_amount,
        coalesce(sum(amount) filter (turn = 'reopened'), 0) as reopened_amount,
        coalesce(sum(amount) filter (turn = 'won'), 0) as won_amount,
        coalesce(sum(amount) filter (turn = 'lost'), 0) as lost_amount
    from dated
    group by pipeline, grouping sets (week, month, quarter), grouping sets ((), owner, team, source, deal_type)
),
begun as (
    select * from flows
    union all
    select p.period_grain, p.period_start, 'all', 'all', p.pipeline, 0, 0, 0, 0, 0, 0, 0, 0
    from pipeline_starts p
    anti join flows f on f.dimension = 'all' and f.period_grain = p.period_grain and f.period_start = p.period_start
        and f.pipeline = p.pipeline
),
stocks as (
    select *, sum(created_deals + reopened_deals - won_deals - lost_deals) over w as closing_deals,
        sum(created_amount + reopened_amount - won_amount - lost_amount) over w as closing_amount,
        lead(period_start) over w as next_start
    from begun window w as (partition by period_grain, dimension, dimension_value, pipeline order by period_start)
)
select p.period_grain, p.period_start, is_over(p.period_grain, p.period_start) as is_complete_period, dimension,
    dimension_value, pipeline,
    if(is_new, closing_deals - created_deals - reopened_deals + won_deals + lost_deals, closing_deals) as opening_deals,
    if(is_new, created_deals, 0) as created_deals, if(is_new, reopened_deals, 0) as reopened_deals,
    if(is_new, won_deals, 0) as won_deals, if(is_new, lost_deals, 0) as lost_deals, closing_deals,
    if(is_new, closing_amount - created_amount - reopened_amount + won_amount + lost_amount, closing_amount)
        as opening_amount,
    if(is_new, created_amount, 0) as created_amount, if(is_new, reopened_amount, 0) as reopened_amount,
    if(is_new, won_amount, 0) as won_amount, if(is_new, lost_amount, 0) as lost_amount, closing_amount
from (
    select p, s.* exclude (period_grain, period_start), p.period_start = s.period_start as is_new
    from stocks s join periods p on p.period_grain = s.period_grain and p.period_start >= s.period_start
        and (p.period_start < s.next_start or s.next_start is null)
    where dimension = 'all' or closing_deals <> 0 or is_new
);

create table marts.kpi_stage_survival as
with lasted as (
    select case 0 when grouping(source) then 'source' when grouping(deal_type) then 'deal_type'
            when grouping(owner) then 'owner' else 'all' end as dimension,
        coalesce(source, deal_type, owner, 'all') as dimension_value, pipeline, stage, days_so_far as t,
        count(*) as visits, count(days_in_stage) as exits
    from open_visits group by pipeline, stage, t, grouping sets ((), source, deal_type, owner)
),
at_risk as (
    select *, sum(visits) over (partition by pipeline, stage, dimension, dimension_value order by t desc) as at_risk
    from lasted
),
survival as (
    select *, product(1 - exits / at_risk) over (partition by pipeline, stage, dimension, dimension_value order by t) as s
    from at_risk
)
select pipeline, stage, dimension, dimension_value, sum(visits) as visits, sum(exits) as completed,
    sum(visits) - sum(exits) as still_open, min(t) filter (s <= 0.5 + 1e-9) as km_median_days,
    sum(t * exits) / nullif(sum(exits), 0) as naive_avg_days
from survival group by all;

create table marts.kpi_sales_cycle as
with firsts as (
    select account_id, deal_id, closed_at from closed_deals
    where outcome = 'won' and account_id in (select account_id from known_accounts)
    qualify row_number() over (partition by account_id order by closed_at, deal_id) = 1
),
subscribers as (
    select account_id, max(ended_on)::timestamp as churned_at,
        count(*) = count(*) filter (ended_on <= getvariable('as_of')::date) as has_churned
    from landed('subscriptions')
    where mrr > 0 and started_on <= getvariable('as_of')::date group by account_id
),
matured as (
    select f.deal_id, s.has_churned and s.churned_at between f.closed_at and f.closed_at + interval 182 day as left_early
    from firsts f join subscribers s on s.account_id = f.account_id
    where f.closed_at <= getvariable('as_of') - interval 182 day
)
select case 0 when grouping(month) then 'month' else 'quarter' end as period_grain,
    coalesce(month, quarter) as period_start, is_over(period_grain, period_start) as is_complete_period,
    case 0 when grouping(owner) then 'owner' when grouping(team) then 'team' else 'all' end as dimension,
    coalesce(owner, team, 'all') as dimension_value, count(*) as won_deals, avg(days_to_close) as avg_cycle_days,
    count(m.deal_id) as matured_customers, count(*) filter (m.left_early) as churned_within_6_months,
    ratio(churned_within_6_months, matured_customers) as churn_rate_6m
from closed_deals c left join matured m on m.deal_id = c.deal_id
where outcome = 'won'
group by grouping sets (month, quarter), grouping sets ((), owner, team);

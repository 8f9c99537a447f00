-- The floor: the plainest script that computes the ten pipeline marts from Parquet files in one process.
-- No landing, no rejects, no history of versions, no tests, no time zones, no contracts; defaults only.
-- Set before: variables `landing` (directory), `parts` ('.parquet' or '/*.parquet') and `as_of` (timestamp).
create schema marts;

create table rates as
select currency, rate, rate_on, lead(rate_on) over (partition by currency order by rate_on) as next_on
from read_parquet(getvariable('landing') || '/fx_rates' || getvariable('parts'))
where rate_on <= getvariable('as_of')::date;

create table stages as
select pipeline, stage, position, outcome
from read_parquet(getvariable('landing') || '/pipeline_stages' || getvariable('parts'));

create table raw_deals as
select * from read_parquet(getvariable('landing') || '/deals' || getvariable('parts'))
where created_at <= getvariable('as_of') and not coalesce(is_deleted, false);

create table visits as
with history as (
    select h.change_id, h.deal_id, h.stage, h.changed_at, d.pipeline,
        lag(h.stage) over (partition by h.deal_id order by h.changed_at, h.change_id) as before
    from read_parquet(getvariable('landing') || '/deal_stage_history' || getvariable('parts')) h
    join raw_deals d on d.deal_id = h.deal_id
    where h.changed_at <= getvariable('as_of')
),
moves as (
    select history.* exclude (before), s.position, coalesce(s.outcome, 'open') as outcome
    from history left join stages s on s.pipeline = history.pipeline and s.stage = history.stage
    where before is null or before <> history.stage
)
select deal_id, change_id, pipeline, stage, position, outcome, changed_at as entered_at,
    lead(changed_at) over w as exited_at, lead(stage) over w as next_stage, lead(position) over w as next_position,
    lead(outcome) over w as next_outcome, lag(outcome) over w as previous_outcome,
    row_number() over w as visit_number, count(*) filter (outcome = 'open') over w as open_so_far,
    case
        when exited_at is null then null when next_outcome in ('won', 'lost') then next_outcome
        when outcome in ('won', 'lost') then 'reopened' when next_position > position then 'forward'
        when next_position < position then 'back' else 'lateral'
    end as direction,
    case when outcome <> 'open' or previous_outcome = 'open' then null when open_so_far = 1 then 'created' else 'reopened' end
        as opened_as,
    epoch_us(exited_at) - epoch_us(entered_at) as us
from moves
window w as (partition by deal_id order by changed_at, change_id);

create table deals as
with last_visits as (
    select deal_id, max_by(stage, visit_number) as stage, max_by(outcome, visit_number) as outcome,
        max(entered_at) as entered_at, count(*) filter (direction = 'reopened') as reopened
    from visits group by deal_id
),
closed as (
    select d.*, v.outcome,
        case
            when v.outcome = 'open' then null when d.closed_at is null then v.entered_at
            when v.reopened > 0 and v.entered_at > d.closed_at + interval 1 day then v.entered_at else d.closed_at
        end as closed
    from raw_deals d left join last_visits v on v.deal_id = d.deal_id
)
select c.deal_id, c.account_id, coalesce(c.outcome, 'open') as outcome, c.created_at, c.closed as closed_at,
    (c.amount * case when coalesce(c.currency, 'USD') = 'USD' then 1 else r.rate end)::decimal(28, 10) as money,
    coalesce(c.owner_id, 'unknown') as owner, coalesce(u.team, 'unknown') as team,
    coalesce(c.region, a.region, u.region, 'unknown') as region, coalesce(c.source, 'unknown') as source,
    coalesce(c.deal_type, 'unknown') as deal_type, coalesce(c.product_id, 'unknown') as product,
    coalesce(a.industry, 'unknown') as industry, coalesce(a.segment, 'unknown') as segment,
    case when money is null then 'unknown' when money >= 250000 then 'enterprise' when money >= 50000 then 'large'
        when money >= 10000 then 'medium' else 'small' end as size_band,
    case when c.closed >= c.created_at then epoch_us(c.closed) - epoch_us(c.created_at) end as us
from closed c
left join rates r on r.currency = c.currency and coalesce(c.closed, c.created_at)::date >= r.rate_on
    and (coalesce(c.closed, c.created_at)::date < r.next_on or r.next_on is null)
left join read_parquet(getvariable('landing') || '/users' || getvariable('parts')) u on u.user_id = c.owner_id
left join read_parquet(getvariable('landing') || '/accounts' || getvariable('parts')) a on a.account_id = c.account_id;

create table closed_deals as
select *, date_trunc('week', closed_at)::date as week, date_trunc('month', closed_at)::date as month,
    date_trunc('quarter', closed_at)::date as quarter
from deals where outcome <> 'open';

create table open_visits as
select v.*, d.money, d.owner, d.team, d.region, d.source, d.deal_type, d.size_band
from visits v join deals d on d.deal_id = v.deal_id
where v.outcome = 'open';

create table marts.kpi_win_rate as
select coalesce(week, month, quarter) as period_start, grouping(week, month, quarter) as grain,
    grouping(industry, source, size_band, owner, team, region, deal_type, product, segment) as dimension,
    coalesce(industry, source, size_band, owner, team, region, deal_type, product, segment, 'all') as dimension_value,
    count(*) filter (outcome = 'won') as won_deals, count(*) filter (outcome = 'lost') as lost_deals,
    sum(money) filter (outcome = 'won') as won_amount, sum(money) filter (outcome = 'lost') as lost_amount
from closed_deals
group by grouping sets (
    (week), (week, industry), (week, source), (week, size_band), (week, owner), (week, team), (week, region), (week, deal_type), (week, product), (week, segment),
    (month), (month, industry), (month, source), (month, size_band), (month, owner), (month, team), (month, region), (month, deal_type), (month, product), (month, segment),
    (quarter), (quarter, industry), (quarter, source), (quarter, size_band), (quarter, owner), (quarter, team), (quarter, region), (quarter, deal_type), (quarter, product), (quarter, segment)
);

create table marts.kpi_days_to_close as
select coalesce(week, month, quarter) as period_start, grouping(week, month, quarter) as grain,
    grouping(owner, team, source, deal_type, region, size_band, product) as dimension,
    coalesce(owner, team, source, deal_type, region, size_band, product, 'all') as dimension_value,
    count(*) filter (outcome = 'won') as won_deals, avg(us) filter (outcome = 'won') as avg_us,
    median(us) filter (outcome = 'won') as median_us, quantile_cont(us, 0.9) filter (outcome = 'won') as p90_us,
    count(*) filter (outcome = 'lost') as lost_deals, avg(us) filter (outcome = 'lost') as avg_us_lost
from closed_deals
group by grouping sets (
    (week), (week, owner), (week, team), (week, source), (week, deal_type), (week, region), (week, size_band), (week, product),
    (month), (month, owner), (month, team), (month, source), (month, deal_type), (month, region), (month, size_band), (month, product),
    (quarter), (quarter, owner), (quarter, team), (quarter, source), (quarter, deal_type), (quarter, region), (quarter, size_band), (quarter, product)
);

create table marts.kpi_deal_size as
with sized as (
    select coalesce(week, month, quarter) as period_start, grouping(week, month, quarter) as grain,
        grouping(owner, team, source, deal_type, region, product, industry, segment) as dimension,
        coalesce(owner, team, source, deal_type, region, product, industry, segment, 'all') as dimension_value,
        count(*) as won_deals, sum(money) as total_amount, avg(money) as avg_amount, median(money::double) as median_amount
    from closed_deals where outcome = 'won' and money is not null
    group by grouping sets (
        (week), (week, owner), (week, team), (week, source), (week, deal_type), (week, region), (week, product), (week, industry), (week, segment),
        (month), (month, owner), (month, team), (month, source), (month, deal_type), (month, region), (month, product), (month, industry), (month, segment),
        (quarter), (quarter, owner), (quarter, team), (quarter, source), (quarter, deal_type), (quarter, region), (quarter, product), (quarter, industry), (quarter, segment)
    )
)
select s.*, p.avg_amount as previous_avg_amount
from sized s left join sized p
    on p.grain = s.grain and p.dimension = s.dimension and p.dimension_value = s.dimension_value
    and p.period_start = s.period_start - case s.grain when 3 then interval 7 day when 5 then interval 1 month else interval 3 month end;

create table marts.kpi_deal_amount_by_source as
select coalesce(week, month, quarter) as period_start, grouping(week, month, quarter) as grain, source,
    count(*) filter (outcome = 'won') as won_deals, sum(money) filter (outcome = 'won') as won_amount,
    avg(money) filter (outcome = 'won') as avg_amount, count(*) filter (outcome = 'lost') as lost_deals,
    sum(money) filter (outcome = 'lost') as lost_amount
from closed_deals group by grouping sets ((week, source), (month, source), (quarter, source));

create table marts.kpi_deal_amount_by_type as
select coalesce(week, month, quarter) as period_start, grouping(week, month, quarter) as grain, deal_type,
    coalesce(product, 'all') as product_id,
    count(*) filter (outcome = 'won') as won_deals, sum(money) filter (outcome = 'won') as won_amount,
    avg(money) filter (outcome = 'won') as avg_amount, count(*) filter (outcome = 'lost') as lost_deals,
    sum(money) filter (outcome = 'lost') as lost_amount
from closed_deals
group by grouping sets (
    (week, deal_type), (week, deal_type, product), (month, deal_type), (month, deal_type, product),
    (quarter, deal_type), (quarter, deal_type, product)
);

create table marts.kpi_time_in_stage as
with ended as (
    select *, date_trunc('week', exited_at)::date as week, date_trunc('month', exited_at)::date as month,
        date_trunc('quarter', exited_at)::date as quarter
    from open_visits where exited_at is not null
)
select coalesce(week, month, quarter) as period_start, grouping(week, month, quarter) as grain,
    grouping(owner, team, source, deal_type, region, size_band) as dimension,
    coalesce(owner, team, source, deal_type, region, size_band, 'all') as dimension_value, pipeline, stage,
    count(*) as visits, avg(us) as avg_us, median(us) as median_us, quantile_cont(us, 0.9) as p90_us,
    count(distinct deal_id) as deals
from ended
group by grouping sets (
    (pipeline, stage, week), (pipeline, stage, week, owner), (pipeline, stage, week, team), (pipeline, stage, week, source), (pipeline, stage, week, deal_type), (pipeline, stage, week, region), (pipeline, stage, week, size_band),
    (pipeline, stage, month), (pipeline, stage, month, owner), (pipeline, stage, month, team), (pipeline, stage, month, source), (pipeline, stage, month, deal_type), (pipeline, stage, month, region), (pipeline, stage, month, size_band),
    (pipeline, stage, quarter), (pipeline, stage, quarter, owner), (pipeline, stage, quarter, team), (pipeline, stage, quarter, source), (pipeline, stage, quarter, deal_type), (pipeline, stage, quarter, region), (pipeline, stage, quarter, size_band)
);

create table marts.kpi_deals_by_stage as
with events as (
    select pipeline, stage, owner, team, source, deal_type, region, money, entered_at as moment, 1 as entered, 0 as exited, null as direction
    from open_visits
    union all
    select pipeline, stage, owner, team, source, deal_type, region, -money, exited_at, 0, 1, direction
    from open_visits where exited_at is not null
),
dated as (
    select *, date_trunc('week', moment)::date as week, date_trunc('month', moment)::date as month, date_trunc('quarter', moment)::date as quarter
    from events
),
flows as (
    select coalesce(week, month, quarter) as period_start, grouping(week, month, quarter) as grain,
        grouping(owner, team, source, deal_type, region) as dimension,
        coalesce(owner, team, source, deal_type, region, 'all') as dimension_value, pipeline, stage,
        sum(entered) as entered, sum(exited) as exited, count(*) filter (direction = 'forward') as moved_forward,
        count(*) filter (direction = 'back') as moved_back, count(*) filter (direction = 'won') as won,
        count(*) filter (direction = 'lost') as lost, sum(money) as amount_change
    from dated
    group by grouping sets (
        (pipeline, stage, week), (pipeline, stage, week, owner), (pipeline, stage, week, team), (pipeline, stage, week, source), (pipeline, stage, week, deal_type), (pipeline, stage, week, region),
        (pipeline, stage, month), (pipeline, stage, month, owner), (pipeline, stage, month, team), (pipeline, stage, month, source), (pipeline, stage, month, deal_type), (pipeline, stage, month, region),
        (pipeline, stage, quarter), (pipeline, stage, quarter, owner), (pipeline, stage, quarter, team), (pipeline, stage, quarter, source), (pipeline, stage, quarter, deal_type), (pipeline, stage, quarter, region)
    )
),
periods as (select distinct grain, period_start from flows),
firsts as (
    select grain, dimension, dimension_value, pipeline, stage, min(period_start) as first_start
    from flows group by all
)
select p.grain, p.period_start, f.dimension, f.dimension_value, f.pipeline, f.stage,
    coalesce(entered, 0) as entered, coalesce(exited, 0) as exited, coalesce(moved_forward, 0) as moved_forward,
    coalesce(moved_back, 0) as moved_back, coalesce(won, 0) as won, coalesce(lost, 0) as lost,
    sum(coalesce(entered, 0) - coalesce(exited, 0)) over w as open_deals,
    sum(coalesce(amount_change, 0)) over w as open_amount
from firsts f join periods p on p.grain = f.grain and p.period_start >= f.first_start
left join flows x on x.grain = p.grain and x.period_start = p.period_start and x.dimension = f.dimension
    and x.dimension_value = f.dimension_value and x.pipeline = f.pipeline and x.stage = f.stage
window w as (partition by f.grain, f.dimension, f.dimension_value, f.pipeline, f.stage order by p.period_start);

create table marts.kpi_pipeline_bridge as
with turns as (
    select pipeline, owner, team, source, deal_type, money, entered_at as moment, opened_as as turn
    from open_visits where opened_as is not null
    union all
    select pipeline, owner, team, source, deal_type, money, exited_at, direction
    from open_visits where direction in ('won', 'lost')
),
dated as (
    select *, date_trunc('week', moment)::date as week, date_trunc('month', moment)::date as month, date_trunc('quarter', moment)::date as quarter
    from turns
),
flows as (
    select coalesce(week, month, quarter) as period_start, grouping(week, month, quarter) as grain,
        grouping(owner, team, source, deal_type) as dimension,
        coalesce(owner, team, source, deal_type, 'all') as dimension_value, pipeline,
        count(*) filter (turn = 'created') as created, count(*) filter (turn = 'reopened') as reopened,
        count(*) filter (turn = 'won') as won, count(*) filter (turn = 'lost') as lost,
        sum(money) filter (turn = 'created') as created_amount, sum(money) filter (turn = 'reopened') as reopened_amount,
        sum(money) filter (turn = 'won') as won_amount, sum(money) filter (turn = 'lost') as lost_amount
    from dated
    group by grouping sets (
        (pipeline, week), (pipeline, week, owner), (pipeline, week, team), (pipeline, week, source), (pipeline, week, deal_type),
        (pipeline, month), (pipeline, month, owner), (pipeline, month, team), (pipeline, month, source), (pipeline, month, deal_type),
        (pipeline, quarter), (pipeline, quarter, owner), (pipeline, quarter, team), (pipeline, quarter, source), (pipeline, quarter, deal_type)
    )
),
periods as (select distinct grain, period_start from flows),
firsts as (
    select grain, dimension, dimension_value, pipeline, min(period_start) as first_start from flows group by all
)
select p.grain, p.period_start, f.dimension, f.dimension_value, f.pipeline, coalesce(created, 0) as created_deals,
    coalesce(reopened, 0) as reopened_deals, coalesce(won, 0) as won_deals, coalesce(lost, 0) as lost_deals,
    sum(coalesce(created, 0) + coalesce(reopened, 0) - coalesce(won, 0) - coalesce(lost, 0)) over w as closing_deals,
    sum(coalesce(created_amount, 0) + coalesce(reopened_amount, 0) - coalesce(won_amount, 0) - coalesce(lost_amount, 0)) over w
        as closing_amount
from firsts f join periods p on p.grain = f.grain and p.period_start >= f.first_start
left join flows x on x.grain = p.grain and x.period_start = p.period_start and x.dimension = f.dimension
    and x.dimension_value = f.dimension_value and x.pipeline = f.pipeline
window w as (partition by f.grain, f.dimension, f.dimension_value, f.pipeline order by p.period_start);

create table marts.kpi_stage_survival as
with times as (
    select pipeline, stage, source, deal_type, owner, us is not null as ended,
        coalesce(us, epoch_us(getvariable('as_of')::timestamp) - epoch_us(entered_at)) as t
    from open_visits
),
steps as (
    select pipeline, stage, grouping(source, deal_type, owner) as dimension,
        coalesce(source, deal_type, owner, 'all') as dimension_value, t, count(*) as n, count(*) filter (ended) as exits
    from times
    group by grouping sets ((pipeline, stage, t), (pipeline, stage, t, source), (pipeline, stage, t, deal_type), (pipeline, stage, t, owner))
),
risks as (
    select *, sum(n) over (partition by pipeline, stage, dimension, dimension_value order by t desc) as at_risk from steps
),
survival as (
    select *, product(1 - exits / at_risk) over (partition by pipeline, stage, dimension, dimension_value order by t) as s
    from risks where exits > 0
)
select pipeline, stage, dimension, dimension_value, min(t) filter (s <= 0.5 + 1e-9) as median_us
from survival group by all;

create table marts.kpi_stage_survival_counts as
select pipeline, stage, grouping(source, deal_type, owner) as dimension, coalesce(source, deal_type, owner, 'all') as dimension_value,
    count(*) as visits, count(us) as completed, avg(us) as naive_avg_us
from open_visits group by grouping sets ((pipeline, stage), (pipeline, stage, source), (pipeline, stage, deal_type), (pipeline, stage, owner));

create table marts.kpi_sales_cycle as
with firsts as (
    select account_id, min_by(deal_id, closed_at) as deal_id, min(closed_at) as closed_at
    from closed_deals where outcome = 'won' and account_id is not null group by account_id
),
subscribers as (
    select account_id, case when count(*) = count(case when ended_on <= getvariable('as_of')::date then 1 end) then max(ended_on) end as churned_on
    from read_parquet(getvariable('landing') || '/subscriptions' || getvariable('parts'))
    where mrr > 0 and started_on <= getvariable('as_of')::date group by account_id
),
matured as (
    select f.deal_id, s.churned_on::timestamp between f.closed_at and f.closed_at + interval 182 day as left_early
    from firsts f join subscribers s on s.account_id = f.account_id
    where f.closed_at <= getvariable('as_of') - interval 182 day
)
select coalesce(month, quarter) as period_start, grouping(month, quarter) as grain, grouping(owner, team) as dimension,
    coalesce(owner, team, 'all') as dimension_value, count(*) as won_deals, avg(us) as avg_us,
    count(m.deal_id) as matured_customers, count(*) filter (m.left_early) as churned_within_6_months
from closed_deals c left join matured m on m.deal_id = c.deal_id
where outcome = 'won'
group by grouping sets ((month), (month, owner), (month, team), (quarter), (quarter, owner), (quarter, team));

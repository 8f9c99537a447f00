-- What happens to the contract of a customer: it starts, grows, shrinks, ends, is taken up again. A change
-- ends one subscription and starts the next.
create table contract_events as
with early_churn as (
    select
        account_no,
        seconds_after(won_at, 86400 * (60 + exponential(account_no, 'leaves', 3300))) as happens_at,
    from customers
),
lost_renewals as (
    select
        account_no,
        seconds_after(lost_at, 86400 * (5 + 35 * uniform(deal_no, 'leaves after'))) as happens_at,
    from growth_deals
    where deal_type = 'renewal' and last_outcome = 'lost'
),
leaving as (
    select * from early_churn
    union all
    select * from lost_renewals
),
events as (
    select
        account_no,
        won_at as happens_at,
        known_at,
        'start' as kind,
        0 as factor_log,
        deal_no,
    from customers
    union all
    select
        account_no,
        won_at,
        won_known_at,
        'deal',
        round(
            1000000 * ln(
                case
                    when deal_type = 'upsell' then 1.18 + 0.5 * uniform(deal_no, 'factor')
                    when chance(deal_no, 'dearer', 0.6) then 1.02 + 0.07 * uniform(deal_no, 'factor')
                    else 0.8 + 0.17 * uniform(deal_no, 'factor')
                end
            )
        )::bigint,
        deal_no,
    from growth_deals
    where
        won_at is not null
        and (deal_type = 'upsell' or (deal_type = 'renewal' and chance(deal_no, 'new price', 0.45)))
    union all
    select
        account_no,
        happens_at,
        happens_at,
        'smaller',
        round(1000000 * ln(0.6 + 0.3 * uniform(account_no, 'smaller by')))::bigint,
        null,
    from (
        select
            account_no,
            seconds_after(won_at, 86400 * (45 + exponential(account_no, 'smaller after', 1100))) as happens_at,
        from customers
    ) as shrinking
    union all
    select
        account_no,
        happens_at,
        -- notice is given up to four weeks ahead, sometimes not at all
        seconds_after(happens_at, -86400 * greatest(0, 34 * uniform(account_no, 'notice') - 6)),
        'churn',
        0,
        null,
    from leaving
    union all
    select
        account_no,
        seconds_after(happens_at, 86400 * (45 + 150 * uniform(account_no, 'back after'))),
        seconds_after(happens_at, 86400 * (45 + 150 * uniform(account_no, 'back after'))),
        'return',
        round(1000000 * ln(0.85))::bigint,
        null,
    from leaving
    where chance(account_no, 'comes back', 0.2)
),
-- A contract that has ended is not made smaller.
sensible as (
    select
        *,
        last_value(case when kind <> 'smaller' then kind end ignore nulls) over (
            partition by account_no order by happens_at, kind, deal_no
            rows between unbounded preceding and 1 preceding
        ) as state,
    from events
    where happens_at < getvariable('horizon_at') + interval 90 day
)
select
    account_no,
    happens_at,
    known_at,
    kind,
    factor_log,
    deal_no,
from sensible
where not (kind = 'smaller' and state = 'churn');

create table life_subscriptions as
with segments as (
    select
        contract_events.account_no,
        contract_events.happens_at,
        contract_events.known_at,
        contract_events.kind,
        contract_events.deal_no,
        row_number() over in_account as line_no,
        sum(contract_events.factor_log) over in_account as factor_log,
        lead(contract_events.happens_at) over in_account as ends_at,
        lead(contract_events.known_at) over in_account as end_known_at,
    from contract_events
    window in_account as (
        partition by account_no order by happens_at, kind, deal_no
        rows between unbounded preceding and current row
    )
),
main_lines as (
    select
        customers.account_no,
        segments.line_no,
        customers.product_no,
        coalesce(segments.deal_no, customers.deal_no) as deal_no,
        round(customers.amount / 12 * exp(segments.factor_log / 1000000.0), 2)::decimal(18, 2) as mrr,
        customers.currency,
        segments.happens_at,
        segments.known_at,
        segments.ends_at,
        segments.end_known_at,
    from segments
    inner join customers on segments.account_no = customers.account_no
    where segments.kind <> 'churn'
),
-- Further products run beside the first contract and end with it.
further_wins as (
    select
        account_no,
        deal_no,
        product_no,
        amount,
        currency,
        won_at,
        won_known_at,
    from growth_deals
    where won_at is not null and deal_type = 'cross_sell'
    union all
    select
        new_wins.account_no,
        new_wins.deal_no,
        new_wins.product_no,
        new_wins.amount,
        new_wins.currency,
        new_wins.won_at,
        new_wins.known_at,
    from new_wins
    inner join customers
        on new_wins.account_no = customers.account_no and new_wins.deal_no <> customers.deal_no
),
further_ends as (
    select
        further_wins.deal_no,
        min(contract_events.happens_at) as ends_at,
        arg_min(contract_events.known_at, contract_events.happens_at) as end_known_at,
    from further_wins
    inner join contract_events
        on
            further_wins.account_no = contract_events.account_no
            and contract_events.kind = 'churn'
            and contract_events.happens_at > further_wins.won_at
    group by further_wins.deal_no
),
lines as (
    select
        account_id(account_no)[2:] || '-' || lpad(line_no::varchar, 2, '0') as line_id,
        *,
    from main_lines
    union all
    select
        deal_id(further_wins.deal_no),
        further_wins.account_no,
        null,
        further_wins.product_no,
        further_wins.deal_no,
        round(further_wins.amount / 12, 2)::decimal(18, 2),
        further_wins.currency,
        further_wins.won_at,
        further_wins.won_known_at,
        further_ends.ends_at,
        further_ends.end_known_at,
    from further_wins
    left join further_ends on further_wins.deal_no = further_ends.deal_no
    union all
    -- a free trial before some purchases
    select
        account_id(account_no)[2:] || '-00',
        account_no,
        0,
        product_no,
        deal_no,
        0,
        currency,
        won_at,
        known_at,
        won_at + interval 14 day,
        won_at + interval 14 day,
    from customers
    where chance(account_no, 'trial', 0.03)
)
select
    'S' || line_id as subscription_id,
    account_no,
    product_no,
    deal_no,
    mrr,
    currency,
    happens_at::date as started_on,
    ends_at::date as ended_on,
    greatest(happens_at, known_at) as known_at,
    greatest(known_at, happens_at, end_known_at) as end_known_at,
    greatest(known_at, happens_at, end_known_at) as last_news_at,
from lines
-- a change on the day of the change before it leaves no row
where ends_at is null or ends_at::date > happens_at::date;

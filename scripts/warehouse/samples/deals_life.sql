-- The whole life of the begun deals: every move through the stages, then what follows from the moves.
create or replace table deal_fates as
with stages_open as (
    select
        pipeline_no,
        count(*)::integer as open_stages,
    from stage_plan
    where outcome = 'open'
    group by pipeline_no
),
fated as (
    select
        begun_deals.deal_no,
        begun_deals.pipeline_no,
        begun_deals.begun_second,
        begun_deals.shift,
        begun_deals.slowness,
        stages_open.open_stages,
        chance(begun_deals.deal_no, 'won', least(begun_deals.win_chance, 0.95)) as is_won,
    from begun_deals
    inner join stages_open on begun_deals.pipeline_no = stages_open.pipeline_no
)
select
    deal_no,
    pipeline_no,
    begun_second,
    shift,
    slowness,
    open_stages,
    is_won,
    case
        when is_won then open_stages
        else 1 + floor(
            open_stages * (
                0.6 * uniform(deal_no, 'lost early') + 0.4 * uniform(deal_no, 'lost late')
            ) ** 1.05
        )::integer
    end as last_position,
    -- some deals are simply forgotten in their stage
    not is_won and chance(deal_no, 'forgotten', 0.04) as is_forgotten,
    case
        when is_won then chance(deal_no, 'reopened', 0.008)
        else not is_forgotten and chance(deal_no, 'reopened', 0.05)
    end as is_reopened,
    is_won or chance(deal_no, 'won in the end', 0.4) as is_won_in_the_end,
    case
        when not is_won and chance(deal_no, 'deleted', 0.035)
            then instant(
                begun_second + floor(60 * 36000 * uniform(deal_no, 'deleted at'))::bigint + 3600, shift
            )
    end as deleted_at,
from fated;

-- Steps: round 1 until the deal is closed, round 2 after it was reopened. Part 1 is a step back, part 2 the
-- way forward again, part 3 the same stage recorded twice.
create or replace table deal_moves as
with first_round as (
    select
        deal_no,
        pipeline_no,
        last_position,
        is_won,
        slowness,
        unnest(range(1, last_position + 1))::integer as position,
    from deal_fates
),
not_skipped as (
    select
        *,
        deal_no * 16 + position as step_no,
    from first_round
    where position = last_position or not chance(deal_no * 16 + position, 'skipped', 0.09)
),
steps as (
    select
        deal_no,
        pipeline_no,
        slowness * case when position = last_position and not is_won then 1.7 else 1 end as slowness,
        1 as round,
        position as step,
        unnest(
            case
                when position > 1 and chance(step_no, 'back', 0.10) then [0, 1, 2]
                when chance(step_no, 'recorded twice', 0.012) then [0, 3]
                else [0]
            end
        ) as part,
        case
            when part = 1
                then greatest(1, position - case when chance(step_no, 'far back', 0.25) then 2 else 1 end)
            else position
        end as position,
    from not_skipped
    union all
    select
        deal_no,
        pipeline_no,
        slowness,
        1,
        90,
        0,
        open_stages + case when is_won then 1 else 2 end,
    from deal_fates
    where not is_forgotten
    union all
    select
        deal_no,
        pipeline_no,
        0.5 * slowness,
        2,
        unnest(
            range(
                greatest(1, last_position - 1 + is_won::integer),
                1 + case when is_won_in_the_end then open_stages else last_position end
            )
        )::integer as step,
        0,
        step,
    from deal_fates
    where is_reopened
    union all
    select
        deal_no,
        pipeline_no,
        slowness,
        2,
        91,
        0,
        open_stages + case when is_won_in_the_end then 1 else 2 end,
    from deal_fates
    where is_reopened
),
numbered as (
    select
        deal_no,
        pipeline_no,
        slowness,
        position,
        row_number() over (partition by deal_no order by round, step, part) as move_no,
    from steps
),
-- How long the deal stays, in business seconds; a closed one that is reopened some weeks later.
lasting as (
    select
        numbered.deal_no,
        numbered.pipeline_no,
        numbered.position,
        numbered.move_no,
        stage_plan.stage,
        stage_plan.outcome,
        case
            when stage_plan.outcome = 'won' then 36000 * (1 + 4 * uniform(numbered.deal_no, 'reopened after'))
            when stage_plan.outcome = 'lost' then 36000 * lognormal(numbered.deal_no, 'reopened after', 28, 0.6)
            when chance(numbered.deal_no * 64 + numbered.move_no, 'in passing', 0.012) then 0
            else 60 + 36000 * lognormal(
                numbered.deal_no * 64 + numbered.move_no,
                'stay',
                stage_plan.median_days::double * numbered.slowness,
                0.65
            )
        end::bigint as stay,
    from numbered
    inner join stage_plan
        on numbered.pipeline_no = stage_plan.pipeline_no and numbered.position = stage_plan.position
),
entered as (
    select
        lasting.*,
        deal_fates.begun_second,
        deal_fates.shift,
        deal_fates.deleted_at,
        deal_fates.begun_second
        + coalesce(
            sum(lasting.stay) over (
                partition by lasting.deal_no order by lasting.move_no
                rows between unbounded preceding and 1 preceding
            ),
            0
        )::bigint as natural_second,
    from lasting
    inner join deal_fates on lasting.deal_no = deal_fates.deal_no
),
neighboured as (
    select
        *,
        lag(natural_second) over in_deal as before_second,
        lead(natural_second) over in_deal as after_second,
    from entered
    window in_deal as (partition by deal_no order by move_no)
),
-- The end of a quarter draws deals: what would close soon after it is hurried, what comes shortly before is
-- signed in the last days. August is left to the holidays.
closed as (
    select
        neighboured.*,
        case
            when neighboured.outcome = 'open' then neighboured.natural_second
            when
                neighboured.outcome = 'won'
                and days.day_no - days.quarter_first_day_no <= 15
                and days.quarter_first_day_no > 0
                and chance(neighboured.deal_no, 'hurried', 0.5)
                then greatest(
                    neighboured.before_second,
                    least(
                        neighboured.natural_second,
                        (
                            days.quarter_first_day_no - 1
                            - floor(5 * uniform(neighboured.deal_no, 'last days'))::bigint
                        ) * 36000 + neighboured.natural_second % 36000
                    )
                )
            when
                days.quarter_last_day_no - days.day_no <= 26
                and chance(
                    neighboured.deal_no,
                    'end of quarter',
                    case neighboured.outcome when 'won' then 0.4 else 0.15 end
                )
                then least(
                    coalesce(neighboured.after_second, 9000000000),
                    greatest(
                        neighboured.natural_second,
                        (
                            days.quarter_last_day_no
                            - floor(5 * uniform(neighboured.deal_no, 'last days'))::bigint
                        ) * 36000 + neighboured.natural_second % 36000
                    )
                )
            when month(days.on_date) = 8 and chance(neighboured.deal_no, 'after the holidays', 0.35)
                then least(
                    coalesce(neighboured.after_second, 9000000000),
                    neighboured.natural_second
                    + floor(36000 * 15 * uniform(neighboured.deal_no, 'delay'))::bigint
                )
            else neighboured.natural_second
        end as entered_second,
    from neighboured
    left join days on business_day(neighboured.natural_second) = days.day_no
),
recorded as (
    select
        deal_no,
        move_no,
        position,
        stage,
        outcome,
        entered_second,
        lead(natural_second) over (partition by deal_no order by move_no) as left_second,
        shift,
        deleted_at,
        instant(entered_second, shift) as changed_at,
        -- some moves are entered into the CRM days after they were made
        case
            when move_no > 1 and chance(deal_no * 64 + move_no, 'late', 0.03)
                then seconds_after(
                    instant(entered_second, shift),
                    3600 + exponential(deal_no * 64 + move_no, 'late by', 4 * 86400)
                )
            else instant(entered_second, shift)
        end as known_at,
    from closed
    where entered_second < getvariable('last_second')
)
select
    deal_no,
    move_no,
    position,
    stage,
    outcome,
    entered_second,
    left_second,
    shift,
    changed_at,
    known_at,
from recorded
where deleted_at is null or known_at < deleted_at;

create or replace table deal_ends as
select
    deal_no,
    min(changed_at) filter (where outcome = 'won') as won_at,
    min(known_at) filter (where outcome = 'won') as won_known_at,
    min(changed_at) filter (where outcome = 'lost') as lost_at,
    max(changed_at) as last_change_at,
    max(known_at) as last_known_at,
    -- the price is agreed in the course of the deal
    min(known_at) filter (where position >= 4 and outcome = 'open') as priced_at,
    arg_max(outcome, move_no) as last_outcome,
from deal_moves
group by deal_no;

create or replace table life_deals as
with joined as (
    select
        begun_deals.*,
        deal_fates.deleted_at,
        deal_ends.won_at,
        deal_ends.won_known_at,
        deal_ends.lost_at,
        deal_ends.last_known_at,
        deal_ends.last_outcome,
        instant(begun_deals.begun_second, begun_deals.shift) as created_at,
        case
            when begun_deals.amount < 10000 then round(begun_deals.amount, 0)
            else round(begun_deals.amount, -2)
        end as agreed_amount,
        greatest(deal_ends.priced_at, instant(begun_deals.begun_second, begun_deals.shift)) as priced_at,
        case
            when user_plan.left_on < deal_ends.last_change_at or deal_ends.last_outcome = 'open'
                then user_plan.left_on + interval 17 hour
        end as owner_left_at,
        user_plan.successor_no,
        case
            when deal_ends.won_at is not null and chance(begun_deals.deal_no, 'corrected', 0.06)
                then seconds_after(
                    deal_ends.won_known_at,
                    86400 * (1 + 50 * uniform(begun_deals.deal_no, 'corrected after'))
                )
        end as corrected_at,
    from begun_deals
    inner join deal_fates on begun_deals.deal_no = deal_fates.deal_no
    inner join deal_ends on begun_deals.deal_no = deal_ends.deal_no
    left join user_plan on begun_deals.owner_no = user_plan.user_no
)
select
    deal_no,
    account_no,
    pipeline_no,
    deal_type,
    source,
    product_no,
    region,
    segment,
    currency,
    month,
    begun_second,
    shift,
    is_from_lead,
    created_at,
    owner_no,
    case when owner_left_at > created_at then owner_left_at end as owner_left_at,
    successor_no as next_owner_no,
    -- a first estimate, none at all in some deals, until the price is agreed
    case
        when chance(deal_no, 'no estimate', 0.05) then null
        else round(agreed_amount * (0.7 + 0.6 * uniform(deal_no, 'estimate')), -2)
    end as estimated_amount,
    case when chance(deal_no, 'no amount', 0.012) then null else agreed_amount end as agreed_amount,
    priced_at,
    round(agreed_amount * (0.85 + 0.2 * uniform(deal_no, 'correction')), 0) as corrected_amount,
    corrected_at,
    (
        created_at
        + to_days(
            floor(
                case pipeline_no when 2 then 95 else 48 end
                * (0.6 + 0.8 * uniform(deal_no, 'expected'))
            )::integer
        )
    )::date as expected_close_on,
    floor(45 * uniform(deal_no, 'slipped'))::integer as slipped_days,
    won_at,
    won_known_at,
    lost_at,
    last_known_at,
    last_outcome,
    deleted_at,
    greatest(created_at, last_known_at, owner_left_at, corrected_at, deleted_at) as last_news_at,
from joined;

{{ config(materialized='incremental', incremental_strategy='keyed', key='deal_id', touched='touched_deals',
          aging={'age_days': ['created_at', "outcome = 'open'"],
                 'days_in_current_stage': ['stage_entered_at', 'stage_entered_at is not null']},
          pre_hook='{{ keep_join_sides() }}', post_hook='{{ keep_join_sides(false) }}') }}

with deals as (
    select
        deal_id,
        account_id,
        pipeline,
        stage,
        deal_type,
        source,
        product_id,
        owner_id,
        region,
        amount,
        currency,
        created_at,
        closed_at
    from {{ ref('int_deals_known') }}
    where {{ only_touched('deal_id') }}
),

deals_moved_later as (
    select deal_id
    from {{ ref('int_deals_moved_later') }}
    where {{ only_touched('deal_id') }}
),

stages as (
    select
        pipeline,
        stage,
        outcome
    from {{ ref('dim_stage') }}
),

accounts as (
    select
        account_id,
        industry,
        segment,
        region
    from {{ ref('int_accounts_known') }}
),

users as (
    select
        user_id,
        team,
        region
    from {{ ref('dim_user') }}
),

rates as (
    select
        currency,
        rate_day,
        rate
    from {{ ref('int_fx_rates_daily') }}
),

size_bands as (
    select
        size_band,
        lower_bound,
        lead(lower_bound) over (order by lower_bound asc nulls last) as next_bound,
        row_number() over (order by lower_bound asc nulls last) = 1 as is_lowest
    from {{ ref('deal_size_bands') }}
),

-- Every history has one current visit. In one pass with it: joining both would hold every deal in memory twice.
histories as (
    select
        deal_id,
        count(*) - 1 as stage_moves,
        count(case when direction = 'back' then 1 end) as back_moves,
        count(case when direction = 'reopened' then 1 end) as reopened_count,
        max(case when is_current then stage end) as stage,
        max(case when is_current then stage_outcome end) as outcome,
        max(case when is_current then entered_at end) as stage_entered_at,
        max(case when is_current then days_so_far end) as days_in_current_stage
    from {{ ref('fct_deal_stage_visits') }}
    where {{ only_touched('deal_id') }}
    group by deal_id
),

-- Forward moves and a close at their end never lead into a stage twice. Only for other deals are stages told apart: that
-- takes memory for each of them.
returned_deals as (
    select
        deal_id,
        count(distinct stage) as stages_visited
    from {{ ref('fct_deal_stage_visits') }}
    where
        deal_id in (
            select deal_id
            from {{ ref('fct_deal_stage_visits') }}
            where
                (direction in ('back', 'lateral') or (stage_outcome in ('won', 'lost') and direction is not null))
                and {{ only_touched('deal_id') }}
        )
    group by deal_id
),

-- The current stage is that of the last visit. Without any history it is the stage that the CRM gives,
-- unless that claims a close without a date; what is left has no stage that we know.
staged as (
    select
        deals.deal_id,
        deals.account_id,
        deals.pipeline,
        deals.deal_type,
        deals.source,
        deals.product_id,
        deals.owner_id,
        deals.region,
        deals.amount,
        deals.currency,
        deals.created_at,
        deals.closed_at as given_closed_at,
        histories.stage_entered_at,
        histories.days_in_current_stage,
        coalesce(histories.stage_moves, 0) as stage_moves,
        coalesce(histories.back_moves, 0) as back_moves,
        coalesce(histories.reopened_count, 0) as reopened_count,
        coalesce(returned_deals.stages_visited, histories.stage_moves + 1, 0) as stages_visited,
        case
            when histories.deal_id is not null then histories.stage
            when deals_moved_later.deal_id is not null then null
            when stages.outcome in ('won', 'lost') and deals.closed_at is null then null
            else deals.stage
        end as stage,
        case
            when histories.deal_id is not null then histories.outcome
            when deals_moved_later.deal_id is not null then null
            when stages.outcome in ('won', 'lost') and deals.closed_at is null then null
            else coalesce(stages.outcome, 'open')
        end as outcome
    from deals
    left join histories
        on deals.deal_id = histories.deal_id
    left join returned_deals
        on deals.deal_id = returned_deals.deal_id
    left join deals_moved_later
        on deals.deal_id = deals_moved_later.deal_id
    left join stages
        on
            deals.pipeline = stages.pipeline
            and deals.stage = stages.stage
),

-- A CRM keeps the first close of a deal that was reopened: then the current close is when the last visit began.
closed as (
    select
        *,
        case
            when outcome not in ('won', 'lost') or outcome is null then null
            when given_closed_at is null then stage_entered_at
            when reopened_count > 0 and stage_entered_at > given_closed_at + interval 1 day then stage_entered_at
            else given_closed_at
        end as closed_at
    from staged
),

priced as (
    select
        closed.*,
        {{ to_reporting_currency('closed.amount', 'rates.rate') }} as reporting_amount
    from closed
    left join rates
        on
            rates.currency = coalesce(closed.currency, '{{ var("reporting_currency") }}')
            and rates.rate_day = {{ local_date('coalesce(closed.closed_at, closed.created_at)') }}
),

final as (
    select
        priced.deal_id,
        priced.account_id,
        priced.owner_id,
        users.team,
        coalesce(priced.region, accounts.region, users.region) as region,
        priced.source,
        priced.deal_type,
        priced.product_id,
        accounts.industry,
        accounts.segment,
        coalesce(size_bands.size_band, 'unknown') as size_band,
        priced.pipeline,
        priced.stage,
        priced.outcome,
        priced.reporting_amount as amount,
        priced.created_at,
        priced.closed_at,
        case
            when priced.closed_at >= priced.created_at
                then {{ in_days(elapsed_us('priced.created_at', 'priced.closed_at')) }}
        end as days_to_close,
        case
            when priced.outcome = 'open' then {{ in_days(elapsed_us('priced.created_at', as_of())) }}
        end as age_days,
        priced.stage_entered_at,
        priced.days_in_current_stage,
        priced.stage_moves,
        priced.back_moves,
        priced.reopened_count,
        priced.stages_visited
    from priced
    left join accounts
        on priced.account_id = accounts.account_id
    left join users
        on priced.owner_id = users.user_id
    left join size_bands
        on
            (priced.reporting_amount >= size_bands.lower_bound or size_bands.is_lowest)
            and (priced.reporting_amount < size_bands.next_bound or size_bands.next_bound is null)
            and priced.reporting_amount is not null
)

select * from final

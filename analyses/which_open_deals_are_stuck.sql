-- Which open deals have stood in their stage for longer than nine in ten deals ever did?
with open_deals as (
    select
        deal_id,
        owner_id,
        team,
        pipeline,
        stage,
        amount,
        days_in_current_stage
    from {{ ref('fct_deals') }}
    where outcome = 'open'
),

usual as (
    select
        pipeline,
        stage,
        {{ percentile('days_in_stage', 0.9) }} as p90_days
    from {{ ref('fct_deal_stage_visits') }}
    where not is_current
    group by pipeline, stage
),

final as (
    select
        open_deals.deal_id,
        open_deals.owner_id,
        open_deals.team,
        open_deals.pipeline,
        open_deals.stage,
        open_deals.amount,
        open_deals.days_in_current_stage,
        usual.p90_days as nine_in_ten_left_within_days
    from open_deals
    inner join usual
        on
            open_deals.pipeline = usual.pipeline
            and open_deals.stage = usual.stage
    where open_deals.days_in_current_stage > usual.p90_days
)

select * from final
order by amount desc nulls last

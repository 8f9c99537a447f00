-- What did the pipeline look like a quarter ago, and what became of it?
-- Deals that were open 91 days before as_of, by the stage they stood in then. For every other figure of that day
-- copy `warehouse.duckdb` into another home and run `warehouse refresh --as-of <day> --home <that home>`: the marts there
-- say what they said that day.
with then_open as (
    select
        deal_id,
        pipeline,
        stage,
        stage_position
    from {{ ref('fct_deal_stage_visits') }}
    where
        stage_outcome = 'open'
        and entered_at <= {{ as_of() }} - interval 91 day
        and (exited_at > {{ as_of() }} - interval 91 day or exited_at is null)
),

deals as (
    select
        deal_id,
        outcome,
        amount
    from {{ ref('fct_deals') }}
),

final as (
    select
        then_open.pipeline,
        then_open.stage,
        then_open.stage_position,
        count(*) as open_then,
        sum(deals.amount) as amount_then,
        count(case when deals.outcome = 'won' then 1 end) as won_since,
        count(case when deals.outcome = 'lost' then 1 end) as lost_since,
        count(case when deals.outcome = 'open' then 1 end) as still_open,
        {{ ratio("count(case when deals.outcome = 'won' then 1 end)", 'count(*)') }} as won_share
    from then_open
    inner join deals
        on then_open.deal_id = deals.deal_id
    group by then_open.pipeline, then_open.stage, then_open.stage_position
)

select * from final
order by pipeline asc nulls last, stage_position asc nulls last

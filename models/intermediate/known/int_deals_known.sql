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
    from {{ staged('deals') }}
    where
        created_at <= {{ as_of() }}
        and not is_deleted
),

-- A history that lies wholly after as_of is not the same as no history at all:
-- only without any does the stage that the CRM gives count.
deals_with_history as (
    select distinct deal_id from {{ staged('deal_stage_history') }}
),

final as (
    select
        deals.deal_id,
        deals.account_id,
        deals.pipeline,
        deals.stage,
        deals.deal_type,
        deals.source,
        deals.product_id,
        deals.owner_id,
        deals.region,
        deals.amount,
        deals.currency,
        deals.created_at,
        case when deals.closed_at <= {{ as_of() }} then deals.closed_at end as closed_at,
        deals_with_history.deal_id is not null as has_history
    from deals
    left join deals_with_history
        on deals.deal_id = deals_with_history.deal_id
)

select * from final

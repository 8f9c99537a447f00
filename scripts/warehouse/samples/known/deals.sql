with moves as (
    select
        deal_no,
        arg_max(stage, (changed_at, move_no)) as stage,
        arg_max(outcome, (changed_at, move_no)) as outcome,
        max(changed_at) as changed_at,
        max(known_at) as last_known_at,
    from deal_moves
    where known_at <= getvariable('cut_at')
    group by deal_no
),
versions as (
    select
        life_deals.*,
        moves.stage,
        moves.outcome,
        moves.changed_at,
        greatest(
            life_deals.created_at,
            moves.last_known_at,
            if_known(life_deals.owner_left_at),
            if_known(life_deals.priced_at),
            if_known(life_deals.corrected_at),
            if_known(life_deals.deleted_at)
        ) as updated_at,
    from life_deals
    inner join moves on life_deals.deal_no = moves.deal_no
    where life_deals.created_at <= getvariable('cut_at')
)
select
    deal_id(deal_no) as deal_id,
    account_id(account_no) as account_id,
    coalesce(account_name(account_no) || ' ', '') || coalesce(replace(deal_type, '_', ' '), 'deal') as name,
    case pipeline_no when 1 then 'new_business' when 2 then 'enterprise' else 'customer_growth' end as pipeline,
    stage,
    deal_type,
    source,
    case
        when not chance(deal_no, 'no product', 0.01) then 'P' || lpad(product_no::varchar, 2, '0')
    end as product_id,
    user_id(case when owner_left_at <= getvariable('cut_at') then next_owner_no else owner_no end) as owner_id,
    -- most deals leave the region to their account
    case when chance(deal_no, 'own region', 0.3) then region end as region,
    case
        when corrected_at <= getvariable('cut_at') then corrected_amount
        when priced_at <= getvariable('cut_at') then agreed_amount
        else estimated_amount
    end::decimal(18, 2) as amount,
    currency,
    created_at,
    case
        when outcome <> 'open' and not chance(deal_no, 'no closing date', 0.01) then changed_at
    end as closed_at,
    case
        when priced_at <= getvariable('cut_at') then expected_close_on + slipped_days
        else expected_close_on
    end as expected_close_on,
    case
        when outcome = 'lost' then list_extract(
            ['no decision', 'price', 'competitor', 'timing', 'no budget', 'missing feature', null],
            1 + floor(7 * uniform(deal_no, 'lost because') ** 1.3)::integer
        )
    end as lost_reason,
    coalesce(deleted_at <= getvariable('cut_at'), false) as is_deleted,
    updated_at,
from versions
where is_news(updated_at)
order by deal_no

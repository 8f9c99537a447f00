{# The deals whose facts may differ from those of the last build: their own rows, their history, or what is looked up for
   them (account, owner, stages, rate) changed. #}
{% macro touched_deals() -%}
    {%- set deals = landed('deals').relation_name -%}
    select deal_id from {{ changed_rows('deals') }} as changed_deals
    union all
    select deal_id from {{ changed_rows('deal_stage_history') }} as changed_history
    union all
    select deal_id
    from {{ deals }}
    where
        account_id in (select account_id from {{ changed_rows('accounts') }} as changed_accounts)
        or owner_id in (select user_id from {{ changed_rows('users') }} as changed_users)
        or pipeline in (select pipeline from {{ changed_rows('pipeline_stages') }} as changed_stages)
    union all
    -- A rate holds from its day on, for whatever a deal was created, moved or closed then.
    select deals.deal_id
    from {{ deals }} as deals
    inner join (
        select
            currency,
            min(rate_on) as first_changed_on
        from {{ changed_rows('fx_rates') }} as changed_rates
        group by currency
    ) as rates
        on deals.currency = rates.currency
    left join (
        select
            deal_id,
            max(changed_at) as last_changed_at
        from {{ landed('deal_stage_history').relation_name }}
        where changed_at >= (select min(rate_on) from {{ changed_rows('fx_rates') }} as changed_rates) - interval 1 day
        group by deal_id
    ) as moves
        on deals.deal_id = moves.deal_id
    where
        greatest(deals.created_at, deals.closed_at, moves.last_changed_at)
        >= rates.first_changed_on - interval 1 day
{%- endmacro %}

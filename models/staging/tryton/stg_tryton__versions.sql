{{ config(enabled='tryton' in var('crm_sources'), materialized='table') }}

-- The moves of every opportunity, and when it first was more than a lead: from then on it is a deal.
with versions as (
    select
        __id as version_id,
        id as opportunity_id,
        state,
        coalesce(write_date, create_date) as changed_at,
        write_uid
    from {{ source_rows('raw_tryton', 'sale_opportunity__history') }}
    -- The last version of a deleted opportunity is empty.
    where state is not null
),

moves as (
    select *
    from versions
    qualify
        state is distinct from lag(state) over (
            partition by opportunity_id order by version_id asc nulls last
        )
),

final as (
    select
        version_id,
        opportunity_id,
        state,
        changed_at,
        write_uid,
        min(case when state in ('opportunity', 'converted', 'won') then version_id end) over (
            partition by opportunity_id
        ) as first_deal_version_id
    from moves
)

select * from final

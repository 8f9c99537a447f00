{{ config(enabled='salesforce' in var('crm_sources'), materialized='table') }}

with opportunities as (
    select
        id as deal_id,
        account_id,
        name,
        coalesce(record_type_id, 'default') as pipeline,
        coalesce(stage_name, 'unknown') as stage,
        type as deal_type,
        lead_source as source,
        owner_id,
        amount,
        currency_iso_code as currency,
        created_date as created_at,
        close_date,
        loss_reason_c as lost_reason,
        coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false) as is_deleted,
        system_modstamp as updated_at
    from {{ source_rows('raw_salesforce', 'opportunity') }}
    where coalesce(_fivetran_active, true)
),

stages as (
    select
        pipeline,
        stage,
        outcome
    from {{ ref('stg_salesforce__pipeline_stages') }}
),

changes as (
    select
        deal_id,
        stage,
        changed_at
    from {{ ref('stg_salesforce__deal_stage_history') }}
),

-- When each opportunity last entered the stage it is in, as far as rows that repeat a stage allow to say.
entries as (
    select
        opportunities.deal_id,
        min(changes.changed_at) as first_entered_at,
        max(changes.changed_at) as last_entered_at
    from opportunities
    inner join changes
        on
            opportunities.deal_id = changes.deal_id
            and opportunities.stage = changes.stage
    group by opportunities.deal_id
),

lines as (
    select
        opportunity_id as deal_id,
        product_2_id as product_id
    from {{ source_rows('raw_salesforce', 'opportunity_line_item') }}
    where
        product_2_id is not null
        and not (coalesce(is_deleted, false) or coalesce(_fivetran_deleted, false))
        and coalesce(_fivetran_active, true)
    -- An opportunity is about the product that brings most of its amount.
    qualify row_number() over (
        partition by opportunity_id order by total_price desc nulls last, id asc nulls last
    ) = 1
),

deal_types as (
    {{ meanings('salesforce', 'deal_type') }}
),

-- Salesforce knows the day of a close alone. Where the history shows the opportunity closing on that day (or one
-- beside it, for the day is that of the user's time zone), the entry into the stage is the close: closed_at stays
-- null. A day that a person set apart from it wins, and a close on the day of creation is no close before it.
final as (
    select
        opportunities.deal_id,
        opportunities.account_id,
        opportunities.name,
        opportunities.pipeline,
        opportunities.stage,
        coalesce(deal_types.meaning, opportunities.deal_type) as deal_type,
        opportunities.source,
        lines.product_id,
        opportunities.owner_id,
        cast(null as varchar) as region,
        opportunities.amount,
        opportunities.currency,
        opportunities.created_at,
        case
            when stages.outcome not in ('won', 'lost') or stages.outcome is null then null
            when
                opportunities.close_date >= cast(entries.first_entered_at as date) - 1
                and opportunities.close_date <= cast(entries.last_entered_at as date) + 1
                then null
            when opportunities.close_date = {{ local_date('opportunities.created_at') }} then opportunities.created_at
            else {{ midnight_of('opportunities.close_date') }}
        end as closed_at,
        opportunities.close_date as expected_close_on,
        opportunities.lost_reason,
        opportunities.is_deleted,
        opportunities.updated_at
    from opportunities
    left join stages
        on
            opportunities.pipeline = stages.pipeline
            and opportunities.stage = stages.stage
    left join entries
        on opportunities.deal_id = entries.deal_id
    left join lines
        on opportunities.deal_id = lines.deal_id
    left join deal_types
        on opportunities.deal_type = deal_types.source_value
)

select * from final

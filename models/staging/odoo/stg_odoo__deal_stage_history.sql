{{ config(enabled='odoo' in var('crm_sources'), materialized='table') }}

with opportunities as (
    select
        lead_id,
        stage_id,
        is_lost,
        is_put_away,
        date_closed,
        create_date,
        write_date
    from {{ ref('stg_odoo__opportunities') }}
    where is_opportunity
),

stages as (
    select
        stage_id,
        stage,
        outcome
    from {{ ref('stg_odoo__stages') }}
),

fields as (
    select
        id,
        name
    from {{ source_rows('raw_odoo', 'ir_model_fields') }}
    where
        model = 'crm.lead'
        and name in ('stage_id', 'active')
),

-- A merge moves the messages of the opportunity that goes to the one that stays, under a subject of this form.
messages as (
    select
        id,
        res_id,
        date
    from {{ source_rows('raw_odoo', 'mail_message') }}
    where
        model = 'crm.lead'
        and (subject is null or subject not like 'From %')
),

tracked as (
    select *
    from {{ source_rows('raw_odoo', 'mail_tracking_value') }}
),

-- Messages bear whole seconds, records fractions: a change in the second of the creation is no earlier than that.
changes as (
    select
        opportunities.lead_id,
        tracked.id as tracking_id,
        fields.name as field,
        tracked.old_value_integer as old_value,
        tracked.new_value_integer as new_value,
        greatest(coalesce(messages.date, tracked.create_date), opportunities.create_date) as changed_at,
        tracked.create_uid as changed_by
    from tracked
    inner join fields
        on tracked.field_id = fields.id
    inner join messages
        on tracked.mail_message_id = messages.id
    inner join opportunities
        on messages.res_id = opportunities.lead_id
    where coalesce(messages.date, tracked.create_date) >= date_trunc('second', opportunities.create_date)
),

-- The first stage has no event of its own: it is what the first change changed.
first_stages as (
    select
        lead_id,
        arg_min(old_value, (changed_at, tracking_id)) as stage_id
    from changes
    where field = 'stage_id'
    group by lead_id
),

-- Archiving looks the same whether it meant lost or put away. The last time tells by what the opportunity is now;
-- one that was taken back later counts as lost, as Odoo says, but out of a won stage only as put away.
archivings as (
    select
        lead_id,
        tracking_id,
        row_number() over (
            partition by lead_id order by changed_at desc nulls last, tracking_id desc nulls last
        ) = 1 as is_last
    from changes
    where field = 'active'
),

moves as (
    select
        opportunities.lead_id,
        0 as tracking_id,
        'created-' || cast(opportunities.lead_id as varchar) as change_id,
        opportunities.create_date as changed_at,
        coalesce(first_stages.stage_id, opportunities.stage_id) as stage_id,
        false as is_archived,
        false as is_last,
        cast(null as bigint) as changed_by
    from opportunities
    left join first_stages
        on opportunities.lead_id = first_stages.lead_id
    union all
    select
        changes.lead_id,
        changes.tracking_id,
        'tracked-' || lpad(cast(changes.tracking_id as varchar), 12, '0') as change_id,
        changes.changed_at,
        case when changes.field = 'stage_id' then changes.new_value end as stage_id,
        case when changes.field = 'active' then coalesce(changes.new_value, 0) = 0 end as is_archived,
        coalesce(archivings.is_last, false) as is_last,
        changes.changed_by
    from changes
    left join archivings
        on
            changes.lead_id = archivings.lead_id
            and changes.tracking_id = archivings.tracking_id
    union all
    -- Lost without a trace, as imported opportunities are.
    select
        opportunities.lead_id,
        null as tracking_id,
        'tracked-lost-' || cast(opportunities.lead_id as varchar) as change_id,
        greatest(coalesce(opportunities.date_closed, opportunities.write_date), opportunities.create_date)
        as changed_at,
        null as stage_id,
        true as is_archived,
        true as is_last,
        null as changed_by
    from opportunities
    left join archivings
        on
            opportunities.lead_id = archivings.lead_id
            and archivings.is_last
    where
        opportunities.is_lost
        and archivings.lead_id is null
        and coalesce(opportunities.date_closed, opportunities.write_date) is not null
),

staged as (
    select
        moves.*,
        opportunities.is_lost as is_lost_now,
        last_value(moves.stage_id ignore nulls) over by_time as current_stage_id
    from moves
    inner join opportunities
        on moves.lead_id = opportunities.lead_id
    window by_time as (
        partition by moves.lead_id
        order by moves.changed_at asc nulls last, moves.tracking_id asc nulls last
        rows between unbounded preceding and current row
    )
),

losses as (
    select
        staged.lead_id,
        staged.tracking_id,
        staged.change_id,
        staged.changed_at,
        staged.changed_by,
        coalesce(stages.stage, cast(staged.current_stage_id as varchar), 'unknown') as stage,
        case
            when staged.is_archived is null or not staged.is_archived then staged.is_archived
            when staged.is_last then staged.is_lost_now
            else coalesce(stages.outcome, 'open') <> 'won'
        end as is_loss
    from staged
    left join stages
        on staged.current_stage_id = stages.stage_id
),

followed as (
    select
        *,
        last_value(is_loss ignore nulls) over (
            partition by lead_id
            order by changed_at asc nulls last, tracking_id asc nulls last
            rows between unbounded preceding and current row
        ) as is_lost
    from losses
),

final as (
    select
        change_id,
        cast(lead_id as varchar) as deal_id,
        case when is_lost then 'lost' else stage end as stage,
        changed_at,
        cast(changed_by as varchar) as changed_by
    from followed
    where changed_at is not null
)

select * from final

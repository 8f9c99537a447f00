{{ config(enabled='odoo' in var('crm_sources')) }}

-- What was said at leads, opportunities and orders: letters, and the notes that done activities leave behind. Their
-- kind is a kind of activity or, without one, the type of the message. Notes among colleagues are no contact.
with messages as (
    select *
    from {{ source_rows('raw_odoo', 'mail_message') }}
    where
        model in ('crm.lead', 'sale.order')
        and date is not null
),

subtypes as (
    select
        id,
        coalesce(internal, false) as is_internal,
        {{ odoo_text('name') }} as name
    from {{ source_rows('raw_odoo', 'mail_message_subtype') }}
),

activity_types as (
    select
        id,
        case when category in ('phonecall', 'meeting', 'upload_file') then category else {{ odoo_text('name') }} end
        as kind
    from {{ source_rows('raw_odoo', 'mail_activity_type') }}
),

colleagues as (
    select
        partner_id,
        min(id) as user_id
    from {{ source_rows('raw_odoo', 'res_users') }}
    where not coalesce(share, false)
    group by partner_id
),

orders as (
    select
        id,
        opportunity_id
    from {{ source_rows('raw_odoo', 'sale_order') }}
),

-- A letter from outside is from nobody, or from a partner who is no colleague.
final as (
    select
        messages.id as message_id,
        case when messages.model = 'crm.lead' then messages.res_id else orders.opportunity_id end as lead_id,
        messages.date,
        case
            when messages.mail_activity_type_id is not null
                then coalesce(activity_types.kind, cast(messages.mail_activity_type_id as varchar))
            else messages.message_type
        end as kind,
        colleagues.user_id,
        case
            when messages.mail_activity_type_id is not null or colleagues.user_id is not null then 'outbound'
            else 'inbound'
        end as direction
    from messages
    left join subtypes
        on messages.subtype_id = subtypes.id
    left join activity_types
        on messages.mail_activity_type_id = activity_types.id
    left join colleagues
        on messages.author_id = colleagues.partner_id
    left join orders
        on
            messages.model = 'sale.order'
            and messages.res_id = orders.id
    where
        messages.mail_activity_type_id is not null
        or (
            messages.message_type not in ('notification', 'user_notification', 'auto_comment')
            and not coalesce(messages.is_internal, false)
            and (colleagues.user_id is null or not coalesce(subtypes.is_internal, false))
        )
)

select * from final

{{ config(enabled='hubspot' in var('crm_sources')) }}

-- Every kind of engagement has a table of its own: here they are one.
select
    engagement_id,
    coalesce(type, 'CALL') as kind,
    property_hs_call_direction as direction,
    cast(null as varchar) as outcome,
    cast(null as varchar) as conference_url,
    property_hubspot_owner_id as owner_id,
    coalesce(property_hs_createdate, property_hs_timestamp) as created_at,
    coalesce(property_hs_timestamp, property_hs_createdate) as occurred_at
from {{ source_rows('raw_hubspot', 'engagement_call') }}
where not coalesce(_fivetran_deleted, false)
union all
select
    engagement_id,
    coalesce(property_hs_email_direction, type, 'EMAIL') as kind,
    property_hs_email_direction as direction,
    cast(null as varchar) as outcome,
    cast(null as varchar) as conference_url,
    property_hubspot_owner_id as owner_id,
    coalesce(property_hs_createdate, property_hs_timestamp) as created_at,
    coalesce(property_hs_timestamp, property_hs_createdate) as occurred_at
from {{ source_rows('raw_hubspot', 'engagement_email') }}
where not coalesce(_fivetran_deleted, false)
union all
select
    engagement_id,
    coalesce(type, 'MEETING') as kind,
    cast(null as varchar) as direction,
    property_hs_meeting_outcome as outcome,
    property_hs_video_conference_url as conference_url,
    property_hubspot_owner_id as owner_id,
    coalesce(property_hs_createdate, property_hs_timestamp) as created_at,
    coalesce(property_hs_timestamp, property_hs_createdate) as occurred_at
from {{ source_rows('raw_hubspot', 'engagement_meeting') }}
where not coalesce(_fivetran_deleted, false)
union all
select
    engagement_id,
    coalesce(property_hs_communication_channel_type, type, 'COMMUNICATION') as kind,
    cast(null as varchar) as direction,
    cast(null as varchar) as outcome,
    cast(null as varchar) as conference_url,
    property_hubspot_owner_id as owner_id,
    coalesce(property_hs_createdate, property_hs_timestamp) as created_at,
    coalesce(property_hs_timestamp, property_hs_createdate) as occurred_at
from {{ source_rows('raw_hubspot', 'engagement_communication') }}
where not coalesce(_fivetran_deleted, false)
union all
select
    engagement_id,
    coalesce(type, 'NOTE') as kind,
    cast(null as varchar) as direction,
    cast(null as varchar) as outcome,
    cast(null as varchar) as conference_url,
    property_hubspot_owner_id as owner_id,
    coalesce(property_hs_createdate, property_hs_timestamp) as created_at,
    coalesce(property_hs_timestamp, property_hs_createdate) as occurred_at
from {{ source_rows('raw_hubspot', 'engagement_note') }}
where not coalesce(_fivetran_deleted, false)
union all
select
    engagement_id,
    coalesce(type, 'TASK') as kind,
    cast(null as varchar) as direction,
    cast(null as varchar) as outcome,
    cast(null as varchar) as conference_url,
    property_hubspot_owner_id as owner_id,
    coalesce(property_hs_createdate, property_hs_timestamp) as created_at,
    coalesce(property_hs_timestamp, property_hs_createdate) as occurred_at
from {{ source_rows('raw_hubspot', 'engagement_task') }}
where not coalesce(_fivetran_deleted, false)

{{ config(enabled='hubspot' in var('crm_sources')) }}

{# Every kind of engagement has a table of its own, with columns of its own: here they are one. #}
{% set no_text = 'cast(null as varchar)' %}
{% set tables = {
    source_rows('raw_hubspot', 'engagement_call'): {'kind': "type, 'CALL'", 'direction': 'property_hs_call_direction'},
    source_rows('raw_hubspot', 'engagement_email'): {
        'kind': "property_hs_email_direction, type, 'EMAIL'",
        'direction': 'property_hs_email_direction',
    },
    source_rows('raw_hubspot', 'engagement_meeting'): {
        'kind': "type, 'MEETING'",
        'outcome': 'property_hs_meeting_outcome',
        'conference_url': 'property_hs_video_conference_url',
    },
    source_rows('raw_hubspot', 'engagement_communication'): {
        'kind': "property_hs_communication_channel_type, type, 'COMMUNICATION'",
    },
    source_rows('raw_hubspot', 'engagement_note'): {'kind': "type, 'NOTE'"},
    source_rows('raw_hubspot', 'engagement_task'): {'kind': "type, 'TASK'"},
} %}

{%- for rows, own in tables.items() %}
select
    engagement_id,
    coalesce({{ own.kind }}) as kind,
    {{ own.direction or no_text }} as direction,
    {{ own.outcome or no_text }} as outcome,
    {{ own.conference_url or no_text }} as conference_url,
    property_hubspot_owner_id as owner_id,
    coalesce(property_hs_createdate, property_hs_timestamp) as created_at,
    coalesce(property_hs_timestamp, property_hs_createdate) as occurred_at
from {{ rows }}
where not coalesce(_fivetran_deleted, false)
{{ 'union all' if not loop.last }}
{%- endfor %}

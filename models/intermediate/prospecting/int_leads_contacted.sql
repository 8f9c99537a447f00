{{ config(materialized='view') }}

-- Outreach to leads that the CRM lists, with the dimensions of whoever acted.
select
    outreach.lead_id,
    outreach.occurred_at,
    outreach.week_start,
    outreach.month_start,
    outreach.owner,
    outreach.team,
    outreach.channel,
    outreach.source
from {{ ref('int_outreach_sliced') }} as outreach
inner join {{ ref('fct_leads') }} as leads
    on outreach.lead_id = leads.lead_id

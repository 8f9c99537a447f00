-- Deals that have landed (attached as `landed`) as the tables that Fivetran's HubSpot connector makes: a stage has an id of
-- its own pipeline, a visit ends a millisecond before the next, and changes of three properties are rows: 7.3 a deal, with
-- the close of not quite half of the deals.

create schema hubspot;

create temp table deals as
select
    deals.*,
    row_number() over (order by deal_id) as number,
    dense_rank() over (order by owner_id) as owner_number
from landed.raw_crm.deals as deals;

create table hubspot.deal as
select
    number as deal_id,
    coalesce(is_deleted, false) as is_deleted,
    false as _fivetran_deleted,
    pipeline as deal_pipeline_id,
    pipeline || '/' || stage as deal_pipeline_stage_id,
    owner_number as owner_id,
    1 as portal_id,
    name as property_dealname,
    cast(null as varchar) as property_description,
    cast(amount as double) as property_amount,
    closed_at as property_closedate,
    created_at as property_createdate,
    updated_at as _fivetran_synced
from deals;

create table hubspot.deal_stage as
select
    deals.number as deal_id,
    deals.pipeline || '/' || changes.stage as value,
    changes.changed_at as date_entered,
    changes.changed_at as _fivetran_start,
    coalesce(
        lead(changes.changed_at) over (by_time) - interval 1 millisecond, timestamp '9999-12-31'
    ) as _fivetran_end,
    lead(changes.changed_at) over (by_time) is null as _fivetran_active,
    changes.changed_at as _fivetran_synced,
    'CRM_UI' as source,
    changes.changed_by as source_id
from landed.raw_crm.deal_stage_history as changes
inner join deals on changes.deal_id = deals.deal_id
window by_time as (partition by changes.deal_id order by changes.changed_at, changes.change_id);

create table hubspot.deal_property_history as
select
    deal_id,
    'dealstage' as name,
    date_entered as timestamp,
    value,
    source,
    source_id,
    _fivetran_synced
from hubspot.deal_stage
union all
select
    deal_id,
    'amount',
    property_createdate,
    cast(property_amount as varchar),
    'CRM_UI',
    null,
    _fivetran_synced
from hubspot.deal
union all
select
    deal_id,
    'closedate',
    property_closedate,
    cast(property_closedate as varchar),
    'CRM_UI',
    null,
    _fivetran_synced
from hubspot.deal
where property_closedate is not null and deal_id % 100 < 46;

create table hubspot.deal_pipeline_stage as
select
    pipeline || '/' || stage as stage_id,
    stage as label,
    pipeline as pipeline_id,
    position as display_order,
    outcome = 'won' as closed_won,
    outcome <> 'open' as is_closed,
    0.5 as probability,
    true as active,
    false as _fivetran_deleted,
    now()::timestamp as _fivetran_synced,
    now()::timestamp as created_at,
    now()::timestamp as updated_at
from landed.raw_crm.pipeline_stages;

create table hubspot.deal_pipeline as
select distinct on (pipeline_id)
    pipeline_id,
    pipeline_id as label,
    0 as display_order,
    active,
    _fivetran_deleted,
    _fivetran_synced,
    created_at,
    updated_at
from hubspot.deal_pipeline_stage;

create table hubspot.owner as
select distinct
    owner_id,
    owner_id as active_user_id,
    1 as portal_id,
    'PERSON' as type,
    'owner@example.com' as email,
    'first' as first_name,
    'last' as last_name,
    now()::timestamp as _fivetran_synced,
    now()::timestamp as created_at,
    now()::timestamp as updated_at
from hubspot.deal
where owner_id is not null;

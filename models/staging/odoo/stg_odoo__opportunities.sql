{{ config(enabled='odoo' in var('crm_sources'), materialized='table') }}

-- Leads and opportunities are rows of one table. Lost: archived with a probability of 0. Archived with any other
-- probability: put away, neither lost nor open, unless it is won.
with leads as (
    select *
    from {{ source_rows('raw_odoo', 'crm_lead') }}
    where id is not null
),

stages as (
    select
        stage_id,
        stage,
        outcome
    from {{ ref('stg_odoo__stages') }}
),

partners as (
    select
        id,
        account_id,
        is_company
    from {{ ref('stg_odoo__partners') }}
),

companies as (
    select
        id,
        currency_id
    from {{ source_rows('raw_odoo', 'res_company') }}
),

teams as (
    select
        id,
        company_id
    from {{ source_rows('raw_odoo', 'crm_team') }}
),

users as (
    select
        id,
        company_id
    from {{ source_rows('raw_odoo', 'res_users') }}
),

currencies as (
    select
        id,
        name
    from {{ source_rows('raw_odoo', 'res_currency') }}
),

first_company as (
    select min(id) as company_id
    from companies
),

countries as (
    select
        id,
        {{ odoo_text('name') }} as name
    from {{ source_rows('raw_odoo', 'res_country') }}
),

sources as (
    select
        id,
        {{ odoo_text('name') }} as name
    from {{ source_rows('raw_odoo', 'utm_source') }}
),

campaigns as (
    select
        id,
        coalesce({{ odoo_text('title') }}, {{ odoo_text('name') }}) as name
    from {{ source_rows('raw_odoo', 'utm_campaign') }}
),

lost_reasons as (
    select
        id,
        {{ odoo_text('name') }} as name
    from {{ source_rows('raw_odoo', 'crm_lost_reason') }}
),

final as (
    select
        leads.id as lead_id,
        leads.name,
        coalesce(leads.type, 'opportunity') = 'opportunity' as is_opportunity,
        leads.type = 'lead' or leads.date_conversion is not null as was_lead,
        leads.stage_id,
        coalesce(stages.stage, cast(leads.stage_id as varchar), 'unknown') as stage,
        coalesce(stages.outcome = 'won', false) as is_in_won_stage,
        coalesce(not leads.active, false) and coalesce(leads.probability, 0) = 0 as is_lost,
        coalesce(not leads.active, false)
        and coalesce(leads.probability, 0) > 0
        and coalesce(stages.outcome, 'open') <> 'won' as is_put_away,
        partners.account_id,
        case when not partners.is_company then partners.id end as contact_id,
        leads.user_id,
        sources.name as source,
        campaigns.name as campaign,
        countries.name as region,
        lost_reasons.name as lost_reason,
        leads.expected_revenue,
        currencies.name as currency,
        leads.date_deadline,
        leads.date_conversion,
        leads.date_closed,
        leads.create_date,
        leads.write_date
    from leads
    left join stages
        on leads.stage_id = stages.stage_id
    left join partners
        on leads.partner_id = partners.id
    left join teams
        on leads.team_id = teams.id
    left join users
        on leads.user_id = users.id
    cross join first_company
    -- Without a company of its own an opportunity belongs to that of its team or owner, else to the first one.
    left join companies
        on
            coalesce(leads.company_id, teams.company_id, users.company_id, first_company.company_id)
            = companies.id
    left join currencies
        on companies.currency_id = currencies.id
    left join countries
        on leads.country_id = countries.id
    left join sources
        on leads.source_id = sources.id
    left join campaigns
        on leads.campaign_id = campaigns.id
    left join lost_reasons
        on leads.lost_reason_id = lost_reasons.id
)

select * from final

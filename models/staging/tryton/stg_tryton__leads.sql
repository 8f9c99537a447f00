{{ config(enabled='tryton' in var('crm_sources'), materialized='table') }}

with opportunities as (
    select *
    from {{ source_rows('raw_tryton', 'sale_opportunity') }}
    where create_date is not null
),

versions as (
    select
        opportunity_id,
        max(case when version_id = first_deal_version_id then changed_at end) as converted_at,
        max(case when state in ('lost', 'cancelled') then changed_at end) as ended_at
    from {{ ref('stg_tryton__versions') }}
    group by opportunity_id
),

-- Every opportunity begins as a lead. One that ends as such was disqualified.
final as (
    select
        cast(opportunities.id as varchar) as lead_id,
        opportunities.create_date as created_at,
        cast(null as varchar) as source,
        cast(null as varchar) as campaign,
        cast(opportunities.employee as varchar) as owner_id,
        cast(null as varchar) as region,
        cast(null as timestamp) as became_mql_at,
        cast(null as timestamp) as became_sql_at,
        case
            when versions.converted_at is null and opportunities.state in ('lost', 'cancelled') then versions.ended_at
        end as disqualified_at,
        versions.converted_at,
        case when versions.converted_at is not null then cast(opportunities.party as varchar) end
        as converted_account_id,
        cast(null as varchar) as converted_contact_id,
        case when versions.converted_at is not null then cast(opportunities.id as varchar) end as converted_deal_id,
        coalesce(opportunities.write_date, opportunities.create_date) as updated_at
    from opportunities
    left join versions
        on opportunities.id = versions.opportunity_id
)

select * from final

{{ config(enabled='tryton' in var('crm_sources')) }}

-- Parties that are neither an employee nor a company that works here.
with parties as (
    select *
    from {{ source_rows('raw_tryton', 'party_party') }}
    where id is not null
),

own_parties as (
    select party
    from {{ source_rows('raw_tryton', 'company_employee') }}
    union
    select party
    from {{ source_rows('raw_tryton', 'company_company') }}
),

final as (
    select
        cast(parties.id as varchar) as account_id,
        parties.name,
        cast(null as varchar) as industry,
        cast(null as varchar) as segment,
        cast(null as varchar) as region,
        cast(null as varchar) as owner_id,
        parties.create_date as created_at,
        coalesce(parties.write_date, parties.create_date) as updated_at
    from parties
    left join own_parties
        on parties.id = own_parties.party
    where own_parties.party is null
)

select * from final

{{ config(materialized='view') }}

-- Every lead with the dimensions of its owner, as KPI marts slice by them.
select
    lead_id,
    created_at,
    {{ local_date('created_at') }} as created_on,
    {{ local_date('became_mql_at') }} as became_mql_on,
    became_sql_at is not null as is_sql,
    case
        when became_sql_at >= became_mql_at then {{ elapsed_us('became_mql_at', 'became_sql_at') }}
    end as us_to_sql,
    {{ elapsed_us('created_at', 'first_response_at') }} as us_to_response,
    {{ known_or_unknown('owner_id') }} as owner,
    {{ known_or_unknown('team') }} as team,
    {{ known_or_unknown('region') }} as region,
    {{ known_or_unknown('source') }} as source,
    {{ known_or_unknown('campaign') }} as campaign
from {{ ref('fct_leads') }}

with versions as (
    select
        *,
        greatest(
            created_at, if_known(mql_at), if_known(sql_at), if_known(disqualified_at), if_known(converted_at)
        ) as updated_at,
        converted_at <= getvariable('cut_at') as is_converted,
    from life_leads
    where created_at <= getvariable('cut_at')
)
select
    'L' || lpad(lead_no::varchar, 10, '0') as lead_id,
    created_at,
    source,
    campaign,
    user_id(owner_no) as owner_id,
    region,
    if_known(mql_at) as became_mql_at,
    if_known(sql_at) as became_sql_at,
    if_known(disqualified_at) as disqualified_at,
    if_known(converted_at) as converted_at,
    case when is_converted then account_id(account_no) end as converted_account_id,
    case when is_converted then contact_id(account_no, 1) end as converted_contact_id,
    case when is_converted then deal_id(deal_no) end as converted_deal_id,
    updated_at,
from versions
where is_news(updated_at)
order by lead_no

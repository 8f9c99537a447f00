with people as (
    select
        account_no,
        unnest(range(1, 2 + floor(2.3 * uniform(account_no, 'contacts'))::bigint)) as contact_no,
        case
            when contact_no = 1 then created_at
            else seconds_after(created_at, 86400 * 60 * uniform(account_no * 8 + contact_no, 'contact met'))
        end as met_at,
    from life_accounts
)
select
    contact_id(account_no, contact_no) as contact_id,
    account_id(account_no) as account_id,
    'person' || contact_no || '@' || lower(account_id(account_no)) || '.example' as email,
    met_at as created_at,
    met_at as updated_at,
from people
where met_at <= getvariable('cut_at') and is_news(met_at)
order by account_no, contact_no

with versions as (
    select
        *,
        greatest(created_at, if_known(handed_over_at)) as updated_at,
    from life_accounts
    where created_at <= getvariable('cut_at')
)
select
    account_id(account_no) as account_id,
    account_name(account_no) as name,
    account_industry(account_no) as industry,
    account_segment(account_no) as segment,
    account_region(account_no) as region,
    user_id(case when handed_over_at <= getvariable('cut_at') then next_owner_no else owner_no end) as owner_id,
    created_at,
    updated_at,
from versions
where is_news(updated_at)
order by account_no

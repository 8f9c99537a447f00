insert into rep_results
select
    owner_no,
    month_no(created_at),
    'new_leads',
    count(*),
from life_leads
where created_at <= getvariable('as_of')
group by 1, 2;

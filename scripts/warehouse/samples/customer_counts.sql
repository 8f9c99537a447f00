-- How many customers there were at each instant: one row per instant, so that a lookup has one answer.
create table customer_counts as
select
    won_at,
    max(customer_no) as customers,
from customers
group by won_at
order by won_at;

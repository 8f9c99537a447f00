-- One row per business day: how much is begun on it, and the quarter it closes in.
create table days as
with numbered as (
    select
        range as day_no,
        (getvariable('start_on') + (range // 5 * 7 + range % 5)::integer)::date as on_date,
    from range(getvariable('last_day_no'))
),
weighted as (
    select
        day_no,
        on_date,
        on_date + interval 23 hour <= getvariable('as_of') as is_past,
        -- the business doubles in thirty months
        exp(0.7 * day_no / 650)
        * list_extract(
            [1.02, 1.05, 1.16, 0.96, 1.00, 1.10, 0.80, 0.68, 1.15, 1.12, 1.06, 0.80],
            month(on_date)
        )
        * list_extract([0.95, 1.10, 1.10, 1.03, 0.82], isodow(on_date))
        * case when month(on_date) = 12 and day(on_date) >= 23 then 0.25 else 1 end
        * lognormal(day_no, 'busy day', 1, 0.12) as business,
    from numbered
),
in_integers as (
    select
        day_no,
        on_date,
        is_past,
        round(1000000 * business)::bigint as new_weight,
        -- the base of customers that can be expanded grows with the company
        round(1000000 * business * least(1, 0.2 + day_no / 520))::bigint as growth_weight,
    from weighted
)
select
    day_no,
    on_date,
    is_past,
    new_weight,
    growth_weight,
    (sum(new_weight) over before_day - new_weight)::bigint as new_place,
    (sum(growth_weight) over before_day - growth_weight)::bigint as growth_place,
    (min(day_no) over in_quarter)::bigint as quarter_first_day_no,
    (max(day_no) over in_quarter)::bigint as quarter_last_day_no,
from in_integers
window
    before_day as (order by day_no),
    in_quarter as (partition by date_trunc('quarter', on_date))
order by day_no;

-- Shops are open on Saturdays, the online shop always: Sundays are quiet.
create table trade_days as
with numbered as (
    select
        range as day_no,
        (getvariable('start_on') + range::integer)::date as on_date,
    from range(getvariable('last_day_no') // 5 * 7)
),
in_integers as (
    select
        day_no,
        on_date,
        on_date + interval 23 hour <= getvariable('as_of') as is_past,
        round(
            1000000 * exp(0.5 * day_no / 910)
            * list_extract([0.9, 0.9, 1.0, 1.05, 1.2, 1.3, 0.35], isodow(on_date))
            * list_extract(
                [0.85, 0.85, 0.95, 0.95, 1.0, 1.0, 0.95, 0.9, 1.05, 1.05, 1.3, 1.5],
                month(on_date)
            )
        )::bigint as weight,
    from numbered
)
select
    day_no,
    on_date,
    is_past,
    weight,
    (sum(weight) over (order by day_no) - weight)::bigint as place,
from in_integers
order by day_no;

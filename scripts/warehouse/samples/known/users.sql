select
    user_id(user_no) as user_id,
    list_extract(
        [
            'Ada', 'Amir', 'Ben', 'Carla', 'Chen', 'Dana', 'Diego', 'Eva', 'Fatima', 'Finn', 'Grace', 'Hana', 'Ivo',
            'Jana', 'Jonas', 'Kofi', 'Lena', 'Luca', 'Maya', 'Milan', 'Nina', 'Noah', 'Olga', 'Omar', 'Priya', 'Ravi',
            'Rosa', 'Sami', 'Tara', 'Theo', 'Uma', 'Vera', 'Yara', 'Yusuf', 'Zoe',
        ],
        1 + floor(35 * uniform(user_no, 'first name'))::integer
    )
    || ' '
    || list_extract(
        [
            'Abe', 'Andersen', 'Bauer', 'Berg', 'Brown', 'Costa', 'Dubois', 'Evans', 'Fischer', 'Garcia', 'Haas', 'Ito',
            'Jensen', 'Kaya', 'Khan', 'Kim', 'Kowalski', 'Lopez', 'Martin', 'Meyer', 'Moreau', 'Müller', 'Novak',
            'Okafor', 'Patel', 'Quinn', 'Rossi', 'Sato', 'Silva', 'Singh', 'Smith', 'Tan', 'Walker', 'Wang', 'Young',
        ],
        1 + floor(35 * uniform(user_no, 'last name'))::integer
    ) as full_name,
    lower(user_id(user_no)) || '@company.example' as email,
    role,
    team,
    region,
    user_id(manager_no) as manager_id,
    max_daily_leads,
    max_daily_deals,
    hired_on,
    case when left_on <= getvariable('cut_at') then left_on end as left_on,
from user_plan
where
    hired_on <= getvariable('cut_at')
    and is_news(greatest(hired_on::timestamp, if_known(left_on::timestamp)))
order by user_no

-- Every customer but a few is asked once a quarter; three in ten answer.
create table life_nps_responses as
with waves as (
    select
        range + interval 40 day + interval 9 hour as sent_at,
        year(range) || '-Q' || quarter(range) as wave,
        (year(range) * 4 + quarter(range))::bigint as wave_no,
    from range(
        date_trunc('quarter', getvariable('start_on') + 45),
        getvariable('horizon_at'),
        interval 3 month
    )
),
invited as (
    select
        customers.account_no,
        waves.sent_at,
        waves.wave,
        waves.wave_no,
        customers.account_no * 16384 + waves.wave_no as invitation_key,
        account_segment(customers.account_no) as segment,
    from waves
    inner join customers on waves.sent_at > customers.won_at
    where chance(customers.account_no * 16384 + waves.wave_no, 'invited', 0.8)
),
answered as (
    select
        *,
        case
            when chance(invitation_key, 'answers', case segment when 'enterprise' then 0.38 else 0.29 end)
                then seconds_after(sent_at, 600 + exponential(invitation_key, 'answers after', 3.2 * 86400))
        end as responded_at,
        -- customers are a little happier every year, large ones a little less
        0.19 - 0.05 * sin(wave_no * 1.1) + case segment when 'enterprise' then 0.05 else 0 end
        - 0.01 * (wave_no - year(getvariable('start_on')) * 4) / 4 as unhappy,
        uniform(invitation_key, 'score') as luck,
    from invited
)
select
    'N' || account_no || '-' || wave_no as response_id,
    account_no,
    wave,
    sent_at,
    responded_at,
    case
        when luck < unhappy then floor(7 * (luck / unhappy) ** 0.6)
        when luck < unhappy + 0.32 then 7 + (chance(invitation_key, 'eight', 0.6))::integer
        else 9 + (chance(invitation_key, 'ten', 0.5))::integer
    end::integer as score,
    case
        when chance(invitation_key, 'comment', 0.12)
            then
                case
                    when luck < unhappy then 'Support takes too long'
                    when luck < unhappy + 0.32 then 'Does what it should'
                    else 'Saves us hours, thank you'
                end
    end as comment,
from answered;

-- Colleagues are asked every quarter; Finance and People are small on purpose.
create table life_employee_responses as
with waves as (
    select
        range + interval 50 day + interval 8 hour as sent_at,
        year(range) || '-Q' || quarter(range) as wave,
        (year(range) * 4 + quarter(range))::bigint as wave_no,
    from range(
        date_trunc('quarter', getvariable('start_on') + 45),
        getvariable('horizon_at'),
        interval 3 month
    )
),
departments as (
    select
        department_no,
        department,
        1000000 + department_no * 100000 + unnest(
            range(
                ceil(people * case when people < 6 then 1 else sqrt(getvariable('size')) end)::bigint
            )
        ) as person_no,
    from (
        values
            (1, 'Engineering', 24),
            (2, 'Customer Support', 14),
            (3, 'Marketing', 8),
            (4, 'Finance', 4),
            (5, 'People', 3)
    ) as departments (department_no, department, people)
),
staff as (
    select
        waves.wave,
        waves.wave_no,
        waves.sent_at,
        user_plan.user_no as person_no,
        user_plan.team,
    from waves
    inner join user_plan
        on
            user_plan.role <> 'sales_ops'
            and user_plan.hired_on < waves.sent_at
            and (user_plan.left_on is null or user_plan.left_on > waves.sent_at)
    union all
    select
        waves.wave,
        waves.wave_no,
        waves.sent_at,
        departments.person_no,
        departments.department,
    from waves
    cross join departments
),
answering as (
    select
        *,
        person_no * 16384 + wave_no as answer_key,
        seconds_after(
            sent_at, 900 + least(exponential(answer_key, 'answers after', 2.5 * 86400), 20 * 86400)
        ) as responded_at,
    from staff
    where chance(person_no * 16384 + wave_no, 'answers', 0.82)
),
questions as (
    select
        answering.*,
        questions.question_no,
        questions.question,
        answer_key * 8 + questions.question_no as question_key,
        3.75 + questions.level
        + 0.35 * normal(answering.person_no, 'mood')
        + 0.30 * normal(questions.question_no * 100 + length(answering.team), 'team')
        + 0.75 * normal(answer_key * 8 + questions.question_no, 'rating') as rating,
    from answering
    cross join (
        values
            (1, 'My workload is manageable', -0.30),
            (2, 'My manager helps me to succeed', 0.35),
            (3, 'I have the tools I need', 0.05),
            (4, 'I can grow here', -0.05),
            (5, 'I would recommend working here', 0.30)
    ) as questions (question_no, question, level)
)
select
    'E' || wave_no || '-' || person_no || '-' || question_no as response_id,
    wave,
    case when not chance(answer_key, 'no team', 0.02) then team end as team,
    responded_at,
    question,
    least(5, greatest(1, round(rating)))::integer as rating,
    case when chance(question_key, 'comment', 0.03) then 'Could be better' end as comment,
from questions;

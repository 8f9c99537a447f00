{{ config(enabled='odoo' in var('crm_sources')) }}

-- The question from 0 to 10 is the one for the net promoter score; of several in one survey the first.
with surveys as (
    select
        id,
        {{ odoo_text('title') }} as title
    from {{ source_rows('raw_odoo', 'survey_survey') }}
),

questions as (
    select
        survey_id,
        min(id) as question_id
    from {{ source_rows('raw_odoo', 'survey_question') }}
    where
        question_type = 'numerical_box'
        and validation_min_float_value = 0
        and validation_max_float_value = 10
    group by survey_id
),

invitations as (
    select *
    from {{ source_rows('raw_odoo', 'survey_user_input') }}
    where
        id is not null
        and create_date is not null
        and not coalesce(test_entry, false)
),

answers as (
    select
        user_input_id,
        question_id,
        max(value_numerical_box) as score
    from {{ source_rows('raw_odoo', 'survey_user_input_line') }}
    where not coalesce(skipped, false)
    group by
        user_input_id,
        question_id
),

partners as (
    select
        id,
        account_id,
        is_company
    from {{ ref('stg_odoo__partners') }}
),

answered as (
    select
        invitations.id,
        invitations.partner_id,
        invitations.survey_id,
        invitations.create_date,
        case
            when invitations.state = 'done' and answers.score between 0 and 10 then cast(answers.score as bigint)
        end as score,
        greatest(coalesce(invitations.end_datetime, invitations.create_date), invitations.create_date) as ended_at
    from invitations
    inner join questions
        on invitations.survey_id = questions.survey_id
    left join answers
        on
            invitations.id = answers.user_input_id
            and questions.question_id = answers.question_id
),

final as (
    select
        cast(answered.id as varchar) as response_id,
        cast(partners.account_id as varchar) as account_id,
        case when not partners.is_company then cast(partners.id as varchar) end as contact_id,
        surveys.title as wave,
        answered.create_date as sent_at,
        case when answered.score is not null then answered.ended_at end as responded_at,
        answered.score,
        cast(null as varchar) as comment
    from answered
    left join surveys
        on answered.survey_id = surveys.id
    left join partners
        on answered.partner_id = partners.id
)

select * from final

with event_dates as (
    select {{ local_date('min(created_at)') }} as event_on from {{ ref('int_deals_known') }}
    union all
    -- A close before the creation is a mistake of the CRM, and its amount still wants the rate of its day.
    select {{ local_date('min(closed_at)') }} from {{ ref('int_deals_known') }}
    union all
    select {{ local_date('min(changed_at)') }} from {{ ref('int_deal_stage_changes_known') }}
    union all
    select {{ local_date('min(created_at)') }} from {{ ref('int_leads_known') }}
    union all
    select {{ local_date('min(created_at)') }} from {{ ref('int_accounts_known') }}
    union all
    select {{ local_date('min(created_at)') }} from {{ ref('int_contacts_known') }}
    union all
    select {{ local_date('min(least(created_at, occurred_at))') }} from {{ ref('int_activities_known') }}
    union all
    select {{ local_date('min(ordered_at)') }} from {{ ref('int_orders_known') }}
    union all
    select {{ local_date('min(sent_at)') }} from {{ ref('int_nps_responses_known') }}
    union all
    select {{ local_date('min(responded_at)') }} from {{ ref('int_employee_responses_known') }}
    union all
    select min(started_on) from {{ ref('int_subscriptions_known') }}
    union all
    select min(period_start) from {{ ref('int_quotas_known') }}
    union all
    select min(spent_on) from {{ ref('int_spend_known') }}
    union all
    select min(incurred_on) from {{ ref('int_account_costs_known') }}
    union all
    select min(observed_on) from {{ ref('int_competitor_prices_known') }}
    union all
    select min(starts_on) from {{ ref('int_promotions_known') }}
),

-- From the year of the month before the first event (its movement is measured at that month's last rate) to a year
-- after as_of (capacity looks at the whole of the running month).
bounds as (
    select
        -- Systems that know no null write the year 1: there is no month before it that a date could name.
        greatest(
            cast(date_trunc('year', coalesce(min(event_on), {{ as_of_on() }}) - interval 1 month) as date),
            date '0001-01-01'
        ) as first_day,
        cast({{ as_of_on() }} + interval 366 day as date) as last_day
    from event_dates
),

days as (
    select cast(bounds.first_day + cast(numbers.day_number as integer) as date) as date_day
    from range(0, 800000) as numbers (day_number)
    cross join bounds
    where cast(bounds.first_day + cast(numbers.day_number as integer) as date) <= bounds.last_day
),

holidays as (
    select holiday_on from {{ ref('holidays') }}
),

final as (
    select
        days.date_day,
        {{ period_columns('days.date_day') }},
        cast(
            extract(
                year from date_trunc('month', days.date_day)
                + interval {{ (13 - var('fiscal_year_start_month') | int) % 12 }} month
            ) as bigint
        ) as fiscal_year,
        cast(
            floor(
                ((extract(month from days.date_day) + 12 - {{ var('fiscal_year_start_month') | int }}) % 12) / 3.0
            ) + 1 as bigint
        ) as fiscal_quarter,
        {{ days_between(period_start_of('week', 'days.date_day'), 'days.date_day') }} < 5
        and holidays.holiday_on is null as is_business_day
    from days
    left join holidays
        on days.date_day = holidays.holiday_on
)

select * from final

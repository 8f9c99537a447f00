select
    date_day,
    week_start,
    month_start,
    quarter_start,
    fiscal_year,
    fiscal_quarter,
    is_business_day
from {{ ref('int_days') }}

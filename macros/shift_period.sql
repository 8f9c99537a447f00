{# The period_start so many periods later (or earlier, when negative), for rows that carry period_grain. #}
{% macro shift_period(periods, period_grain='period_grain', period_start='period_start') -%}
    cast(
        case {{ period_grain }}
            when 'week' then {{ period_start }} + interval '{{ 7 * periods }}' day
            when 'month' then {{ period_start }} + interval '{{ periods }}' month
            when 'quarter' then {{ period_start }} + interval '{{ 3 * periods }}' month
        end as date
    )
{%- endmacro %}

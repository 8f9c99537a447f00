{# Counts and amounts of won and lost deals; avg_amount is over won deals that have an amount. #}
{% macro won_and_lost_amounts() -%}
    count(case when outcome = 'won' then 1 end) as won_deals,
    coalesce(sum(case when outcome = 'won' then amount end), 0) as won_amount,
    {{ average("case when outcome = 'won' then amount end") }} as avg_amount,
    count(case when outcome = 'lost' then 1 end) as lost_deals,
    coalesce(sum(case when outcome = 'lost' then amount end), 0) as lost_amount
{%- endmacro %}

{# Months that a customer is expected to stay: 1 / monthly churn, at most var max_lifetime_months, also where
   nobody left. Null where no account was there to leave. #}
{% macro expected_lifetime_months(churned_accounts, account_months) -%}
    case
        when {{ account_months }} > 0
            then least(
                coalesce({{ ratio(account_months, churned_accounts) }}, {{ var('max_lifetime_months') }}),
                {{ var('max_lifetime_months') }}
            )
    end
{%- endmacro %}

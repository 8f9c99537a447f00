{# The two columns of the 95 % Wilson interval of a rate: <name>_low and <name>_high; null over nothing.
   Source: E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference. z = 1.96. #}
{% macro wilson_interval(successes, trials, name) -%}
    {{ wilson_bound(successes, trials, '-') }} as {{ name }}_low,
    {{ wilson_bound(successes, trials, '+') }} as {{ name }}_high
{%- endmacro %}

{% macro wilson_bound(successes, trials, sign) -%}
    {%- set share = ratio(successes, trials) -%}
    {%- set trials = 'nullif(cast(' ~ trials ~ ' as double), 0)' -%}
    (
        {{ share }} + 3.8416 / (2 * {{ trials }})
        {{ sign }} 1.96 * sqrt(
            greatest({{ share }} * (1 - {{ share }}) / {{ trials }} + 3.8416 / (4 * {{ trials }} * {{ trials }}), 0)
        )
    ) / (1 + 3.8416 / {{ trials }})
{%- endmacro %}

{# The two columns of the 95 % Wilson interval of a rate: <name>_low and <name>_high, 0 to 1; null over nothing.
   Source: E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference. z = 1.96. #}
{% macro wilson_interval(successes, trials, name) -%}
    {{ wilson_bound(successes, trials, '-', 0) }} as {{ name }}_low,
    {{ wilson_bound(successes, trials, '+', 1) }} as {{ name }}_high
{%- endmacro %}

{# At its `end` a rate is its own bound, which the formula in doubles misses by the last digit: no rate is below 0. #}
{% macro wilson_bound(successes, trials, sign, end) -%}
    {%- set share = ratio(successes, trials) -%}
    {%- set trials = 'nullif(cast(' ~ trials ~ ' as double), 0)' -%}
    case
        when {{ share }} = {{ end }} then cast({{ end }} as double)
        else (
            {{ share }} + 3.8416 / (2 * {{ trials }})
            {{ sign }} 1.96 * sqrt(
                greatest({{ share }} * (1 - {{ share }}) / {{ trials }} + 3.8416 / (4 * {{ trials }} * {{ trials }}), 0)
            )
        ) / (1 + 3.8416 / {{ trials }})
    end
{%- endmacro %}

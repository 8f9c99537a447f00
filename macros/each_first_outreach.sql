{# The groups of `each_slice` where each lead or person, the `key`, counts once per period and slice: by the first outreach to
   it, `firsts` (first_outreach_at, and the number of touches), beside what came of it, `lasts`, a relation with one row per
   period_grain, period_start and key. Called with the measures over both. #}
{% macro each_first_outreach(outreach, lasts, grains, dimensions, key) -%}
    {%- for grain in grains -%}
    {%- set is_last_grain = loop.last -%}
    {%- for dimension in [none] + dimensions -%}
    select
        '{{ grain }}' as period_grain,
        firsts.period_start,
        '{{ dimension or "all" }}' as dimension,
        firsts.dimension_value,
        {{ caller() | trim }}
    from (
        {% call(slice_grain) each_slice(outreach, [grain], [dimension] if dimension else [], keys=[key], total=dimension is none) %}
            count(*) as touches,
            min(occurred_at) as first_outreach_at
        {% endcall %}
    ) as firsts
    left join {{ lasts }} as lasts
        on
            firsts.{{ key }} = lasts.{{ key }}
            and firsts.period_start = lasts.period_start
            and lasts.period_grain = '{{ grain }}'
    group by firsts.period_start, firsts.dimension_value
    {{ 'union all' if not (is_last_grain and loop.last) }}
    {% endfor -%}
    {%- endfor -%}
{%- endmacro %}

{# The same groups as `slices` makes, from one query per period grain and slice, one below the other: twice as fast
   where the groups are many or keep every value (percentiles), because only the groups of one slice are in memory at a
   time. Called with the measures, which may name the grain:
       {% raw %}{% call(grain) each_slice(ref('...'), grains, dimensions, keys=[...]) %} count(*) as visits {% endcall %}{% endraw %}
   The relation carries what `slices` asks for. It is read once per query: give a table, not a CTE of millions of rows. #}
{% macro each_slice(relation, grains, dimensions, keys=[], total=true) -%}
    {%- set dimensions = ([none] if total else []) + dimensions -%}
    {%- for grain in grains or [none] -%}
    {%- set is_last_grain = loop.last -%}
    {%- for dimension in dimensions -%}
    select
        {%- if grain %}
        '{{ grain }}' as period_grain,
        {{ grain }}_start as period_start,
        {%- endif %}
        '{{ dimension or "all" }}' as dimension,
        {{ dimension or "'all'" }} as dimension_value,
        {%- for key in keys %}
        {{ key }},
        {%- endfor %}
        {{ caller(grain) | trim }}
    from {{ relation }}
    {%- if grain %}
    where {{ only_changed(grain) }}
    {%- endif %}
    group by {{ (keys + ([grain ~ '_start'] if grain else []) + ([dimension] if dimension else [])) | join(', ') }}
    {{ 'union all' if not (is_last_grain and loop.last) }}
    {% endfor -%}
    {%- endfor -%}
{%- endmacro %}

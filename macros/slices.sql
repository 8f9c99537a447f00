{# The grouping sets of a KPI mart: every period grain with the total and with each dimension, `keys` in all of them.
   The rows that are grouped carry week_start, month_start, quarter_start (see `period_columns`) and one column per
   dimension in which a missing attribute reads 'unknown' (see `known_or_unknown`): a null would pass for the total. #}
{% macro slices(grains, dimensions, keys=[], total=true) -%}
    {%- set sets = [] -%}
    {%- for grain in grains or [none] -%}
        {%- for dimension in ([none] if total else []) + dimensions -%}
            {%- set columns = keys + ([grain ~ '_start'] if grain else []) + ([dimension] if dimension else []) -%}
            {%- do sets.append('(' ~ columns | join(', ') ~ ')') -%}
        {%- endfor -%}
    {%- endfor -%}
    grouping sets ({{ sets | join(', ') }})
{%- endmacro %}

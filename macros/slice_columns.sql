{# Names the period and the slice of each group that `slices` makes: period_grain, period_start, dimension,
   dimension_value. A mart without periods passes no grains. #}
{% macro slice_columns(grains, dimensions) -%}
    {%- if grains %}
    case
        {%- for grain in grains %}
        when grouping({{ grain }}_start) = 0 then '{{ grain }}'
        {%- endfor %}
    end as period_grain,
    coalesce({% for grain in grains %}{{ grain }}_start{{ ', ' if not loop.last }}{% endfor %}) as period_start,
    {%- endif %}
    {%- if dimensions %}
    case
        {%- for dimension in dimensions %}
        when grouping({{ dimension }}) = 0 then '{{ dimension }}'
        {%- endfor %}
        else 'all'
    end as dimension,
    coalesce({{ dimensions | join(', ') }}, 'all') as dimension_value
    {%- else %}
    'all' as dimension,
    'all' as dimension_value
    {%- endif %}
{%- endmacro %}

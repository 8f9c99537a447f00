{% set grains = ['month'] %}
{% set dimensions = ['team', 'source', 'region'] %}
{% set bounds = [1, 5, 15, 60, 240, 1440, 4320] %}

-- A class holds what took longer than the class before it and at most up_to_minutes.
with classes as (
    {%- for bound in bounds %}
    select
        {{ loop.index }} as class_number,
        {{ 0 if loop.first else loop.previtem }} as over_minutes,
        {{ bound }} as up_to_minutes
    union all
    {%- endfor %}
    select
        {{ bounds | length + 1 }} as class_number,
        {{ bounds | last }} as over_minutes,
        null as up_to_minutes
    union all
    select
        {{ bounds | length + 2 }} as class_number,
        null as over_minutes,
        null as up_to_minutes
),

leads as (
    select
        team,
        source,
        region,
        {{ period_columns('created_on') }},
        case
            {%- for bound in bounds %}
            when us_to_response <= {{ bound * 60000000 }} then {{ loop.index }}
            {%- endfor %}
            when us_to_response is not null then {{ bounds | length + 1 }}
            else {{ bounds | length + 2 }}
        end as class_number
    from {{ ref('int_leads_sliced') }}
),

counted as (
    select
        {{ slice_columns(grains, dimensions) }},
        class_number,
        count(*) as leads
    from leads
    group by {{ slices(grains, dimensions, keys=['class_number']) }}
),

totals as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        sum(leads) as all_leads
    from counted
    group by period_grain, period_start, dimension, dimension_value
),

dense as (
    select
        totals.period_grain,
        totals.period_start,
        totals.dimension,
        totals.dimension_value,
        totals.all_leads,
        classes.class_number,
        classes.over_minutes,
        classes.up_to_minutes,
        coalesce(counted.leads, 0) as leads
    from totals
    cross join classes
    left join counted
        on
            totals.period_grain = counted.period_grain
            and totals.period_start = counted.period_start
            and totals.dimension = counted.dimension
            and totals.dimension_value = counted.dimension_value
            and classes.class_number = counted.class_number
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        cast(class_number as bigint) as class_number,
        cast(over_minutes as bigint) as over_minutes,
        cast(up_to_minutes as bigint) as up_to_minutes,
        leads,
        {{ ratio('leads', 'all_leads') }} as share_of_leads
    from dense
)

select * from final

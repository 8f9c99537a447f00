{% set grains = ['month', 'quarter'] %}
{% set dimensions = ['owner', 'team', 'deal_type'] %}
{% set touch_types = ['call', 'email', 'chat', 'meeting', 'video_meeting'] %}

with closed_deals as (
    select
        deal_id,
        outcome,
        closed_at,
        month_start,
        quarter_start,
        owner,
        team,
        deal_type
    from {{ ref('int_deals_closed') }}
),

touches as (
    select
        deal_id,
        activity_type,
        occurred_at
    from {{ ref('fct_activities') }}
    where
        is_touch
        and deal_id is not null
),

-- What comes after the close did not help to close the deal.
touches_per_deal as (
    select
        closed_deals.deal_id,
        {%- for type in touch_types %}
        count(case when touches.activity_type = '{{ type }}' then 1 end) as {{ type }}s,
        {%- endfor %}
        count(*) as touches
    from closed_deals
    inner join touches
        on
            closed_deals.deal_id = touches.deal_id
            and closed_deals.closed_at > touches.occurred_at
    group by closed_deals.deal_id
),

sliced as (
    select
        {{ slice_columns(grains, dimensions) }},
        closed_deals.outcome,
        count(*) as deals,
        {%- for type in touch_types %}
        coalesce(sum(touches_per_deal.{{ type }}s), 0) as {{ type }}s,
        {%- endfor %}
        coalesce(sum(touches_per_deal.touches), 0) as touches
    from closed_deals
    left join touches_per_deal
        on closed_deals.deal_id = touches_per_deal.deal_id
    group by {{ slices(grains, dimensions, keys=['outcome']) }}
),

final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        outcome,
        deals,
        {%- for type in touch_types %}
        {{ ratio(type ~ 's', 'deals') }} as avg_{{ type }}s,
        {%- endfor %}
        {{ ratio('touches', 'deals') }} as avg_touches
    from sliced
)

select * from final

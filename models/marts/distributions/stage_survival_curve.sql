with levels as (
    select
        pipeline,
        stage,
        us_in_stage,
        share_still_there,
        at_risk
    from {{ ref('int_stage_survival_levels') }}
    where dimension = 'all'
),

-- One duration may bring the share below several levels at once, or end the curve: it is one point.
final as (
    select
        pipeline,
        stage,
        {{ in_days('us_in_stage') }} as days,
        min(share_still_there) as share_still_there,
        max(at_risk) as at_risk
    from levels
    group by pipeline, stage, us_in_stage
)

select * from final

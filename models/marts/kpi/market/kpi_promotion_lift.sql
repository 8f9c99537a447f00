with promotions as (
    select
        promotion_id,
        location_id,
        control_location_id,
        starts_on,
        ends_on
    from {{ ref('int_promotions_known') }}
),

promotion_days as (
    select
        promotion_id,
        is_during,
        test_amount,
        control_amount,
        cast(test_amount - control_amount as double) as difference
    from {{ ref('int_promotion_days') }}
),

spans as (
    select
        promotion_id,
        is_during,
        difference - min(difference) over (partition by promotion_id, is_during) as above_least,
        max(difference) over (partition by promotion_id, is_during)
        - min(difference) over (partition by promotion_id, is_during) as difference_span
    from promotion_days
),

-- Between 0 for the least difference and 1 for the greatest.
positions as (
    select
        promotion_id,
        is_during,
        difference_span,
        coalesce(above_least / nullif(difference_span, 0), 0) as position
    from spans
),

-- Decimals hold each square of such a position: unlike a variance of doubles, their sums do not depend on the order of
-- adding.
variances as (
    select
        promotion_id,
        is_during,
        max(difference_span) * max(difference_span)
        * (
            cast(sum(cast(position * position as decimal(38, 24))) as double)
            - cast(sum(cast(position as decimal(38, 24))) as double)
            * cast(sum(cast(position as decimal(38, 24))) as double) / count(*)
        )
        / nullif(count(*) - 1, 0) as variance
    from positions
    group by promotion_id, is_during
),

t_quantiles as (
    select
        df,
        t_975
    from {{ ref('t_quantiles') }}
),

daily_averages as (
    select
        promotion_id,
        cast(count(case when is_during then 1 end) as bigint) as days,
        {{ average('case when not is_during then test_amount end') }} as test_before,
        {{ average('case when is_during then test_amount end') }} as test_during,
        {{ average('case when not is_during then control_amount end') }} as control_before,
        {{ average('case when is_during then control_amount end') }} as control_during
    from promotion_days
    group by promotion_id
),

-- Difference in differences: how much more the store gained than its control did.
lifts as (
    select
        daily_averages.*,
        (daily_averages.test_during - daily_averages.test_before)
        - (daily_averages.control_during - daily_averages.control_before) as lift,
        variances_before.variance / daily_averages.days as squared_error_before,
        variances_during.variance / daily_averages.days as squared_error_during
    from daily_averages
    left join variances as variances_before
        on
            daily_averages.promotion_id = variances_before.promotion_id
            and not variances_before.is_during
    left join variances as variances_during
        on
            daily_averages.promotion_id = variances_during.promotion_id
            and variances_during.is_during
),

-- Welch-Satterthwaite degrees of freedom; without any variance there is no interval.
welch as (
    select
        *,
        sqrt(squared_error_before + squared_error_during) as standard_error,
        floor(
            (squared_error_before + squared_error_during) * (squared_error_before + squared_error_during)
            / nullif(
                (squared_error_before * squared_error_before + squared_error_during * squared_error_during)
                / nullif(days - 1, 0),
                0
            ) + 1e-9
        ) as df
    from lifts
),

-- Above 200 degrees of freedom t is that of the normal distribution.
intervals as (
    select
        welch.*,
        case when welch.df is not null then coalesce(t_quantiles.t_975, 1.96) * welch.standard_error end as margin
    from welch
    left join t_quantiles
        on cast(welch.df as bigint) = t_quantiles.df
),

final as (
    select
        promotions.promotion_id,
        promotions.location_id,
        promotions.control_location_id,
        promotions.starts_on,
        promotions.ends_on,
        intervals.days,
        intervals.test_before,
        intervals.test_during,
        intervals.control_before,
        intervals.control_during,
        intervals.lift,
        {{ ratio('intervals.lift', 'intervals.test_before') }} as lift_ratio,
        intervals.lift - intervals.margin as lift_low,
        intervals.lift + intervals.margin as lift_high
    from promotions
    left join intervals
        on promotions.promotion_id = intervals.promotion_id
)

select * from final

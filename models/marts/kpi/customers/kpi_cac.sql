with spend as (
    select
        {{ period_start_of('quarter', 'spent_on') }} as quarter_start,
        segment,
        amount
    from {{ ref('fct_spend') }}
    where department in ('sales', 'marketing')
),

customers as (
    select
        quarter_start,
        segment
    from {{ ref('int_customers_sliced') }}
),

flows as (
    select
        quarter_start,
        segment,
        amount,
        0 as new_customers
    from spend
    union all
    select
        quarter_start,
        segment,
        0 as amount,
        1 as new_customers
    from customers
),

-- Spend without a segment is shared by all of them.
totals as (
    select
        quarter_start,
        coalesce(sum(case when segment is not null then amount end), 0) as direct_spend,
        coalesce(sum(case when segment is null then amount end), 0) as shared_spend,
        sum(new_customers) as new_customers
    from flows
    group by quarter_start
),

segments as (
    select
        quarter_start,
        segment,
        coalesce(sum(amount), 0) as direct_spend,
        sum(new_customers) as new_customers
    from flows
    where segment is not null
    group by quarter_start, segment
),

-- Each new customer bears the same part of the shared spend; without any, nobody can tell whose it was.
sliced as (
    select
        quarter_start,
        'all' as dimension,
        'all' as dimension_value,
        direct_spend,
        cast(shared_spend as decimal(38, 10)) as shared_spend,
        new_customers
    from totals
    union all
    select
        segments.quarter_start,
        'segment' as dimension,
        segments.segment as dimension_value,
        segments.direct_spend,
        cast(
            cast(totals.shared_spend as double)
            * {{ ratio('segments.new_customers', 'totals.new_customers') }}
            as decimal(38, 10)
        ) as shared_spend,
        segments.new_customers
    from segments
    inner join totals
        on segments.quarter_start = totals.quarter_start
),

final as (
    select
        'quarter' as period_grain,
        quarter_start as period_start,
        {{ is_complete_period("'quarter'", 'quarter_start') }} as is_complete_period,
        dimension,
        dimension_value,
        cast(direct_spend as decimal(38, 10)) as direct_spend,
        shared_spend,
        cast(direct_spend + shared_spend as decimal(38, 10)) as spend,
        cast(new_customers as bigint) as new_customers,
        {{ ratio('direct_spend + shared_spend', 'new_customers') }} as cac,
        {{ ratio('direct_spend', 'new_customers') }} as cac_direct
    from sliced
)

select * from final

{% set grains = ['month', 'quarter'] %}
{% set dimensions = ['segment', 'region', 'industry', 'owner'] %}

with responses as (
    select
        response_id,
        account_id,
        sent_at,
        responded_at,
        score
    from {{ ref('fct_nps_responses') }}
),

accounts as (
    select
        account_id,
        owner_id,
        industry,
        segment,
        region,
        became_customer_at
    from {{ ref('dim_account') }}
),

attributed as (
    select
        responses.sent_at,
        responses.responded_at,
        responses.score,
        coalesce(
            responses.responded_at
            < accounts.became_customer_at + interval {{ var('nps_min_tenure_days') }} day,
            true
        ) as is_too_early,
        {{ known_or_unknown('accounts.owner_id') }} as owner,
        {{ known_or_unknown('accounts.industry') }} as industry,
        {{ known_or_unknown('accounts.segment') }} as segment,
        {{ known_or_unknown('accounts.region') }} as region
    from responses
    left join accounts
        on responses.account_id = accounts.account_id
),

-- An invitation counts when it was sent, its score when it was given.
sent_and_scored as (
    select
        *,
        {{ local_date('sent_at') }} as happened_on,
        1 as invitation,
        cast(null as bigint) as given_score
    from attributed
    union all
    select
        *,
        {{ local_date('responded_at') }} as happened_on,
        cast(null as integer) as invitation,
        score as given_score
    from attributed
    where score is not null
),

dated as (
    select
        *,
        {{ period_columns('happened_on') }}
    from sent_and_scored
),

sliced as (
    select
        {{ slice_columns(grains, dimensions) }},
        count(invitation) as invitations,
        count(case when invitation = 1 and responded_at is not null then 1 end) as invited_responses,
        count(given_score) as responses,
        count(case when given_score >= 9 then 1 end) as promoters,
        count(case when given_score between 7 and 8 then 1 end) as passives,
        count(case when given_score <= 6 then 1 end) as detractors,
        count(case when given_score is not null and is_too_early then 1 end) as too_early_responses
    from dated
    group by {{ slices(grains, dimensions) }}
),

shares as (
    select
        *,
        {{ ratio('promoters - detractors', 'responses') }} as net_share,
        {{ ratio('promoters + detractors', 'responses') }} as outspoken_share
    from sliced
),

-- A score is +1, 0 or -1: its variance is the share of those who are not 0 less the square of the mean.
final as (
    select
        period_grain,
        period_start,
        {{ is_complete_period() }} as is_complete_period,
        dimension,
        dimension_value,
        invitations,
        invited_responses,
        {{ ratio('invited_responses', 'invitations') }} as response_rate,
        responses,
        promoters,
        passives,
        detractors,
        net_share * 100 as nps,
        196 * sqrt(
            {{ ratio('greatest(outspoken_share - net_share * net_share, 0)', 'responses') }}
        ) as nps_margin,
        too_early_responses
    from shares
)

select * from final

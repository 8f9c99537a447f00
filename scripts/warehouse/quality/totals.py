"""Totals of the marts, counted once more from raw by other means than the models use.

The rates of currencies come from an as-of join here and from a calendar of rates there; the outcome
of a deal from its last history row here and from its visits there. A figure that was lost or
counted twice on its way through the models shows as a difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from warehouse.quality.reading import Reading, Scene
from warehouse.store import literal

if TYPE_CHECKING:
    from warehouse.quality.marts import Told

# Two amounts that differ by no more than this are the same, whatever their size.
_CENT = 0.01
_EACH_MONTH = "period_grain = 'month' and dimension = 'all'"


@dataclass(frozen=True)
class Money:
    """Where a raw table has amounts, and the day on which they are converted."""

    table: str
    amount: str
    day: str
    exists: str


@dataclass(frozen=True)
class Total:
    """A figure of a mart, and the same from raw."""

    mart: str
    column: str
    told: str
    raw: str
    needs: tuple[str, ...]


_ORDERS = Money("raw_crm.orders", "amount", "local_day(ordered_at)", "ordered_at <= as_of()")
_SPEND = Money("raw_finance.spend", "amount", "spent_on", "spent_on <= as_of_on()")
MONEY = (
    Money(
        "raw_crm.deals",
        "amount",
        "local_day(coalesce(case when closed_at <= as_of() then closed_at end, created_at))",
        "created_at <= as_of() and not coalesce(is_deleted, false)",
    ),
    _ORDERS,
    _SPEND,
    Money("raw_finance.account_costs", "amount", "incurred_on", "incurred_on <= as_of_on()"),
    Money("raw_market.competitor_prices", "price", "observed_on", "observed_on <= as_of_on()"),
    Money("raw_crm.products", "list_price", "as_of_on()", "true"),
)
_WON = """
    with histories as (
        select
            deal_id,
            arg_max(stage, {'at': changed_at, 'id': change_id})
            filter (where changed_at <= as_of()) as last_stage
        from raw_crm.deal_stage_history
        where _vanished_at is null
        group by deal_id
    )

    select count(*)
    from raw_crm.deals as deals
    left join histories on deals.deal_id = histories.deal_id
    inner join raw_crm.pipeline_stages as stages
        on deals.pipeline = stages.pipeline
        and stages._vanished_at is null
        and stages.stage = case
            when histories.deal_id is not null then histories.last_stage
            when deals.closed_at <= as_of() then deals.stage
        end
    where
        stages.outcome = 'won'
        and deals._vanished_at is null
        and deals.created_at <= as_of()
        and not coalesce(deals.is_deleted, false)
"""
# Revenue per account at the last month's end before as_of. Only what is positive is compared: an
# account is told from its first positive month on, and what was never positive is left out.
_REVENUES = """
    with active as (
        select
            account_id,
            coalesce(currency, reporting_currency()) as currency,
            -- Added up before the rate: a discount of all of it leaves nothing, not what rounding leaves.
            sum(mrr) as mrr,
            cast(date_trunc('month', as_of_on()) - interval 1 day as date) as day
        from raw_crm.subscriptions
        where
            _vanished_at is null
            and started_on < date_trunc('month', as_of_on())
            and (ended_on is null or ended_on >= date_trunc('month', as_of_on()))
        group by all
    ),

    revenues as (
        select
            active.account_id,
            sum(cast(cast(active.mrr as double) * rates.rate as decimal(28, 10))) as mrr
        from active
        asof join rates_of_checks as rates
            on active.currency = rates.currency and active.day >= rates.rate_on
        group by active.account_id
        having mrr > 0
    )
"""
_LAST_MONTH = "date_trunc('month', as_of_on()) - interval 1 month"
_EXISTING_DEALS = (
    "select count(*) from raw_crm.deals "
    "where _vanished_at is null and created_at <= as_of() and not coalesce(is_deleted, false)"
)


# The tables of the contract that a CRM may give, and what the models know of them.
_KNOWN = {
    "raw_crm.activities": "int_activities_known",
    "raw_crm.deal_stage_history": "int_deal_stage_changes_known",
    "raw_crm.deals": "int_deals_known",
    "raw_crm.leads": "int_leads_known",
    "raw_crm.orders": "int_orders_known",
    "raw_crm.pipeline_stages": "int_pipeline_stages_known",
    "raw_crm.products": "int_products_known",
    "raw_finance.fx_rates": "int_fx_rates_known",
    "raw_survey.nps_responses": "int_nps_responses_known",
}


def _rows(mart: str, raw: str, exists: str) -> Total:
    return Total(
        mart=mart,
        column="rows",
        told=f"select count(*) from marts.{mart}",
        raw=f"select count(*) from {raw} where _vanished_at is null and {exists}",
        needs=(raw,),
    )


def _sum(mart: str, column: str, raw: str, *needs: str) -> Total:
    return Total(
        mart=mart,
        column=column,
        told=f"select coalesce(sum({column}), 0)::double from marts.{mart} where {_EACH_MONTH}",
        raw=raw,
        needs=needs,
    )


def _amount(money: Money) -> str:
    return (
        f"select coalesce(sum(cast(money.{money.amount} as double) * rates.rate), 0) "
        f"from (select {money.amount}, coalesce(currency, reporting_currency()) as currency, "
        f"{money.day} as day from {money.table} "
        f"where _vanished_at is null and {money.exists}) as money "
        "asof join rates_of_checks as rates "
        "on money.currency = rates.currency and money.day >= rates.rate_on"
    )


TOTALS = (
    Total(
        mart="fct_deals",
        column="rows",
        told="select count(*) from marts.fct_deals",
        raw=_EXISTING_DEALS,
        needs=("raw_crm.deals",),
    ),
    _rows("fct_leads", "raw_crm.leads", "created_at <= as_of()"),
    _rows("fct_activities", "raw_crm.activities", "coalesce(created_at, occurred_at) <= as_of()"),
    _rows("fct_orders", "raw_crm.orders", "ordered_at <= as_of()"),
    _rows("fct_nps_responses", "raw_survey.nps_responses", "sent_at <= as_of()"),
    _rows("fct_employee_responses", "raw_survey.employee_responses", "responded_at <= as_of()"),
    _rows("fct_spend", "raw_finance.spend", "spent_on <= as_of_on()"),
    _rows("fct_competitor_prices", "raw_market.competitor_prices", "observed_on <= as_of_on()"),
    _sum("kpi_new_opportunities", "new_deals", _EXISTING_DEALS, "raw_crm.deals"),
    _sum(
        "kpi_new_opportunities",
        "new_leads",
        "select count(*) from raw_crm.leads where _vanished_at is null and created_at <= as_of()",
        "raw_crm.leads",
    ),
    _sum(
        "kpi_win_rate",
        "won_deals",
        _WON,
        "raw_crm.deals",
        "raw_crm.deal_stage_history",
        "raw_crm.pipeline_stages",
    ),
    _sum(
        "kpi_nps",
        "responses",
        "select count(score) from raw_survey.nps_responses "
        "where _vanished_at is null and sent_at <= as_of() and responded_at <= as_of()",
        "raw_survey.nps_responses",
    ),
    _sum("kpi_sales_by_location", "amount", _amount(_ORDERS), "raw_crm.orders"),
    Total(
        mart="fct_spend",
        column="amount",
        told="select coalesce(sum(amount), 0)::double from marts.fct_spend",
        raw=_amount(_SPEND),
        needs=("raw_finance.spend",),
    ),
    Total(
        mart="kpi_mrr",
        column="active_accounts",
        told="select coalesce(sum(active_accounts), 0)::bigint from marts.kpi_mrr "
        f"where {_EACH_MONTH} and period_start = {_LAST_MONTH}",
        raw=f"{_REVENUES} select count(*) from revenues",
        needs=("raw_crm.subscriptions",),
    ),
    Total(
        mart="fct_account_months",
        column="mrr",
        told="select coalesce(sum(mrr), 0)::double from marts.fct_account_months "
        f"where mrr > 0 and month_start = {_LAST_MONTH}",
        raw=f"{_REVENUES} select coalesce(sum(mrr), 0)::double from revenues",
        needs=("raw_crm.subscriptions",),
    ),
)


def prepare(scene: Scene, told: Told) -> None:
    """The reporting choices as temporary macros, and a table of the rates that exist."""
    day = "cast(instant as date)"
    if told.time_zone != "UTC":
        zone = literal(told.time_zone)
        day = f"cast(timezone({zone}, timezone('UTC', instant)) as date)"
    for name, value in (
        ("as_of()", f"timestamp {literal(told.as_of.isoformat(sep=' '))}"),
        ("as_of_on()", f"date {literal(told.as_of_on.isoformat())}"),
        ("reporting_currency()", literal(told.currency)),
        ("local_day(instant)", day),
    ):
        scene.connection.execute(f"create or replace temp macro {name} as {value}")
    rates = ""
    if scene.has("raw_finance.fx_rates"):
        rates = f"""
            union all
            select currency, rate_on, rate::double
            from {scene.stand_ins.get("raw_finance.fx_rates", "raw_finance.fx_rates")}
            where
                _vanished_at is null
                and rate_on <= as_of_on()
                and currency <> reporting_currency()
        """
    scene.connection.execute(
        "create or replace temp table rates_of_checks as select "
        "reporting_currency() as currency, date '0001-01-01' as rate_on, 1.0::double as rate "
        f"{rates}"
    )


def stand_ins(scene: Scene) -> dict[str, str]:
    """Where deals and people come from a CRM's own tables: what the models read of them at as_of.

    Temporary views, for raw has no such rows; the totals are counted from them by other means still.
    """
    found = {}
    for table, known in _KNOWN.items():
        if not scene.has(f"intermediate.{known}"):
            continue
        name = f"{known}_of_checks"
        scene.connection.execute(
            f"create or replace temp view {name} as select *, "
            "cast(null as timestamp) as _vanished_at, false as is_deleted "
            f"from intermediate.{known}"
        )
        found[table] = name
    return found


def readings(scene: Scene) -> Iterator[Reading]:
    """The difference of every total whose mart is there, as a share of what raw says."""
    tolerance = scene.thresholds.of("agrees with raw")["tolerance"]
    for total in TOTALS:
        if not scene.has(f"marts.{total.mart}", *total.needs):
            continue
        (in_mart,) = scene.row(total.told)
        (in_raw,) = scene.row(total.raw)
        is_count = isinstance(in_raw, int)
        yield Reading(
            check="agrees with raw",
            table=total.mart,
            column=total.column,
            value=abs(float(in_mart) - float(in_raw)),
            high=0 if is_count else max(_CENT, tolerance * abs(in_raw)),
            observed=_figure(in_mart, is_count),
            expected=f"{_figure(in_raw, is_count)} as in {' and '.join(total.needs)}",
        )


def unpriced(scene: Scene) -> Iterator[tuple[str, str, int]]:
    """(table, currency, rows) of amounts that have no rate on or before their day."""
    for money in MONEY:
        if not scene.has(money.table):
            continue
        # Few pairs of currency and day are left before the rates are asked.
        yield from scene.rows(
            f"""
                with money as (
                    select currency, {money.day} as day, count(*) as money_rows
                    from {money.table}
                    where
                        _vanished_at is null
                        and {money.amount} is not null
                        and currency is not null
                        and {money.exists}
                    group by all
                )

                select
                    '{money.table.split(".")[1]}' as table_name,
                    money.currency,
                    sum(money.money_rows)::bigint as money_rows
                from money
                asof left join rates_of_checks as rates
                    on money.currency = rates.currency and money.day >= rates.rate_on
                where rates.rate is null
                group by money.currency
                order by money.currency
                """
        )


def _figure(value: Any, is_count: bool) -> str:
    return f"{value:,.0f}" if is_count else f"{value:,.2f}"

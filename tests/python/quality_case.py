"""A home with a tiny company in raw and marts that agree with it, to break one thing at a time."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from small_company import config_of
from warehouse import check, load, store
from warehouse.check import Check, CheckResult
from warehouse.config import Config
from warehouse.quality import landing, thresholds
from warehouse.quality.gate import Gate
from warehouse.quality.landing import Profile
from warehouse.quality.reading import Scene

AS_OF = datetime(2025, 6, 30)
Rows = Sequence[Mapping[str, Any]]


def empty_home(home: Path, **settings: Any) -> Config:
    """A home with raw tables that hold nothing."""
    config = config_of(home, **settings)
    store.prepare_home(config)
    with duckdb.connect(str(config.warehouse)) as connection:
        load.ensure_raw_tables(connection)
        connection.execute(
            "create table ops.runs (run_id varchar primary key, command varchar, "
            "started_at timestamp, finished_at timestamp, status varchar, as_of timestamp, "
            "message varchar, release_id varchar, vars varchar, seconds_per_step varchar)"
        )
    return config


def land(
    config: Config,
    run_id: str,
    *,
    full_export: bool = False,
    at: datetime = AS_OF,
    status: str = "published",
    **tables: Rows,
) -> None:
    """Land the tables as a run of that name, at the given instant."""
    directory = config.home / "landings" / run_id
    directory.mkdir(parents=True)
    for name, rows in tables.items():
        with (directory / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
            writer.writeheader()
            writer.writerows(rows)
    with duckdb.connect(str(config.warehouse)) as connection:
        load.load(connection, [directory], run_id=run_id, full_export=full_export, loaded_at=at)
        connection.execute(
            "insert into ops.runs by name select ? as run_id, 'refresh' as command, "
            "? as started_at, ? as status, ? as as_of, ? as release_id, '{}' as vars",
            [run_id, at, status, AS_OF, run_id if status == "published" else None],
        )


def night(config: Config, number: int, **landed: Any) -> CheckResult:
    """One night: land, then check what landed."""
    run_id = f"night-{number}"
    land(config, run_id, at=AS_OF - timedelta(days=100 - number), **landed)
    return check.check(config, run_id=run_id, suites=check.LANDING_SUITES)


def nights(
    config: Config, loads: Sequence[Rows], *, table: str = "deals", full_export: bool = False
) -> CheckResult:
    """Land a table once a night; the result is of the last load.

    Of the nights before only what later ones are compared with is kept, which takes half the time.
    """
    for number, rows in enumerate(loads[:-1], start=1):
        run_id = f"night-{number}"
        at = AS_OF - timedelta(days=100 - number)
        land(config, run_id, at=at, full_export=full_export, **{table: rows})
        profiles: list[Profile] = []
        with store.connect(config) as connection:
            scene = Scene(connection, thresholds.load(), run_id, at, config.reject_threshold)
            assert list(landing.readings(scene, profiles))
            landing.keep(connection, profiles)
    return night(config, len(loads), full_export=full_export, **{table: loads[-1]})


def deals(count: int, *, first: int = 0, nulls: int = 0, **given: Any) -> Rows:
    """Deals with ids from `first` on; the first `nulls` of them without an amount."""
    return [
        {
            "deal_id": f"D{first + number:05}",
            "pipeline": "sales",
            "stage": "new",
            "created_at": AS_OF - timedelta(hours=1),
            "deal_type": "renewal",
            "amount": "" if number < nulls else 1000 + number,
            **given,
        }
        for number in range(count)
    ]


def failed(result: CheckResult) -> list[tuple[str, str]]:
    """(check, table) of what failed."""
    return [(item.check, item.table) for item in result.checks if not item.success]


def of(result: CheckResult, name: str, table: str | None = None) -> Check:
    """The one check of that name, on that table."""
    (found,) = (c for c in result.checks if c.check == name and table in (None, c.table))
    return found


def write_company(config: Config) -> None:
    """Raw tables of a few rows, and marts that say the same."""
    land(
        config,
        "first",
        at=AS_OF - timedelta(hours=2),
        pipeline_stages=[
            {"pipeline": "sales", "stage": stage, "position": position, "outcome": outcome}
            for position, (stage, outcome) in enumerate(
                [("new", "open"), ("won", "won"), ("lost", "lost")]
            )
        ],
        deals=[
            *deals(2, stage="won", closed_at="2025-05-10", currency="EUR"),
            *deals(1, first=2),
            *deals(1, first=3, is_deleted="true"),
            # A close without history counts by its stage; one after as_of is not known yet.
            *deals(1, first=4, stage="won", closed_at="2025-06-01"),
            *deals(1, first=5, created_at="2025-07-01"),
        ],
        deal_stage_history=[
            {"change_id": f"C{number}", "deal_id": deal, "stage": stage, "changed_at": when}
            for number, (deal, stage, when) in enumerate(
                [
                    ("D00000", "new", "2025-05-01"),
                    ("D00000", "won", "2025-05-10"),
                    ("D00001", "won", "2025-05-10"),
                    ("D00001", "lost", "2025-07-10"),
                    ("D00002", "new", "2025-06-29"),
                    ("D00003", "won", "2025-06-29"),
                ]
            )
        ],
        leads=[
            {"lead_id": f"L{number}", "created_at": f"2025-06-{number + 27}"} for number in range(4)
        ],
        activities=[
            {"activity_id": "A1", "activity_type": "call", "occurred_at": "2025-06-29T12:00:00Z"}
        ],
        orders=[
            {
                "order_id": f"O{number}",
                "line_number": 1,
                "amount": 10,
                "currency": currency,
                "ordered_at": when,
            }
            for number, (currency, when) in enumerate(
                [("EUR", "2025-06-01"), ("", "2025-06-28"), ("USD", "2025-07-02")]
            )
        ],
        subscriptions=[
            {
                "subscription_id": "S1",
                "account_id": "A",
                "mrr": 100,
                "currency": "EUR",
                "started_on": "2025-05-31",
                "ended_on": "",
            },
            # Discounts that were never set off against anything are no revenue.
            {
                "subscription_id": "S3",
                "account_id": "C",
                "mrr": -5,
                "currency": "",
                "started_on": "2025-05-31",
                "ended_on": "",
            },
            {
                "subscription_id": "S2",
                "account_id": "B",
                "mrr": 7,
                "currency": "",
                "started_on": "2025-05-01",
                "ended_on": "2025-05-31",
            },
        ],
        nps_responses=[
            {
                "response_id": f"N{number}",
                "sent_at": "2025-06-01",
                "responded_at": answered,
                "score": 9,
            }
            for number, answered in enumerate(["2025-06-02", "2025-07-02"])
        ],
        spend=[{"spend_id": "P1", "spent_on": "2025-06-15", "department": "sales", "amount": 50}],
        fx_rates=[
            {"currency": "EUR", "rate_on": day, "rate": rate}
            for day, rate in [("2025-05-01", 1.1), ("2025-06-20", 1.2)]
        ],
    )
    with duckdb.connect(str(config.warehouse)) as connection:
        connection.execute(_MARTS)
        connection.execute(
            "create table marts.release as select ?::timestamp as as_of, ?::timestamp as built_at, "
            "'first' as run_id",
            [AS_OF, AS_OF],
        )
        write_scorecard(connection, "kpi_new_opportunities", [5, 6, 5, 7, 6, 5, 6, 5, 6, 7, 6])


def write_scorecard(
    connection: duckdb.DuckDBPyConnection,
    kpi: str,
    values: Sequence[float],
    *,
    detail: str | None = None,
    last: date = date(2025, 6, 16),
) -> None:
    """Complete weeks of a headline up to the last one, and the running week with a silly value."""
    connection.execute(
        "create table if not exists marts.kpi_scorecard (kpi_id varchar, period_grain varchar, "
        "period_start date, is_complete_period boolean, dimension varchar, detail varchar, "
        "value double, change double)"
    )
    for number, value in enumerate([*values, 1e6]):
        start = last + timedelta(weeks=number + 1 - len(values))
        change = value - values[number - 1] if number else None
        connection.execute(
            "insert into marts.kpi_scorecard values (?, 'week', ?, ?, 'all', ?, ?, ?)",
            [kpi, start, number < len(values), detail, value, change],
        )


def with_marts(config: Config, *statements: str) -> CheckResult:
    """Change the warehouse, then check the marts; no page is written."""
    if statements:
        with duckdb.connect(str(config.warehouse)) as connection:
            for statement in statements:
                connection.execute(statement)
    suites = check.MARTS_SUITES
    found, _ = check.measure(config, run_id="checked", suites=suites, gate=Gate(), at=AS_OF)
    return CheckResult(tuple(found))


_MARTS = """
create schema marts;
create table marts.dim_stage as
    select pipeline, stage, outcome from raw_crm.pipeline_stages;
create table marts.fct_deals (
    deal_id varchar, pipeline varchar, stage varchar, outcome varchar, created_at timestamp,
    closed_at timestamp
);
insert into marts.fct_deals values
    ('D00000', 'sales', 'won', 'won', '2025-05-01', '2025-05-10'),
    ('D00001', 'sales', 'won', 'won', '2025-05-01', '2025-05-10'),
    ('D00002', 'sales', 'new', 'open', '2025-06-29', null),
    ('D00004', 'sales', 'won', 'won', '2025-05-29', '2025-06-01');
create table marts.fct_deal_stage_visits as
    select history.deal_id, 'sales' as pipeline, history.stage
    from raw_crm.deal_stage_history as history
    semi join marts.fct_deals as deals on history.deal_id = deals.deal_id;
create table marts.fct_leads as
    select lead_id, became_mql_at, became_sql_at
    from raw_crm.leads where created_at <= '2025-06-30';
create table marts.fct_activities as select activity_id from raw_crm.activities;
create table marts.fct_orders as
    select order_id from raw_crm.orders where ordered_at <= '2025-06-30';
create table marts.fct_nps_responses as select response_id from raw_survey.nps_responses;
create table marts.fct_spend as select spend_id, amount from raw_finance.spend;
create table marts.kpi_new_opportunities as
    select 'month' as period_grain, 'all' as dimension, * from (values
        (date '2025-05-01', 3, 0), (date '2025-06-01', 1, 4)
    ) as months (period_start, new_deals, new_leads);
create table marts.kpi_win_rate as
    select 'month' as period_grain, 'all' as dimension, * from (values
        (date '2025-05-01', 2, 1.0::double), (date '2025-06-01', 1, 0.5::double)
    ) as months (period_start, won_deals, win_rate);
create table marts.kpi_sales_by_location as
    select 'month' as period_grain, 'all' as dimension, date '2025-06-01' as period_start,
        21.0::decimal(38, 10) as amount;
create table marts.kpi_mrr as
    select 'month' as period_grain, 'all' as dimension, date '2025-05-01' as period_start,
        1 as active_accounts;
create table marts.fct_account_months as
    select * from (values
        ('A', date '2025-05-01', 110.0::decimal(28, 10)), ('B', date '2025-05-01', 0)
    ) as months (account_id, month_start, mrr);
create table marts.kpi_nps as
    select 'month' as period_grain, 'all' as dimension, 1 as responses;
"""

"""The gates: too many rejects, impossible rates, marts that lost their rows; and the page of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from small_company import build_by_hand, config_of
from warehouse import check, load, publish
from warehouse.check import Check
from warehouse.config import Config
from warehouse.errors import ChecksFailedError


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = config_of(tmp_path / "home")
    build_by_hand(config, 1)
    config.releases.mkdir(parents=True)
    with duckdb.connect(str(config.warehouse)) as connection:
        load.ensure_raw_tables(connection)
    return config


def land(config: Config, directory: Path, run_id: str, good: int, bad: int) -> None:
    directory.mkdir()
    lines = ["deal_id,pipeline,stage,created_at"]
    lines += [f"G{number},p,s,2025-01-01" for number in range(good)]
    lines += [f"B{number},p,s,soon" for number in range(bad)]
    (directory / "deals.csv").write_text("\n".join(lines) + "\n")
    with duckdb.connect(str(config.warehouse)) as connection:
        load.load(connection, [directory], run_id=run_id, loaded_at=datetime(2025, 6, 30))


def found(result: check.CheckResult, name: str) -> list[Check]:
    return [item for item in result.checks if item.check == name]


def test_one_reject_in_a_hundred_is_borne_and_two_are_not(config: Config, tmp_path: Path) -> None:
    land(config, tmp_path / "a", "run-a", good=99, bad=1)
    result = check.check(config, run_id="run-a", suites=check.LANDING_SUITES)
    result.raise_for_errors()
    assert [(item.table, item.observed) for item in result.checks] == [
        ("deals", "1 of 100 rows (1.00%)")
    ]
    land(config, tmp_path / "b", "run-b", good=98, bad=2)
    result = check.check(config, run_id="run-b", suites=check.LANDING_SUITES)
    with pytest.raises(ChecksFailedError, match=r"deals: rejected rows: 2 of 100 rows \(2.00%\)"):
        result.raise_for_errors()
    # A corrected file of that table clears it; the threshold is a setting.
    check.check(
        config_of(config.home, reject_threshold=0.02),
        run_id="run-c",
        suites=check.LANDING_SUITES,
    ).raise_for_errors()
    land(config, tmp_path / "c", "run-c", good=2, bad=0)
    check.check(config, run_id="run-c").raise_for_errors()


def test_a_rate_outside_its_bounds_blocks(config: Config) -> None:
    assert check.check(config, run_id="run-1").errors == ()
    with duckdb.connect(str(config.warehouse)) as connection:
        connection.execute("update marts.fct_deals set win_rate = 1.1 where deal_id < 3")
    [error] = check.check(config, run_id="run-1").errors
    assert error.sentence() == (
        "marts: fct_deals.win_rate: within 0..1: 3 rows outside, expected 0 rows outside"
    )


@pytest.mark.parametrize(
    ("column", "checked"),
    [
        ("win_rate", True),
        ("win_rate_low", True),
        ("pct_at_quota", True),
        ("excellent_share", True),
        ("amount_win_rate", False),
        ("meeting_acceptance_rate", False),
        ("rate", False),
        ("shared_spend", False),
    ],
)
def test_only_shares_of_counts_are_bounded(config: Config, column: str, checked: bool) -> None:
    with duckdb.connect(str(config.warehouse)) as connection:
        connection.execute(f"create table marts.kpi_x as select 2.0::double as {column}")
    assert bool(check.check(config, run_id="run-1").errors) is checked


def test_a_mart_that_lost_its_rows_is_a_warning(config: Config) -> None:
    publish.publish(config, report=False)
    with duckdb.connect(str(config.warehouse)) as connection:
        connection.execute("delete from marts.kpi_deals")
        connection.execute("create table marts.kpi_new as select 1 as one where false")
    result = check.check(config, run_id="run-1")
    result.raise_for_errors()
    assert [item.sentence() for item in result.warnings] == [
        "marts: kpi_deals: rows: 0 rows, expected rows, as in the last release (1)"
    ]


def test_results_are_kept_and_shown_on_a_page_of_its_own(config: Config) -> None:
    with duckdb.connect(str(config.warehouse)) as connection:
        connection.execute('create table marts."<script>" as select 2.0::double as win_rate')
    result = check.check(config, run_id="run-1")
    with duckdb.connect(str(config.warehouse)) as connection:
        kept = connection.execute(
            "select count(*), count(*) filter (where not success) from ops.check_results "
            "where run_id = 'run-1'"
        ).fetchone()
    assert kept == (len(result.checks), 1)
    page = (config.data_docs / "index.html").read_text()
    assert "&lt;script&gt;" in page and "<script>" not in page and "http" not in page
    assert f"{len(result.checks)} checks, 1 failed" in page


def test_results_of_the_landing_are_shown_with_those_of_the_marts(
    config: Config, tmp_path: Path
) -> None:
    land(config, tmp_path / "a", "run-a", good=1, bad=0)
    before = check.check(config, run_id="run-a", suites=check.LANDING_SUITES)
    result = check.check(config, run_id="run-a", suites=check.MARTS_SUITES, before=before)
    assert {item.suite for item in result.checks} == {"landing", "marts"}
    with duckdb.connect(str(config.warehouse)) as connection:
        kept = connection.execute("select count(*) from ops.check_results").fetchone()
    assert kept == (len(result.checks),)

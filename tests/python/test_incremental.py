"""A build that makes anew only what changed ends in the rows of a build that makes everything."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

import forked
from landing_case import rows_of, write_rows
from running import dbt, warehouse
from warehouse import sample
from warehouse.contract import Table, load_contract

AS_OF = datetime(2026, 6, 12, 8, 30)
NIGHTS = 30
# Even a small company finds out what changed, however much that is, and makes its periods in several batches.
ALWAYS = {"incremental_from_rows": 0, "incremental_up_to": 9, "rows_at_once": 300}
EDITS_A_NIGHT = 12


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    landing = tmp_path_factory.mktemp("company")
    sample.write(landing, deals=150, seed=5, as_of=AS_OF, delta_days=NIGHTS)
    return landing


@pytest.fixture(scope="module")
def built(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the base landed and built, as every test finds it."""
    home = tmp_path_factory.mktemp("warehouse") / "home"
    load(home, company)
    build(home, AS_OF)
    return Path(shutil.copytree(home, home.with_name("built")))


@pytest.fixture
def home(built: Path) -> Path:
    """At one path in every test: dbt would parse the project anew for each other one."""
    home = built.with_name("home")
    shutil.rmtree(home)
    return Path(shutil.copytree(built, home))


def load(home: Path, *directories: Path, full_export: bool = False) -> None:
    warehouse(home, "load", *directories, *(["--full-export"] if full_export else []))


def build(home: Path, as_of: datetime, *, full: bool = False, **variables: Any) -> dict[str, Any]:
    """Build and return what `--json` says."""
    given = json.dumps({**ALWAYS, **variables})
    arguments = ["--as-of", as_of.isoformat(), "--vars", given, "--json"]
    printed = warehouse(home, "build", *arguments, *(["--full-refresh"] if full else [])).stdout
    return json.loads(printed)


def kill_a_build(home: Path, as_of: datetime, *, after: float) -> None:
    """Begin a build and kill it after so many seconds, wherever it then is."""
    given = ["--as-of", as_of.isoformat(), "--vars", json.dumps(ALWAYS)]
    begun = forked.Command(["build", *given, "--home", home], cwd=home.parent)
    time.sleep(after)
    with suppress(ProcessLookupError):
        os.killpg(begun.pid, signal.SIGKILL)
    begun.communicate()


def differing(one: Path, other: Path) -> dict[str, list[tuple]]:
    """Per table of both files, the first rows that one of them alone has."""
    with duckdb.connect() as connection:
        for name, file in (("one", one), ("other", other)):
            connection.execute(f"attach '{file}' as {name} (read_only)")
        tables = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables "
            "where table_catalog = 'one' and table_schema in ('marts', 'intermediate') "
            "and table_type = 'BASE TABLE' and table_name <> 'release' "
            "and not ends_with(table_name, '__changes')"
        ).fetchall()
        found = {}
        for (table,) in tables:
            rows = connection.execute(
                f"(from one.{table} except all from other.{table}) union all by name "
                f"(from other.{table} except all from one.{table}) limit 4"
            ).fetchall()
            if rows:
                found[table] = rows
        assert len(tables) > 60
        return found


def differing_from_all_anew(
    home: Path, as_of: datetime, **variables: Any
) -> dict[str, list[tuple]]:
    """The same, of the warehouse and what it is when everything is made anew, as it is written.

    A small company's marts are their queries: no periods are chosen and nothing is narrowed. What was
    built is then put back.
    """
    warehouse_file = home / "warehouse.duckdb"
    kept = set_aside(home)
    build(home, as_of, full=True, incremental_from_rows=1_000_000_000, **variables)
    found = differing(kept, warehouse_file)
    kept.replace(warehouse_file)
    return found


def set_aside(home: Path) -> Path:
    """A copy of the warehouse as it now is."""
    return Path(shutil.copy(home / "warehouse.duckdb", home.with_name("set_aside.duckdb")))


def how_built(home: Path) -> dict[str, str]:
    """Per table what its last build made: `what changed`, or why everything."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return dict(
            connection.execute(
                "select split_part(relation, '.', 2), coalesce(why, built) from ops.table_states"
            ).fetchall()
        )


def changed(home: Path) -> set[str]:
    return {name for name, how in how_built(home).items() if how == "what changed"}


class Edits:
    """Random corrections of rows that have landed: a value of one row moves to another.

    So a deal takes another's amount, stage, owner or date, a history row another deal, a rate or a
    stage's position another's, and every value stays one that the contract allows.
    """

    def __init__(self, company: Path, seed: int) -> None:
        self._dice = random.Random(seed)
        self._rows = {table.name: rows_of(company, table.name) for table in load_contract().tables}

    def write(self, directory: Path, at: datetime) -> Path:
        """One night's edits as a landing directory."""
        edited: dict[str, list[dict[str, str]]] = {}
        for _ in range(EDITS_A_NIGHT):
            table = self._dice.choice(load_contract().tables)
            if self._rows[table.name]:
                edited.setdefault(table.name, []).append(self._edit(table, at))
        for name, rows in edited.items():
            write_rows(directory, name, rows)
        return directory

    def _edit(self, table: Table, at: datetime) -> dict[str, str]:
        rows = self._rows[table.name]
        row, other = self._dice.choice(rows), self._dice.choice(rows)
        names = [n for n in row if n not in (*table.key, table.updated_at)]
        for name in self._dice.sample(names, min(2, len(names))):
            row[name] = other[name]
        if table.updated_at:
            row[table.updated_at] = at.isoformat()
        return dict(row)


def test_thirty_nights_end_in_the_rows_of_a_build_of_everything(
    company: Path, home: Path, tmp_path: Path
) -> None:
    edits = Edits(company, seed=3)
    seen: set[str] = set()
    for night in range(1, NIGHTS + 1):
        as_of = AS_OF + timedelta(days=night)
        load(home, company / f"delta-{as_of.date()}", edits.write(tmp_path / f"e{night}", as_of))
        if night == 14:
            # Time goes back for a night, to before what has been built already.
            build(home, as_of - timedelta(days=20))
        if night % 6 == 5:
            kill_a_build(home, as_of, after=random.Random(night).uniform(1, 6))
        if night % 3 != 1:
            # Some nights nothing is built: the next one has two days to catch up with.
            build(home, as_of)
            seen |= changed(home)
        if night in (12, 24, NIGHTS):
            assert differing_from_all_anew(home, as_of) == {}
    assert {"fct_deals", "fct_activities", "fct_leads", "fct_deal_stage_visits"} <= seen
    assert {"kpi_win_rate", "kpi_deal_size", "kpi_lead_response_time"} <= seen


def test_what_did_not_change_is_not_made_anew(company: Path, home: Path) -> None:
    next_day = AS_OF + timedelta(days=1)
    old_deal, old_period = spoil(home)
    load(home, company / f"delta-{next_day.date()}")
    build(home, next_day)
    assert spoilt(home) == (old_deal, old_period)
    build(home, next_day, full=True)
    assert spoilt(home) == (None, None)


def spoil(home: Path) -> tuple[str, str]:
    """Write a wrong word into the oldest deal and a wrong figure into the oldest month of a mart."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute(
            "update marts.fct_deals set industry = 'spoilt' where deal_id = "
            "(select arg_min(deal_id, closed_at) from marts.fct_deals)"
        )
        connection.execute(
            "update marts.kpi_days_to_close set avg_days_lost = 4711 where period_grain = 'month' "
            "and dimension = 'all' and period_start = "
            "(select min(period_start) from marts.kpi_days_to_close where period_grain = 'month')"
        )
    deal, period = spoilt(home)
    assert deal and period
    return deal, period


def spoilt(home: Path) -> tuple[str | None, str | None]:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select (select min(deal_id) from marts.fct_deals where industry = 'spoilt'), "
            "(select cast(min(period_start) as varchar) from marts.kpi_days_to_close "
            "where avg_days_lost = 4711)"
        ).fetchone()


def test_batches_of_periods_end_in_the_rows_of_all_periods_at_once(home: Path) -> None:
    [made] = (home / "target" / "run").rglob("kpi_time_in_stage.sql")
    assert made.read_text().count("insert into") >= 3
    assert differing_from_all_anew(home, AS_OF) == {}


def test_a_build_of_the_same_data_and_instant_changes_nothing(home: Path) -> None:
    before = set_aside(home)
    said = build(home, AS_OF)
    assert differing(before, home / "warehouse.duckdb") == {}
    assert said["made_anew"] == []
    assert "kpi_win_rate" in changed(home)


@pytest.mark.parametrize(
    ("variables", "anew", "left"),
    [
        (
            {"lead_response_target_minutes": 60},
            {"kpi_lead_response_time": "its definition changed"},
            {"kpi_win_rate"},
        ),
        (
            {"reporting_currency": "EUR"},
            {
                "fct_deals": "its definition changed",
                "kpi_win_rate": "the definition of intermediate.int_deals_closed changed",
            },
            {"fct_activities", "kpi_appointment_rate"},
        ),
    ],
)
def test_a_change_of_definitions_makes_anew_what_it_concerns_and_status_says_why(
    home: Path, variables: dict[str, Any], anew: dict[str, str], left: set[str]
) -> None:
    build(home, AS_OF, **variables)
    how = how_built(home)
    assert {name: how[name] for name in anew} == anew
    assert left <= changed(home)
    status = warehouse(home, "status").stdout
    for name, why in anew.items():
        assert any(name in line and why in line for line in status.splitlines()), status
    assert differing_from_all_anew(home, AS_OF, **variables) == {}


def test_a_full_export_that_misses_rows_takes_them_out(
    company: Path, home: Path, tmp_path: Path
) -> None:
    directory = tmp_path / "export"
    dice = random.Random(2)
    for table in ("deals", "deal_stage_history", "activities", "accounts", "leads"):
        rows = rows_of(company, table)
        write_rows(directory, table, dice.sample(rows, len(rows) - 2))
    load(home, directory, full_export=True)
    build(home, AS_OF + timedelta(hours=6))
    assert {"fct_deals", "fct_activities", "kpi_win_rate"} <= changed(home)
    assert differing_from_all_anew(home, AS_OF + timedelta(hours=6)) == {}


def test_plain_dbt_of_a_few_models_at_another_instant_misleads_no_later_build(
    company: Path, home: Path
) -> None:
    next_day = AS_OF + timedelta(days=1)
    given = json.dumps({**ALWAYS, "as_of": (AS_OF - timedelta(days=2)).isoformat()})
    dbt(home, "run", "--vars", given, "--select", "fct_deals", "int_deals_closed", "kpi_win_rate")
    load(home, company / f"delta-{next_day.date()}")
    build(home, next_day)
    assert {"fct_deals", "kpi_win_rate"} <= changed(home)
    assert differing_from_all_anew(home, next_day) == {}


def test_a_company_that_grows_begins_to_make_anew_only_what_changed(
    company: Path, home: Path
) -> None:
    build(home, AS_OF, incremental_from_rows=10_000_000)
    assert how_built(home)["kpi_win_rate"] == "small"
    load(home, company / f"delta-{(AS_OF + timedelta(days=1)).date()}")
    build(home, AS_OF + timedelta(days=1))
    assert how_built(home)["kpi_win_rate"] == "the company has grown"
    load(home, company / f"delta-{(AS_OF + timedelta(days=2)).date()}")
    build(home, AS_OF + timedelta(days=2))
    assert "kpi_win_rate" in changed(home)
    assert differing_from_all_anew(home, AS_OF + timedelta(days=2)) == {}

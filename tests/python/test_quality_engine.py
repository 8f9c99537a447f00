"""What is relied on of the pinned Great Expectations: its reading of DuckDB, and its silence."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.errors import StepError
from warehouse.quality import gate
from warehouse.quality.gate import Gate
from warehouse.quality.reading import Reading


def reading(value: float | None, low: float | None = None, high: float | None = None) -> Reading:
    return Reading("a check", "a <table>", None, value, "observed", "expected", low, high)


@pytest.fixture
def people(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only database with a table in a schema of its own."""
    path = tmp_path / "people.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema raw")
        connection.execute(
            "create table raw.people as select range as id, range // 10 as tens, "
            "'P' || range || '@x.org' as mail, "
            "case when range % 4 = 0 then null else range::decimal(28, 10) end as amount, "
            "timestamp '2025-01-01' + to_days(range::int) as at from range(1000)"
        )
    return duckdb.connect(str(path), read_only=True)


def validate(connection: duckdb.DuckDBPyConnection, *expectations: Any) -> list[Any]:
    """Native expectations on the table, through our datasource."""
    from warehouse.quality import engine  # isort: skip
    import great_expectations

    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    with engine.lent(connection) as url:
        source = context.data_sources.add_duckdb(name="people", connection_string=url)
        asset = source.add_query_asset(name="people", query="select * from raw.people")
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        suite = great_expectations.ExpectationSuite(name="s", expectations=list(expectations))
        return batch.validate(suite, result_format="COMPLETE").results


def test_great_expectations_is_pinned_exactly() -> None:
    wanted = importlib.metadata.requires("sales-kpi-warehouse") or []
    installed = importlib.metadata.version("great-expectations")
    assert f"great-expectations=={installed}" in wanted


PASSING_AND_FAILING = (
    ("ExpectTableRowCountToEqual", {"value": 1000}, {"value": 999}),
    ("ExpectColumnValuesToNotBeNull", {"column": "mail"}, {"column": "amount"}),
    ("ExpectColumnValuesToBeUnique", {"column": "id"}, {"column": "tens"}),
    (
        "ExpectColumnValuesToBeBetween",
        {"column": "amount", "min_value": 1, "max_value": 999},
        {"column": "amount", "min_value": 2, "max_value": 999},
    ),
    (
        "ExpectColumnMeanToBeBetween",
        {"column": "amount", "min_value": 500, "max_value": 500},
        {"column": "amount", "min_value": 501, "max_value": 502},
    ),
    (
        "ExpectColumnQuantileValuesToBeBetween",
        {"column": "id", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[499, 500]]}},
        {"column": "id", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[1, 2]]}},
    ),
    (
        "ExpectColumnValuesToMatchRegex",
        {"column": "mail", "regex": "^P[0-9]+@x"},
        {"column": "mail", "regex": "^P[1-9]+@x"},
    ),
    (
        "ExpectColumnValuesToMatchLikePattern",
        {"column": "mail", "like_pattern": "P%@x.org"},
        {"column": "mail", "like_pattern": "Q%"},
    ),
    (
        "UnexpectedRowsExpectation",
        {"unexpected_rows_query": "select * from {batch} where id < 0"},
        {"unexpected_rows_query": "select * from {batch} where id < 10"},
    ),
)


def test_expectations_read_duckdb_read_only(people: duckdb.DuckDBPyConnection) -> None:
    from warehouse.quality import engine  # noqa: F401  isort: skip
    import great_expectations.expectations as kinds

    wanted = [
        getattr(kinds, kind)(**arguments)
        for kind, *cases in PASSING_AND_FAILING
        for arguments in cases
    ]
    results = validate(people, *wanted)
    # They come back in another order.
    said = {(item.expectation_config.type, _settings(item)): item.success for item in results}
    assert len(said) == len(results) == len(wanted)
    for number, item in enumerate(wanted):
        is_passing = number % 2 == 0
        assert bool(said[item.expectation_type, _settings_of(item)]) is is_passing, item
    # A failure because of the data, not because the query broke.
    assert not any(item.exception_info.get("raised_exception") for item in results)


def _settings(result: Any) -> str:
    kwargs = result.expectation_config.kwargs
    return repr(sorted((k, str(v)) for k, v in kwargs.items() if k != "batch_id"))


def _settings_of(expectation: Any) -> str:
    kwargs = expectation.configuration.kwargs
    return repr(sorted((k, str(v)) for k, v in kwargs.items()))


def test_rows_can_be_fetched_after_the_connection_was_given_back() -> None:
    from warehouse.quality import engine

    with duckdb.connect() as connection, engine.lent(connection) as url:
        execution = engine.DuckDBExecutionEngine(connection_string=url)
        with execution.get_connection() as lent:
            rows = lent.exec_driver_sql("select range from range(3)")
        assert rows.fetchall() == [(0,), (1,), (2,)]


def test_a_broken_metric_fails(people: duckdb.DuckDBPyConnection) -> None:
    from warehouse.quality import engine  # noqa: F401  isort: skip
    import great_expectations.expectations as kinds

    [result] = validate(people, kinds.ExpectColumnMaxToBeBetween(column="nothing", max_value=1))
    assert result.success is False


def test_bounds_are_inclusive_and_what_was_not_measured_fails() -> None:
    with duckdb.connect() as connection:
        wanted = [
            (reading(1, 1, 2), True),
            (reading(2, 1, 2), True),
            (reading(2.0000001, 1, 2), False),
            (reading(0.9999999, 1, 2), False),
            (reading(5, low=4), True),
            (reading(-5, high=4), True),
            (reading(5), True),
            (reading(-1e12), True),
            (reading(None, 1, 2), False),
            (reading(None), False),
            (reading(float("nan"), 0, 1), False),
            (reading(float("inf"), 0, 1), False),
        ]
        verdicts = Gate().judge(connection, "s", [item for item, _ in wanted], ["warn"] * 12)
        assert [verdict.success for verdict in verdicts] == [expected for _, expected in wanted]
        assert connection.execute("select count(*) from duckdb_tables()").fetchone() == (0,)


def test_three_hundred_readings_have_as_many_verdicts() -> None:
    readings = [reading(number, high=149) for number in range(300)]
    with duckdb.connect() as connection:
        verdicts = Gate().judge(connection, "s", readings, ["error"] * 300)
    assert [verdict.success for verdict in verdicts] == [True] * 150 + [False] * 150


@pytest.mark.filterwarnings("ignore")
def test_a_misspelt_expectation_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "EXPECTATION", "expect_colum_max_to_be_between")
    with duckdb.connect() as connection, pytest.raises(StepError, match="judged 0 of the 2"):
        Gate().judge(connection, "s", [reading(1), reading(2)], ["error", "error"])


def test_two_expectations_that_are_alike_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_columns", lambda readings: ["same" for _ in readings])
    monkeypatch.setattr(gate, "_table", _one_column)
    with duckdb.connect() as connection, pytest.raises(StepError, match="of the 2 expectations"):
        Gate().judge(connection, "s", [reading(1, 0, 1), reading(1, 0, 1)], ["warn", "warn"])


@gate.contextmanager
def _one_column(connection: Any, suite: str, *_: Any) -> Any:
    connection.execute(f'create temp table "{gate._table_name(suite)}" as select 1.0 as same')
    yield


def test_nothing_is_left_open_and_no_other_host_is_asked(tmp_path: Path) -> None:
    """In a process of its own: every connection to another host would raise."""
    code = f"""
import socket
def refuse(*arguments, **options): raise AssertionError(f"network: {{arguments}}")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
import duckdb, sys
from pathlib import Path
from warehouse.quality.gate import Gate
from warehouse.quality.reading import Reading
path = "{tmp_path / "a.duckdb"}"
duckdb.connect(path).close()
gate = Gate()
with duckdb.connect(path, read_only=True) as connection:
    gate.judge(connection, "s", [Reading("c", "t", None, 1.0, "o", "e", 0, 2)], ["warn"])
gate.write_docs(Path("{tmp_path / "gx"}"))
with duckdb.connect(path) as connection:
    connection.execute("create table written (one int)")
assert "scipy.spatial" not in sys.modules, "a second of imports that nobody needs"
assert "scipy.stats" not in sys.modules, "whoever imports it has to get the real one"
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "gx" / "index.html").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.duckdb", "gx"]

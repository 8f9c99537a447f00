"""The same company on DuckDB and on a Spark cluster of two workers: equal marts, also when processes die.

Needs the environment that `make test-spark` makes, and Java 17. WAREHOUSE_TEST_LANDINGS may name more
companies, separated by spaces: DIR=AS_OF, and after a comma each a delta: DIR=AS_OF,DELTA=AS_OF.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

import cluster as cluster_of
from conftest import SIZE
from differences import counts, differences
from edge_company import write_edge_company
from warehouse import sample

WAREHOUSE = Path(sys.executable).parent / "warehouse"
SAMPLE_AS_OF = datetime(2026, 6, 15, 8, 30)
# Reporting choices that take every macro of time and currency another way than the defaults do.
OTHER_CHOICES = {
    "reporting_timezone": "America/New_York",
    "reporting_currency": "EUR",
    "fiscal_year_start_month": 2,
    "survey_min_group": 4,
}
GIVEN = os.environ.get("WAREHOUSE_TEST_LANDINGS", "").split()


@dataclass(frozen=True)
class Recovered:
    """A home whose build on Spark lost the Thrift server, and was then repeated."""

    home: Path
    expected: Path
    exit_code: int
    said: str
    published_before: Path
    published_then: Path


@pytest.fixture(scope="session")
def recovered(cluster, tmp_path_factory):
    """The edge company, published from DuckDB; its delta is built on Spark, with other choices."""
    edges = write_edge_company(tmp_path_factory.mktemp("edges"))
    home, other = tmp_path_factory.mktemp("on_spark"), tmp_path_factory.mktemp("on_duckdb")
    for one in (home, other):
        refresh(one, edges.landing, *edge_options(edges.as_of))
    options = edge_options(edges.as_of_after_delta)
    expected = refresh(other, edges.delta, *options)
    before = (home / "published" / "current").readlink()
    process = start(home, edges.delta, *options, port=cluster.port)
    wait_for_table(process, home, "dim_user")
    cluster_of.kill(cluster, "thrift")
    said, _ = process.communicate()
    then = (home / "published" / "current").readlink()
    cluster_of.start_thrift(cluster, size=SIZE)
    refresh(home, *options, port=cluster.port)
    return Recovered(home, expected, process.returncode, said, before, then)


def edge_options(as_of: datetime) -> list[str]:
    return ["--as-of", as_of.isoformat(), "--vars", json.dumps(OTHER_CHOICES)]


def start(home: Path, *arguments: object, port: int | None = None) -> subprocess.Popen:
    """Start a refresh: on Spark when there is a port, else on DuckDB."""
    call = [WAREHOUSE, "refresh", *arguments, "--home", home]
    environment = dict(os.environ)
    if port is not None:
        call += ["--target", "spark"]
        environment["WAREHOUSE_SPARK_PORT"] = str(port)
    return subprocess.Popen(
        list(map(str, call)),
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def refresh(home: Path, *arguments: object, port: int | None = None) -> Path:
    """A refresh that must publish; returns the published file."""
    process = start(home, *arguments, port=port)
    output, _ = process.communicate()
    assert process.returncode == 0, output[-8000:]
    return published(home)


def published(home: Path) -> Path:
    return home / "published" / "current" / "sales_kpi.duckdb"


def wait_for_table(process: subprocess.Popen, home: Path, table: str) -> None:
    """Until Spark has written a table of the build that is running: so the build is in the middle."""
    place = home / "lake" / "marts" / table
    begun = time.time()
    while not any(path.stat().st_mtime > begun for path in place.glob("_SUCCESS")):
        assert process.poll() is None, f"it ended before {table}: {process.stdout.read()[-4000:]}"
        time.sleep(0.2)


def test_the_comparison_sees_what_differs(tmp_path):
    one, other = tmp_path / "one" / "sales_kpi.duckdb", tmp_path / "other" / "sales_kpi.duckdb"
    for file, value, name in ((one, 1.0, "a"), (other, 1.0 + 3e-9, "b")):
        file.parent.mkdir()
        with duckdb.connect(str(file)) as connection:
            connection.execute("create schema marts")
            connection.execute(
                f"create table marts.near as select 1 as id, {value}::double as value"
            )
            connection.execute(f"create table marts.text as select '{name}' as name")
            connection.execute("create table marts.same as select 1 as id, null::double as value")
    assert differences(one, one) == {}
    assert differences(one, other) == {
        "near": ["value: 1 rows differ"],
        "text": ["1 rows are missing, 1 are too many"],
    }


def test_without_the_thrift_server_nothing_is_published_and_the_message_says_why(recovered):
    assert recovered.exit_code == 4, recovered.said[-4000:]
    assert "nothing was published" in recovered.said
    assert "Spark's Thrift server does not answer: start it" in recovered.said
    assert recovered.published_then == recovered.published_before


def test_every_corner_case_gives_the_figures_of_duckdb(recovered):
    rows = counts(recovered.expected)
    assert all(rows for name, rows in rows.items() if name != "unmapped_values")
    assert differences(recovered.expected, published(recovered.home)) == {}


def test_a_release_from_spark_has_all_that_a_release_has(recovered):
    release = published(recovered.home).parent
    note = json.loads((release / "release.json").read_text())
    assert {f"{name}.parquet" for name in note["row_counts"]} == {
        path.name for path in (release / "parquet").iterdir()
    }
    assert (release / "report" / "index.html").exists()
    comments = (
        "select table_name, column_name, comment from duckdb_columns() where schema_name = 'marts'"
    )
    with duckdb.connect() as connection:
        connection.execute(f"attach '{recovered.expected}' as expected (read_only)")
        connection.execute(f"attach '{published(recovered.home)}' as found (read_only)")
        expected, found = (
            set(connection.execute(f"{comments} and database_name = '{name}'").fetchall())
            for name in ("expected", "found")
        )
    assert found == expected


def test_a_build_outlives_one_of_its_workers(cluster, tmp_path):
    landing = tmp_path / "landing"
    sample.write(landing, deals=2000, seed=7, as_of=SAMPLE_AS_OF)
    options = [landing, "--as-of", SAMPLE_AS_OF.isoformat()]
    expected = refresh(tmp_path / "on_duckdb", *options)
    home = tmp_path / "on_spark"
    process = start(home, *options, port=cluster.port)
    wait_for_table(process, home, "fct_deal_stage_visits")
    cluster_of.kill(cluster, "worker-2")
    assert process.poll() is None, "the worker has to die while the build runs"
    output, _ = process.communicate()
    assert process.returncode == 0, output[-8000:]
    cluster_of.start_worker(cluster, 2, size=SIZE)
    assert counts(expected)["fct_deal_stage_visits"] > 2000
    assert differences(expected, published(home)) == {}


@pytest.mark.parametrize("company", GIVEN)
def test_a_given_company_gives_the_figures_of_duckdb(company, cluster, tmp_path):
    for step in company.split(","):
        landing, _, as_of = step.partition("=")
        options = [landing, *(["--as-of", as_of] if as_of else [])]
        expected = refresh(tmp_path / "on_duckdb", *options)
        found = refresh(tmp_path / "on_spark", *options, port=cluster.port)
        assert sum(counts(expected).values()) > 0
        assert differences(expected, found) == {}

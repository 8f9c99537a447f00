"""The same company on DuckDB and on a Spark cluster of two workers: equal marts, also when processes die.

Needs the environment that `make test-spark` makes, and Java 17. WAREHOUSE_TEST_LANDINGS may name more
companies, separated by spaces: DIR=AS_OF, and after a comma each a delta: DIR=AS_OF,DELTA=AS_OF.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

import cluster as cluster_of
import engines
from conftest import SIZE
from differences import counts, differences
from edge_company import write_edge_company
from running import dbt
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


@dataclass(frozen=True)
class Outlived:
    """A home that was built on Spark although a worker died, and its like on DuckDB."""

    landing: Path
    home: Path
    other: Path
    rows: dict[str, int]
    differing: dict[str, list[str]]


@pytest.fixture(scope="session")
def recovered(cluster, tmp_path_factory):
    """The edge company, published from DuckDB; its delta is built on Spark, with other choices."""
    edges = write_edge_company(tmp_path_factory.mktemp("edges"))
    home = tmp_path_factory.mktemp("edges_published") / "on_spark"
    refresh(home, edges.landing, *edge_options(edges.as_of))
    other = shutil.copytree(home, home.with_name("on_duckdb"), symlinks=True)
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


def test_a_landed_table_that_is_kept_by_month_may_have_no_row(cluster, tmp_path, monkeypatch):
    columns = [{"name": name, "data_type": "varchar"} for name in ("activity_id", "_month")]
    table = {"schema": "raw_empty", "name": "activities", "columns": columns}
    table |= {"partitioned_by": ["_month"], "rows": 0}
    given = json.dumps({"tables": [table]})
    monkeypatch.setenv("WAREHOUSE_SPARK_PORT", str(cluster.port))
    dbt(tmp_path, "run-operation", "register_landed", "--args", given, "--target", "spark")
    with contextlib.closing(engines.connect(cluster.port)) as connection:
        cursor = connection.cursor()
        cursor.execute("select count(*) from raw_empty.activities")
        assert cursor.fetchone() == (0,)


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


@pytest.fixture(scope="session")
def outlived(cluster, tmp_path_factory):
    """The sample, built as if it were large, so that nights can continue it; a worker was killed."""
    place = tmp_path_factory.mktemp("outlived")
    landing, home, other = place / "landing", place / "on_spark", place / "on_duckdb"
    sample.write(landing, deals=2000, seed=7, as_of=SAMPLE_AS_OF, delta_days=1)
    options = [landing, *night_options(SAMPLE_AS_OF)]
    expected = refresh(other, *options)
    process = start(home, *options, port=cluster.port)
    wait_for_table(process, home, "fct_deal_stage_visits")
    cluster_of.kill(cluster, "worker-2")
    assert process.poll() is None, "the worker has to die while the build runs"
    output, _ = process.communicate()
    assert process.returncode == 0, output[-8000:]
    cluster_of.start_worker(cluster, 2, size=SIZE)
    differing = differences(expected, published(home))
    return Outlived(landing, home, other, counts(expected), differing)


def night_options(as_of: datetime) -> list[str]:
    return ["--as-of", as_of.isoformat(), "--vars", json.dumps({"incremental_from_rows": 0})]


def how_built(home: Path) -> dict[str, str]:
    """Of the tables that are kept by quarter: what the last build made of each, or why everything."""
    states = home / "lake" / "*" / "*" / "_state" / "*.parquet"
    with duckdb.connect() as connection:
        found = connection.execute(
            "select distinct split_part(relation, '.', 2), coalesce(why, built) "
            f"from read_parquet('{states}')"
        ).fetchall()
    assert len(found) == len({name for name, _ in found})
    return dict(found)


def files_by_quarter(home: Path, table: str) -> dict[str, set[str]]:
    files = (home / "lake" / "marts" / table).glob("_quarter=*/*.parquet")
    found: dict[str, set[str]] = {}
    for file in files:
        found.setdefault(file.parent.name.partition("=")[2], set()).add(file.name)
    return found


def leave_unfinished(home: Path, table: str) -> None:
    """As a build leaves a table that is killed after it has replaced a first quarter."""
    directory = home / "lake" / table
    (state,) = directory.glob("_state/*.parquet")
    with duckdb.connect() as connection:
        connection.execute(f"create table state as select * from read_parquet('{state}')")
        connection.execute("update state set built = 'unfinished', why = null")
        shutil.rmtree(state.parent)
        state.parent.mkdir()
        connection.execute(f"copy state to '{state}'")
    lost = min(directory.glob("_quarter=*"))
    assert any(lost.glob("*.parquet"))
    shutil.rmtree(lost)


def test_a_build_outlives_one_of_its_workers(outlived):
    assert outlived.rows["fct_deal_stage_visits"] > 2000
    assert outlived.differing == {}


def test_nights_overwrite_the_quarters_that_changed(outlived, cluster):
    home, other = outlived.home, outlived.other
    (delta,) = outlived.landing.glob("delta-*")
    kept_by_quarter = set(how_built(home))
    assert "kpi_win_rate" in kept_by_quarter
    assert "int_people_contacted" in kept_by_quarter
    before = files_by_quarter(home, "kpi_win_rate")

    night = night_options(SAMPLE_AS_OF + timedelta(days=1))
    expected = refresh(other, delta, *night)
    assert differences(expected, refresh(home, delta, *night, port=cluster.port)) == {}
    assert how_built(home) == dict.fromkeys(kept_by_quarter, "what changed")
    after = files_by_quarter(home, "kpi_win_rate")
    stayed = {quarter for quarter in before if after[quarter] == before[quarter]}
    assert "2026-04-01" in before.keys() - stayed
    assert "2024-01-01" in stayed

    # Time goes back: what lay in the last quarter is gone. And two tables were left in the middle of a build.
    leave_unfinished(home, "marts/kpi_deal_size")
    leave_unfinished(home, "intermediate/int_people_contacted")
    earlier = night_options(datetime(2026, 3, 20))
    expected = refresh(other, *earlier)
    assert differences(expected, refresh(home, *earlier, port=cluster.port)) == {}
    built = how_built(home)
    unfinished = {name for name, how in built.items() if how == "its last build did not end"}
    assert unfinished == {"kpi_deal_size", "int_people_contacted"}
    assert {how for name, how in built.items() if name not in unfinished} == {"what changed"}
    assert not files_by_quarter(home, "kpi_win_rate").get("2026-04-01")


@pytest.mark.parametrize("company", GIVEN)
def test_a_given_company_gives_the_figures_of_duckdb(company, cluster, tmp_path):
    for step in company.split(","):
        landing, _, as_of = step.partition("=")
        options = [landing, *(["--as-of", as_of] if as_of else [])]
        expected = refresh(tmp_path / "on_duckdb", *options)
        found = refresh(tmp_path / "on_spark", *options, port=cluster.port)
        assert sum(counts(expected).values()) > 0
        assert differences(expected, found) == {}

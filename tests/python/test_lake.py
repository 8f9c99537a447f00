"""The lake on real files: what is written of the landed tables, and how marts come back."""

from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from warehouse import lake as lakes
from warehouse.contract import load_contract
from warehouse.errors import StepError
from warehouse.landing import raw

HISTORY = "raw_crm/deal_stage_history"


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        raw.ensure(connection, load_contract())
        for change, month in (("a", 1), ("b", 1), ("c", 2)):
            add_change(connection, change, month)
        yield connection


@pytest.fixture(params=["a directory", "a URL"])
def lake(request, tmp_path):
    """The same lake as a path, and as an object store that pyarrow reaches."""
    location = str(tmp_path / "lake")
    return lakes.Lake(
        location if request.param == "a directory" else f"file://{location}", tmp_path / "scratch"
    )


def add_change(connection: duckdb.DuckDBPyConnection, change: str, month: int) -> None:
    connection.execute(
        "insert into raw_crm.deal_stage_history (change_id, deal_id, stage, changed_at) "
        f"values (?, 'd', 's', '2025-0{month}-10')",
        [change],
    )


def written(connection, lake) -> dict[str, int]:
    landed = lakes.write_landed(connection, lake, load_contract())
    return {table.name: table.written for table in landed if table.written}


def held(lake: lakes.Lake) -> list[tuple]:
    files = [str(lake.local(name)) for name in lake.files(HISTORY)]
    return duckdb.sql(
        f"select _month, change_id from read_parquet({files}, hive_partitioning = true, "
        "hive_types_autocast = false) order by 2"
    ).fetchall()


def mart(**columns: str) -> SimpleNamespace:
    return SimpleNamespace(
        schema="marts",
        alias="kpi_new",
        description="What is new. One row per month.",
        config=SimpleNamespace(column_types=None),
        columns={
            name: SimpleNamespace(data_type=kind, description=f"The {name}.")
            for name, kind in columns.items()
        },
    )


def test_only_months_whose_rows_changed_are_written_again(connection, lake):
    assert written(connection, lake) == {"deal_stage_history": 2}
    assert held(lake) == [("2025-01", "a"), ("2025-01", "b"), ("2025-02", "c")]
    before = set(lake.files(HISTORY))
    assert written(connection, lake) == {}
    add_change(connection, "e", 2)
    connection.execute("delete from raw_crm.deal_stage_history where change_id = 'c'")
    assert written(connection, lake) == {"deal_stage_history": 1}
    assert held(lake) == [("2025-01", "a"), ("2025-01", "b"), ("2025-02", "e")]
    assert [name.split("/")[2] for name in before - set(lake.files(HISTORY))] == ["_month=2025-02"]


def test_a_month_that_is_empty_now_leaves_the_lake(connection, lake):
    written(connection, lake)
    connection.execute("delete from raw_crm.deal_stage_history where change_id = 'c'")
    assert written(connection, lake) == {"deal_stage_history": 1}
    assert held(lake) == [("2025-01", "a"), ("2025-01", "b")]


def test_files_without_a_note_are_of_a_killed_run_and_are_replaced(connection, lake):
    written(connection, lake)
    lake.write_note({})
    assert written(connection, lake) == {"deal_stage_history": 2}
    assert len(held(lake)) == 3


def test_a_lost_file_is_written_again(connection, lake):
    written(connection, lake)
    lake.delete(lake.files(HISTORY)[0])
    assert written(connection, lake) == {"deal_stage_history": 1}
    assert len(held(lake)) == 3


def test_marts_come_back_in_the_types_and_with_the_comments_of_their_contract(connection, lake):
    put_mart(lake, "select 1::integer as won, 'x' as name")
    # What a killed build leaves is no data.
    put_mart(lake, "select 2::integer as won, 'y' as name", "_temporary/0/part.parquet")
    node = mart(won="bigint", name="varchar")
    connection.execute("create table ops.table_states as select 1 as relation")
    lakes.bring_marts(connection, lake, [node], "marts")
    found = connection.execute("select won, typeof(won), name from marts.kpi_new").fetchall()
    comments = connection.execute(
        "select comment from duckdb_tables() where table_name = 'kpi_new' "
        "union all select comment from duckdb_columns() where table_name = 'kpi_new'"
    ).fetchall()
    assert found == [(1, "BIGINT", "x")]
    assert comments == [(node.description,), ("The won.",), ("The name.",)]
    # DuckDB must not go on from rows that it did not make.
    assert connection.execute("select count(*) from ops.table_states").fetchone() == (0,)


def test_a_mart_kept_by_quarter_comes_back_without_its_quarter(connection, lake):
    put_mart(lake, "select 1 as won", "_quarter=2025-01-01/part.parquet")
    put_mart(lake, "select 2 as won", "_quarter=2025-04-01/part.parquet")
    put_mart(lake, "select 'marts.kpi_new' as relation", "_state/part.parquet")
    lakes.bring_marts(connection, lake, [mart(won="bigint")], "marts")
    found = connection.execute("select * from marts.kpi_new order by 1")
    assert ([column[0] for column in found.description], found.fetchall()) == (
        ["won"],
        [(1,), (2,)],
    )


def test_a_mart_kept_by_quarter_that_has_no_row_comes_back_empty(connection, lake):
    put_mart(lake, "select 'marts.kpi_new' as relation", "_state/part.parquet")
    lakes.bring_marts(connection, lake, [mart(won="bigint", name="varchar")], "marts")
    found = connection.execute("select column_name, column_type from (describe marts.kpi_new)")
    assert found.fetchall() == [("won", "BIGINT"), ("name", "VARCHAR")]
    assert connection.execute("select count(*) from marts.kpi_new").fetchone() == (0,)


def test_the_states_of_tables_kept_by_quarter_are_read_from_beside_them(connection, lake):
    node = mart(won="bigint")
    node.config.materialized = "incremental"
    assert lakes.states(connection, lake, [node]) == []
    noted = "select 'marts.kpi_new' as relation, 'its definition changed' as why, 'r1' as run_id"
    put_mart(lake, f"{noted} from range(3)", "_state/part.parquet")
    assert lakes.states(connection, lake, [node]) == [
        ("marts.kpi_new", "its definition changed", "r1")
    ]
    assert not (lake.scratch / "lake").exists()


def test_either_all_marts_come_back_or_none(connection, lake):
    put_mart(lake, "select 1 as won")
    lakes.bring_marts(connection, lake, [mart(won="bigint")], "marts")
    lake.delete(lake.files("marts/kpi_new")[0])
    put_mart(lake, "select 2 as won")
    lost = mart(won="bigint")
    lost.alias = "kpi_lost"
    with pytest.raises(StepError, match=r"Spark wrote no files for marts[.]kpi_lost"):
        lakes.bring_marts(connection, lake, [mart(won="bigint"), lost], "marts")
    assert connection.execute("select won from marts.kpi_new").fetchall() == [(1,)]


def put_mart(lake: lakes.Lake, query: str, name: str = "part.parquet") -> None:
    lake.scratch.mkdir(exist_ok=True)
    file = Path(lake.scratch) / "mart.parquet"
    duckdb.sql(f"copy ({query}) to '{file}' (format parquet)")
    lake.put(file, f"marts/kpi_new/{name}")

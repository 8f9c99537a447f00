"""What hides a difference between the engines gives the same value on both, and docs/engines.md says so."""

import contextlib
import re

import pytest

import engines


@pytest.fixture(scope="module")
def found(cluster):
    return engines.try_all(cluster.port)


def test_what_the_models_say_means_the_same_on_both_engines(found):
    wrong = [
        (construct.what, engine, values[engine], construct.means)
        for construct, values in zip(engines.CONSTRUCTS, found, strict=True)
        for engine in ("instead on duckdb", "instead on spark")
        if values[engine] != construct.means
    ]
    assert wrong == []


def test_every_construct_is_really_a_difference(found):
    alike = [
        construct.what
        for construct, values in zip(engines.CONSTRUCTS, found, strict=True)
        if values["on duckdb"] == values["same text on spark"]
    ]
    assert alike == []


def test_the_page_says_what_was_found(found):
    assert engines.PAGE.read_text(encoding="utf-8") == engines.page(found), "run `make engines`"


def test_an_insert_by_name_is_what_a_contract_asks_for(cluster, tmp_path):
    with contextlib.closing(engines.connect(cluster.port)) as connection:
        cursor = connection.cursor()
        cursor.execute(
            f"create table held (id bigint, name string) using parquet location '{tmp_path}/held'"
        )

        def said(query: str) -> str:
            try:
                cursor.execute(f"insert overwrite table held by name {query}")
            except Exception as error:  # PyHive has one class for all of them
                return re.search(r"\[([A-Z_]+)[.\]]", str(error))[1]
            cursor.execute("select * from held")
            return str(cursor.fetchall())

        assert said("select 'a' as name, cast(1 as tinyint) as id") == "[(1, 'a')]"
        assert said("select 'a' as name") == "INCOMPATIBLE_DATA_FOR_TABLE"
        assert said("select 'a' as name, 1 as id, 2 as more") == "INSERT_COLUMN_ARITY_MISMATCH"
        assert said("select 'a' as name, '1' as id") == "INCOMPATIBLE_DATA_FOR_TABLE"
        cursor.execute("drop table held")

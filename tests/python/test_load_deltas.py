"""However a history of rows is cut into loads, raw ends the same."""

from __future__ import annotations

import gzip
import itertools
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landing_case import Landing, jsonl, open_landing

# Versions of accounts carry updated_at; products are decided by the order of the loads.
VERSIONS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["x", "y", "z", ""]),
        st.sampled_from(["", "2025-01-01", "2025-01-01T01:00+01:00", "2025-01-02 00:00:00.5"]),
        st.sampled_from(["", "1", "2"]),
    ),
    min_size=1,
    max_size=14,
)
FORMATS = st.sampled_from(["csv", "csv.gz", "jsonl", "folder"])


@pytest.fixture(scope="module")
def landings(tmp_path_factory) -> dict[str, Landing]:
    # Two databases for all examples: making them anew would take most of the time.
    root = tmp_path_factory.mktemp("deltas")
    cases = {name: open_landing(root / name) for name in ("whole", "parts")}
    yield cases
    for case in cases.values():
        case.connection.close()


def empty(landing: Landing) -> Landing:
    for schema, name in landing.rows("select schema_name, table_name from duckdb_tables()"):
        if name.startswith(("accounts", "products")) or schema == "ops":
            landing.connection.execute(f"delete from {schema}.{name}")
    return landing


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    versions=VERSIONS,
    cuts=st.lists(st.integers(0, 14), max_size=4),
    formats=st.lists(FORMATS, min_size=5, max_size=5),
    repeats=st.lists(st.integers(0, 4), max_size=3),
)
def test_any_sequence_of_deltas_ends_in_the_raw_tables_of_one_load(
    landings, versions, cuts, formats, repeats
):
    bounds = sorted({0, len(versions), *(cut for cut in cuts if cut < len(versions))})
    pieces = [versions[start:end] for start, end in itertools.pairwise(bounds)]
    whole, parts = empty(landings["whole"]), empty(landings["parts"])
    write_and_load(whole, versions, "csv")
    for number, piece in enumerate(pieces):
        write_and_load(parts, piece, formats[number % len(formats)])
        # A file that arrives twice in a row says nothing new.
        for _ in range(repeats.count(number)):
            write_and_load(parts, piece, formats[-1])
    expected, found = whole.current(), parts.current()
    assert expected["accounts"]
    assert expected["products"]
    assert found == expected
    assert_the_history_explains_every_change(parts)


def test_late_and_repeated_deltas_in_any_order_end_in_the_newest_versions(tmp_path):
    # With an updated_at of its own for every version even the order of the loads does not matter.
    chance = random.Random(7)
    versions = [
        (f"{key}", f"name {key}.{number}", f"2025-01-{number + 1:02}T{key:02}:00:00Z", str(number))
        for key in range(20)
        for number in range(5)
    ]
    whole = open_landing(tmp_path / "whole")
    write_and_load(whole, versions, "csv")
    assert whole.rows("select distinct _extra_columns from raw_crm.accounts") == [('{"odd":"4"}',)]
    for attempt in range(3):
        chance.shuffle(versions)
        pieces = [versions[start : start + 17] for start in range(0, len(versions), 17)]
        parts = open_landing(tmp_path / f"parts-{attempt}")
        for piece in [*pieces, *chance.sample(pieces, 3)]:
            write_and_load(parts, piece, chance.choice(["csv", "jsonl", "folder"]), products=False)
        assert parts.current()["accounts"] == whole.current()["accounts"]
        assert len(parts.current()["accounts"]) == 20
        parts.connection.close()
    whole.connection.close()


def write_and_load(
    landing: Landing, versions: list[tuple[str, str, str, str]], form: str, *, products: bool = True
) -> None:
    """Land versions as accounts and as products, in one of the forms a delta can have."""
    directory = landing.directory()
    tables = {"accounts": "account_id", **({"products": "product_id"} if products else {})}
    for table, key in tables.items():
        header = [key, "name", *(["updated_at"] if table == "accounts" else ["category"]), "odd"]
        # The name of a product is required.
        rows = [
            (k, name or ("none" if table == "products" else ""), stamp, odd)
            for k, name, stamp, odd in versions
        ]
        if form == "jsonl":
            lines = [{n: v or None for n, v in zip(header, row, strict=True)} for row in rows]
            (directory / f"{table}.jsonl").write_text(jsonl(*lines))
            continue
        text = [",".join(header) + "\n", *(",".join(row) + "\n" for row in rows)]
        if form == "folder":
            (directory / table).mkdir()
            middle = 1 + len(rows) // 2
            for number, part in enumerate((text[1:middle], text[middle:])):
                (directory / table / f"{number}.csv").write_text("".join([text[0], *part]))
        elif form == "csv.gz":
            (directory / f"{table}.csv.gz").write_bytes(gzip.compress("".join(text).encode()))
        else:
            (directory / f"{table}.csv").write_text("".join(text))
    landing.load(directory)


def assert_the_history_explains_every_change(landing: Landing) -> None:
    """Replaced versions = updates; each was replaced by the load that wrote the next version."""
    for table in ("accounts", "products"):
        updates = landing.value(
            f"select coalesce(sum(rows_updated), 0) from ops.loads where table_name = '{table}'"
        )
        assert landing.value(f"select count(*) from raw_crm.{table}__history") == updates
        key = f"{table[:-1]}_id"
        assert landing.value(
            f"""
            select count(*) from raw_crm.{table}__history as old
            where not exists (
                select 1 from (
                    select {key}, _load_id from raw_crm.{table}
                    union all
                    select {key}, _load_id from raw_crm.{table}__history
                ) as next
                where next.{key} = old.{key} and next._load_id = old._replaced_by_load_id
            )
            """
        ) == 0  # fmt: skip

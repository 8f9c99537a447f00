"""The short way for clean Parquet into an empty raw table: no stage, one pass.

A stage costs a third more than the insert alone, and Parquet knows its rows and their numbers.
Whatever is not clean (a row to reject, a key twice) is found afterwards; then the table is
emptied again and the files take the ordinary way.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from warehouse.contract import Table
from warehouse.landing.discover import Part
from warehouse.landing.merge import distinct_keys
from warehouse.landing.raw import raw_name, unordered_inserts
from warehouse.landing.read import check_row_count, parquet_errors, parquet_source
from warehouse.landing.stage import (
    StagedFile,
    check_rows,
    path_pattern,
    rule_columns,
    staged_file,
)
from warehouse.store import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROW_NUMBER = "file_row_number"


def insert_straight(
    connection: DuckDBPyConnection,
    table: Table,
    parts: Sequence[Part],
    *,
    load_id: str,
    loaded_at: datetime,
) -> tuple[list[StagedFile], int] | None:
    """Insert the parts and return them with the number of rows; None if that was not possible.

    Possible are plain Parquet files for an empty raw table without a row that needs a decision.
    """
    raw = raw_name(table)
    if any(part.format != "parquet" or part.gzipped for part in parts):
        return None
    if connection.execute(f"select exists(select 1 from {raw})").fetchone()[0]:
        return None
    with unordered_inserts(connection):
        files = [
            _insert(connection, table, part, index, load_id=load_id, loaded_at=loaded_at)
            for index, part in enumerate(parts)
        ]
    clean = [file for file in files if file is not None]
    rows = connection.execute(f"select count(*) from {raw}").fetchone()[0]
    if len(clean) == len(parts) and distinct_keys(connection, table, raw) == rows:
        return clean, rows
    connection.execute(f"delete from {raw}")
    return None


def _insert(
    connection: DuckDBPyConnection,
    table: Table,
    part: Part,
    index: int,
    *,
    load_id: str,
    loaded_at: datetime,
) -> StagedFile | None:
    """Insert one file; None if it has rows to reject or rules that need what raw holds."""
    with parquet_errors(part.label):
        if _has_own_row_numbers(connection, part):
            return None
        source, expected = parquet_source(
            connection, table, part.path, part.label, options=f", {_ROW_NUMBER} = true"
        )
        rows = check_rows(table, source)
        used = [rule_columns(table, rule.check) for rule in table.rules]
        if any(columns & rows.present and not columns <= rows.present for columns in used):
            return None
        names = ", ".join(quoted(name) for name in table.column_names)
        landed = connection.execute(
            f"""
            insert into {raw_name(table)}
            select {names}, _extra_columns, ?, ?, {literal(part.label)}, {_ROW_NUMBER} + 1, null
            from {rows.relation} where not _is_broken
            """,
            [load_id, loaded_at, *source.parameters],
        ).fetchone()[0]
    if landed == expected:
        return staged_file(source, rows, index)
    everything = connection.execute(
        f"select count(*) from {source.relation}", list(source.parameters)
    ).fetchone()[0]
    check_row_count(part.label, everything, expected)
    return None


def _has_own_row_numbers(connection: DuckDBPyConnection, part: Part) -> bool:
    """Whether the file has a column of the name under which DuckDB numbers its rows."""
    return connection.execute(
        "select exists(select 1 from parquet_schema(?) where lower(name) = ?)",
        [path_pattern(part.path), _ROW_NUMBER],
    ).fetchone()[0]

"""A source's tables into their raw tables: one load is one transaction, all of it or nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse import load as landing
from warehouse.contract import load_contract
from warehouse.landing import raw
from warehouse.landing.merge import Counts
from warehouse.landing.stage import path_pattern
from warehouse.load import TableLoad
from warehouse.sources import files, merge
from warehouse.sources.database import Database
from warehouse.sources.declared import Source, SourceTable
from warehouse.sources.extract import Extract, Extraction
from warehouse.sources.files import Fetched

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class SourceLoad:
    """What one load of a source did; `absent` are declared tables that it did not find."""

    tables: tuple[TableLoad, ...]
    absent: tuple[str, ...]


def load_files(
    connection: DuckDBPyConnection,
    source: Source,
    directories: Sequence[Path],
    *,
    run_id: str,
    full_export: bool = False,
    loaded_at: datetime,
    progress: Callable[[str], None] | None = None,
    scratch: Path | None = None,
) -> SourceLoad:
    """Land directories that hold a source's tables as files, in their order.

    A table with a key and a cursor is upserted: a directory may hold the changed rows alone. Any
    other table, and with `full_export` every table, is taken for all there is.
    """
    found = [files.find(Path(directory), source) for directory in directories]
    loaded_at = landing.naive_utc(loaded_at)

    def land(irregular: frozenset[str]) -> tuple[TableLoad, ...]:
        raw.ensure(connection, load_contract())
        loads = []
        for held, meant in found:
            load_id = landing.next_load_id(connection, run_id)
            origin = str(held.directory.resolve())
            with tempfile.TemporaryDirectory(prefix="warehouse-source-", dir=scratch) as unpacked:
                for stem, parts in held.tables.items():
                    table = source.table(meant[stem])
                    if progress is not None:
                        progress(f"{held.directory.name}: {table.label}")
                    fetched = files.read_table(
                        connection,
                        table,
                        parts,
                        load_id=load_id,
                        loaded_at=loaded_at,
                        scratch=Path(unpacked),
                        irregular=irregular,
                    )
                    counts = merge.merge(
                        connection,
                        # Without its cursor a row that comes later is taken for the newer one.
                        replace(table, cursor=None) if table.cursor in fetched.missing else table,
                        load_id=load_id,
                        loaded_at=loaded_at,
                        is_snapshot=full_export or table.cursor is None,
                    )
                    result = _table_load(
                        connection, table, fetched, counts, load_id=load_id, origin=origin
                    )
                    landing.record(
                        connection,
                        result,
                        fetched.columns,
                        run_id=run_id,
                        full_export=full_export,
                        loaded_at=loaded_at,
                    )
                    loads.append(result)
        merge.create_stage(connection)
        return tuple(loads)

    tables = landing.all_or_nothing(connection, land)
    held = {load.table_name for load in tables}
    return SourceLoad(
        tables=tables,
        absent=tuple(table.name for table in source.tables if table.label not in held),
    )


def load_database(
    connection: DuckDBPyConnection,
    source: Source,
    database: Database,
    *,
    run_id: str,
    full_export: bool = False,
    loaded_at: datetime,
    kept: Path,
    progress: Callable[[str], None] | None = None,
) -> SourceLoad:
    """Fetch a source's tables from its database, then land them in one transaction.

    Of a table with a key and a cursor only what changed is fetched, unless `full_export`. What is
    fetched lies below `kept` until it has landed: a run that was killed is continued by the next.
    """
    extraction = Extraction(directory=kept, connection=connection, database=database, source=source)
    loaded_at = landing.naive_utc(loaded_at)
    # The contract's own tables are there after any load: what no CRM gives comes from them.
    raw.ensure(connection, load_contract())
    extracts, absent = extraction.run(full_export=full_export, progress=progress)

    def land(_irregular: frozenset[str]) -> tuple[TableLoad, ...]:
        load_id = landing.next_load_id(connection, run_id)
        loads = []
        for extract in extracts:
            if progress is not None:
                progress(f"landing {extract.table.label}")
            loads.append(_land_extract(connection, extract, load_id, database, loaded_at))
            landing.record(
                connection,
                loads[-1],
                {name: [kind] for name, kind in sorted(extract.columns.items())},
                run_id=run_id,
                full_export=full_export,
                loaded_at=loaded_at,
            )
        merge.create_stage(connection)
        return tuple(loads)

    tables = landing.all_or_nothing(connection, land)
    extraction.forget()
    return SourceLoad(tables=tables, absent=absent)


def _land_extract(
    connection: DuckDBPyConnection,
    extract: Extract,
    load_id: str,
    database: Database,
    loaded_at: datetime,
) -> TableLoad:
    merge.create_stage(connection)
    for path in extract.files:
        merge.append_to_stage(
            connection,
            "select *, cast(? as varchar) as _stage_file, cast(null as bigint) as _stage_line"
            " from read_parquet(?)",
            [database.address.shown, path_pattern(path)],
        )
    (rows,) = connection.execute(f"select count(*) from {merge.STAGE}").fetchone()
    if extract.present is not None:
        connection.execute(
            f"create or replace temp table {merge.PRESENT} as select * from read_parquet(?)",
            [path_pattern(extract.present)],
        )
    table = extract.table
    keyless = any(name in extract.missing for name in table.key)
    counts = merge.merge(
        connection,
        replace(
            table,
            key=() if keyless else table.key,
            cursor=None if table.cursor in extract.missing else table.cursor,
        ),
        load_id=load_id,
        loaded_at=loaded_at,
        is_snapshot=extract.present is None,
        has_present=extract.present is not None,
    )
    fetched = Fetched(
        rows_read=rows,
        rejected=0,
        columns={name: [kind] for name, kind in extract.columns.items()},
        missing=extract.missing,
        extra=extract.extra,
    )
    return _table_load(
        connection, table, fetched, counts, load_id=load_id, origin=database.address.shown
    )


def _table_load(
    connection: DuckDBPyConnection,
    table: SourceTable,
    fetched: Fetched,
    counts: Counts,
    *,
    load_id: str,
    origin: str,
) -> TableLoad:
    """Rows that could not even be read are counted beside those that could not be merged."""
    return landing.table_load(
        connection,
        table.label,
        replace(counts, rows_read=fetched.rows_read, rejected=fetched.rejected + counts.rejected),
        fetched.columns,
        load_id=load_id,
        source=origin,
        missing=fetched.missing,
        extra=fetched.extra,
    )

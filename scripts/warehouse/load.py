"""Landing: files in the shape of the contract into the raw tables of the warehouse.

Nothing is lost and nothing is half done: a row is landed, a counted duplicate, superseded, or
rejected with its reason; a file that cannot be read stops the whole load and leaves the warehouse
as it was.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from warehouse.contract import Contract, Table, load_contract
from warehouse.landing import raw
from warehouse.landing.discover import Landing, Part, discover
from warehouse.landing.merge import Counts, merge
from warehouse.landing.read import IrregularFileError, read_part
from warehouse.landing.stage import STAGE, StagedFile, create_stage
from warehouse.landing.straight import insert_straight

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Landed = TypeVar("Landed")


@dataclass(frozen=True)
class TableLoad:
    """What one load did to one table: a row of ops.loads.

    rows_read = rows_landed + duplicates + superseded + rejected;
    rows_landed = rows_inserted + rows_updated + rows_stale + rows that were there already.
    """

    load_id: str
    table_name: str
    source: str
    rows_read: int
    rows_landed: int
    duplicates: int
    superseded: int
    conflicts: int
    rejected: int
    rows_inserted: int
    rows_updated: int
    rows_stale: int
    vanished: int
    missing_columns: tuple[str, ...]
    extra_columns: tuple[str, ...]
    type_changes: tuple[str, ...]
    drift: tuple[str, ...]

    @property
    def rejected_share(self) -> float:
        """Rejected rows per row read, 0 to 1."""
        return self.rejected / self.rows_read if self.rows_read else 0.0


@dataclass(frozen=True)
class LoadResult:
    """What a call of `load` did: one entry per directory and table, in the order of loading.

    `absent` are tables that no directory held; `ignored` are entries that are no landing file, each
    with the reason; `days` are landing directories of a day that lie in one that was landed.
    """

    tables: tuple[TableLoad, ...]
    absent: tuple[str, ...]
    ignored: tuple[str, ...]
    days: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reject:
    """A rejected row: where it stood, which column is to blame (None: the whole row) and why."""

    load_id: str
    table_name: str
    source_file: str
    source_line: int | None
    column_name: str | None
    reason: str
    raw_text: str | None
    loaded_at: datetime


def ensure_raw_tables(connection: DuckDBPyConnection) -> None:
    """Create the raw tables, their histories, ops.loads and ops.rejects where they are missing."""
    raw.ensure(connection, load_contract())


def load(
    connection: DuckDBPyConnection,
    directories: Sequence[Path],
    *,
    run_id: str,
    full_export: bool = False,
    loaded_at: datetime,
    progress: Callable[[str], None] | None = None,
    scratch: Path | None = None,
) -> LoadResult:
    """Land the directories in their order, all of them or nothing.

    With `full_export`, rows that a table's export no longer holds are marked as vanished. Raises
    InputError, and leaves the warehouse as it was, when anything cannot be read. Files are unpacked
    below `scratch` (default: the system's directory for temporary files).
    """
    contract = load_contract()
    landings = [discover(Path(directory), contract) for directory in directories]
    loaded_at = naive_utc(loaded_at)

    def land(irregular: frozenset[str]) -> tuple[tuple[TableLoad, ...], ...]:
        raw.ensure(connection, contract)
        job = _Load(connection, run_id, full_export, loaded_at, irregular, progress, scratch)
        return tuple(job.land(contract, landing) for landing in landings)

    tables = all_or_nothing(connection, land)
    loads = tuple(load for landed in tables for load in landed)
    given = {Path(directory).resolve() for directory in directories}
    held = {load.table_name for load in loads}
    return LoadResult(
        tables=loads,
        absent=tuple(table.name for table in contract.tables if table.name not in held),
        ignored=tuple(text for landing in landings for text in landing.ignored),
        days=tuple(
            day
            for landing in landings
            for day in landing.days
            if (landing.directory / day).resolve() not in given
        ),
    )


def all_or_nothing(
    connection: DuckDBPyConnection, land: Callable[[frozenset[str]], Landed]
) -> Landed:
    """Run `land` in one transaction; it gets the labels of files that are to be read slowly."""
    import duckdb

    irregular: set[str] = set()
    # Rows get their line numbers from the order in which DuckDB's readers deliver them.
    (ordered,) = connection.execute("select current_setting('preserve_insertion_order')").fetchone()
    while True:
        connection.execute("set preserve_insertion_order = true")
        # DuckDB 2.0 loses rows, or dies, where it filters the scan of a join by row ids and a table
        # has rows of this transaction beside rows that were there, some of them deleted.
        connection.execute("set disabled_optimizers = 'join_filter_pushdown'")
        connection.execute("begin transaction")
        try:
            landed = land(frozenset(irregular))
            connection.execute("commit")
            return landed
        except IrregularFileError as error:
            # The failed statement took the transaction with it: start again, reading that file
            # slowly.
            connection.execute("rollback")
            if error.label in irregular:
                raise
            irregular.add(error.label)
        except BaseException:
            # A commit that failed (a full disk) has ended the transaction, a damaged file the whole
            # connection: people are told of that, not of the rollback.
            with suppress(duckdb.Error):
                connection.execute("rollback")
            raise
        finally:
            with suppress(duckdb.Error):
                connection.execute(f"set preserve_insertion_order = {bool(ordered)}")
                connection.execute("reset disabled_optimizers")


def naive_utc(instant: datetime) -> datetime:
    """An instant as raw tables hold it: UTC without a zone."""
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant


def next_load_id(connection: DuckDBPyConnection, run_id: str) -> str:
    """The id of the run's next load: the run and a number."""
    (count,) = connection.execute(
        "select count(distinct load_id) from ops.loads where run_id = ?", [run_id]
    ).fetchone()
    return f"{run_id}.{count + 1}"


def drift(
    connection: DuckDBPyConnection, table_name: str, columns: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Changes of type, and all changes of shape as sentences, against the table's last load."""
    last = connection.execute(
        "select file_columns from ops.loads where table_name = ? order by rowid desc limit 1",
        [table_name],
    ).fetchone()
    if last is None or last[0] is None:
        return (), ()
    before: dict[str, list[str]] = json.loads(last[0])
    changes = tuple(
        f"{name} was {' or '.join(before[name])}, is {' or '.join(kinds)}"
        for name, kinds in columns.items()
        # Parts of one folder may differ, so only a kind that was not there before is news.
        if before.get(name) and not set(kinds) <= set(before[name])
    )
    new = [f"new column {name}" for name in columns if name not in before]
    gone = [f"column {name} is gone" for name in before if name not in columns]
    return changes, (*new, *gone, *changes)


def table_load(
    connection: DuckDBPyConnection,
    table_name: str,
    counts: Counts,
    columns: Mapping[str, Sequence[str]],
    *,
    load_id: str,
    source: str,
    missing: tuple[str, ...],
    extra: tuple[str, ...],
) -> TableLoad:
    """What became of a table; its shape is compared with that of its last load."""
    changes, changed_shape = drift(connection, table_name, columns)
    return TableLoad(
        load_id=load_id,
        table_name=table_name,
        source=source,
        **asdict(counts),
        missing_columns=missing,
        extra_columns=extra,
        type_changes=changes,
        drift=changed_shape,
    )


def record(
    connection: DuckDBPyConnection,
    result: TableLoad,
    columns: Mapping[str, Sequence[str]],
    *,
    run_id: str,
    full_export: bool,
    loaded_at: datetime,
) -> None:
    """Write what a load did to one table into ops.loads."""
    lists = (result.missing_columns, result.extra_columns, result.type_changes, result.drift)
    connection.execute(
        "insert into ops.loads by name select"
        " ? as load_id, ? as run_id, ? as table_name, ? as source, ? as rows_read,"
        " ? as rows_landed, ? as duplicates, ? as superseded, ? as conflicts, ? as rejected,"
        " ? as rows_inserted, ? as rows_updated, ? as rows_stale, ? as vanished,"
        " ? as full_export, ? as loaded_at, ? as missing_columns, ? as extra_columns,"
        " ? as type_changes, ? as drift, ? as file_columns",
        [
            result.load_id, run_id, result.table_name, result.source, result.rows_read,
            result.rows_landed, result.duplicates, result.superseded, result.conflicts,
            result.rejected, result.rows_inserted, result.rows_updated, result.rows_stale,
            result.vanished, full_export, loaded_at,
            *(json.dumps(items, ensure_ascii=False) for items in lists),
            json.dumps(columns, ensure_ascii=False),
        ],
    )  # fmt: skip


def rejects(connection: DuckDBPyConnection, table: str | None = None) -> list[Reject]:
    """The rejected rows of a table, or of all, the newest load first, in the order of the files."""
    rows = connection.execute(
        """
        select
            load_id, table_name, source_file, source_line, column_name, reason, raw_text, loaded_at
        from ops.rejects
        where table_name = ? or ? is null
        order by loaded_at desc, load_id desc, table_name, source_file, source_line
        """,
        [table, table],
    ).fetchall()
    return [Reject(*row) for row in rows]


@dataclass(frozen=True)
class _Load:
    connection: DuckDBPyConnection
    run_id: str
    full_export: bool
    loaded_at: datetime
    irregular: frozenset[str]
    progress: Callable[[str], None] | None
    scratch: Path | None

    def land(self, contract: Contract, landing: Landing) -> tuple[TableLoad, ...]:
        """Land one directory."""
        load_id = next_load_id(self.connection, self.run_id)
        source = str(landing.directory.resolve())
        loads = []
        with tempfile.TemporaryDirectory(prefix="warehouse-landing-", dir=self.scratch) as scratch:
            for name, parts in landing.tables.items():
                table = contract.table(name)
                assert table is not None
                if self.progress is not None:
                    self.progress(f"{landing.directory.name}: {name}")
                loads.append(self._land_table(table, parts, load_id, source, Path(scratch)))
        return tuple(loads)

    def _land_table(
        self, table: Table, parts: Sequence[Part], load_id: str, source: str, scratch: Path
    ) -> TableLoad:
        straight = insert_straight(
            self.connection, table, parts, load_id=load_id, loaded_at=self.loaded_at
        )
        if straight is not None:
            files, rows = straight
            counts = Counts(rows_read=rows, rows_landed=rows, rows_inserted=rows)
        else:
            create_stage(self.connection, table)
            files = []
            for part in parts:
                files.append(
                    read_part(
                        self.connection,
                        table,
                        part,
                        len(files),
                        scratch,
                        irregular=self.irregular,
                        earlier=files,
                    )
                )
            counts = merge(
                self.connection,
                table,
                files,
                load_id=load_id,
                loaded_at=self.loaded_at,
                full_export=self.full_export,
            )
            self.connection.execute(f"drop table temp.{STAGE}")
        columns = _columns_of(files)
        result = table_load(
            self.connection,
            table.name,
            counts,
            columns,
            load_id=load_id,
            source=source,
            missing=tuple(name for name in table.column_names if name not in columns),
            extra=tuple(sorted(set(columns) - set(table.column_names))),
        )
        record(
            self.connection,
            result,
            columns,
            run_id=self.run_id,
            full_export=self.full_export,
            loaded_at=self.loaded_at,
        )
        return result


def _columns_of(files: Sequence[StagedFile]) -> dict[str, list[str]]:
    """The columns of all files, each with the kinds of value it has there."""
    kinds: dict[str, set[str]] = {}
    for file in files:
        for name, found in file.kinds.items():
            kinds.setdefault(name, set()).update(found)
    return {name: sorted(found) for name, found in sorted(kinds.items())}

"""From a source's database into files of the home, table by table: a killed run goes on there.

A table with a key and a cursor is fetched by what changed: rows whose cursor is not below the
highest one landed. That alone would lose rows: a transaction may commit later than one with a
higher cursor, and a deleted row has no cursor at all. So the key and the cursor of every row are
fetched as well, two narrow columns: rows that differ from what is landed are fetched by key, rows
that are no longer there are gone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.landing.stage import path_pattern
from warehouse.landing.values import kind_of
from warehouse.sources import merge
from warehouse.sources.database import Database, DatabaseColumn, DatabaseTable, chunks
from warehouse.sources.declared import Source, SourceTable
from warehouse.sources.files import matched
from warehouse.store import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MANIFEST = "extract.json"
_KEYS_PER_QUERY = 500
# With more late rows than this share of the table one full scan costs less.
_MOST_LATE = 0.2


@dataclass(frozen=True)
class Extract:
    """What was fetched of one table: Parquet files, the later ones newer.

    `present` is the file with the keys that the database holds now; None: the files are all of it.
    """

    table: SourceTable
    files: tuple[Path, ...]
    present: Path | None
    columns: Mapping[str, str]
    missing: tuple[str, ...]
    extra: tuple[str, ...]


@dataclass
class Extraction:
    """The fetched tables of one source, kept below the home until they have landed."""

    directory: Path
    connection: DuckDBPyConnection
    database: Database
    source: Source

    def run(
        self, *, full_export: bool, progress: Callable[[str], None] | None
    ) -> tuple[list[Extract], tuple[str, ...]]:
        """Fetch every declared table that is there; also the names of those that are not."""
        found = {table.name: table for table in self.database.tables()}
        spelt = matched(self.source.table_names, found)
        kept = self._kept()
        extracts, absent = [], []
        for table in self.source.tables:
            if table.name not in spelt:
                absent.append(table.name)
                continue
            if progress is not None:
                progress(f"fetching {table.label}")
            extracts.append(self._table(table, found[spelt[table.name]], kept, full_export))
        return extracts, tuple(absent)

    def forget(self) -> None:
        """Everything has landed."""
        shutil.rmtree(self.directory, ignore_errors=True)

    # What a killed run left

    @property
    def _identity(self) -> str:
        return hashlib.sha256(self.database.address.shown.encode()).hexdigest()

    def _kept(self) -> dict[str, list[str]]:
        """The finished files of a run that was killed, by table and its columns."""
        try:
            content = json.loads((self.directory / _MANIFEST).read_text(encoding="utf-8"))
            if content["database"] == self._identity:
                return content["tables"]
        except (OSError, ValueError, KeyError):
            pass
        self.forget()
        return {}

    def _keep(self, kept: dict[str, list[str]], name: str, files: Sequence[Path]) -> None:
        kept[name] = [path.name for path in files]
        content = json.dumps({"database": self._identity, "tables": kept})
        fresh = self.directory / f"{_MANIFEST}.new"
        fresh.write_text(content, encoding="utf-8")
        fresh.replace(self.directory / _MANIFEST)

    # One table

    def _table(
        self, table: SourceTable, there: DatabaseTable, kept: dict[str, list[str]], full: bool
    ) -> Extract:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        columns = {column.name: column for column in there.columns}
        chosen = {name: columns[own] for name, own in matched(table.columns, columns).items()}
        name = f"{table.name}-{_short_hash(sorted(chosen))}"
        before = [self.directory / file for file in kept.get(name, ())]
        has_cursor = table.cursor in chosen and all(key in chosen for key in table.key)
        files, present = None, None
        if has_cursor and not full:
            files, present = self._changes(table, there, chosen, name, before)
        if files is None:
            files, present = [self._fetch(there, chosen, f"{name}.0")], None
        # A table that is only ever read as a whole is read anew by the run that goes on.
        if has_cursor:
            self._keep(kept, name, files)
        return Extract(
            table=table,
            files=tuple(files),
            present=present,
            columns={
                **{column.name: column.data_type for column in there.columns},
                **{name: column.data_type for name, column in chosen.items()},
            },
            missing=tuple(name for name in table.columns if name not in chosen),
            extra=tuple(sorted(set(columns) - {column.name for column in chosen.values()})),
        )

    def _changes(
        self,
        table: SourceTable,
        there: DatabaseTable,
        chosen: Mapping[str, DatabaseColumn],
        name: str,
        before: Sequence[Path],
    ) -> tuple[list[Path] | None, Path | None]:
        """The files with what changed, and the one with all keys; None: read the whole table."""
        known = self._known(table, chosen, before)
        if known is None:
            return None, None
        assert table.cursor is not None
        cursor = chosen[table.cursor]
        last = self._one(f"select max({quoted(table.cursor)}) from ({known})")
        if last is None:
            return None, None
        own = self.database.quoted(cursor.name)
        number = len(before) + 1
        newer = self._fetch(
            there,
            chosen,
            f"{name}.{number}",
            where=f"{own} >= {self.database.instant(cursor, last)} or {own} is null",
        )
        narrow = {column: chosen[column] for column in (*table.key, table.cursor)}
        present = self._fetch(there, narrow, f"{name}.present")
        if not self._comparable(known, present, narrow):
            return None, None
        files = [*before, newer]
        keys = self._late(table, known, newer, present)
        rows = self._one("select count(*) from read_parquet(?)", path_pattern(present))
        if len(keys) > max(_KEYS_PER_QUERY, rows * _MOST_LATE):
            return None, None
        for piece, late in enumerate(chunks(keys, _KEYS_PER_QUERY)):
            where = " or ".join(
                "("
                + " and ".join(
                    f"{self.database.quoted(chosen[column].name)} ="
                    f" {self.database.instant(chosen[column], value)}"
                    for column, value in zip(table.key, key, strict=True)
                )
                + ")"
                for key in late
            )
            files.append(self._fetch(there, chosen, f"{name}.{number}.late{piece}", where=where))
        return files, present

    def _one(self, query: str, *parameters: object) -> Any:
        # All rows: an unfinished result would not let the next batches be registered.
        ((value,),) = self.connection.execute(query, list(parameters)).fetchall()
        return value

    def _known(
        self, table: SourceTable, chosen: Mapping[str, DatabaseColumn], before: Sequence[Path]
    ) -> str | None:
        """SQL for the keys and cursors that are here already, landed or kept; None: nothing is."""
        names = ", ".join(quoted(name) for name in (*table.key, table.cursor or ""))
        known = []
        if merge.exists(self.connection, table.schema, table.name):
            landed = merge.columns_of(self.connection, merge.raw_name(table))
            # A column that is new in the declaration or the database has to be read of every row.
            if set(chosen) <= set(landed):
                known.append(f"select {names} from {merge.raw_name(table)}")
        known += [
            f"select {names} from read_parquet({literal(path_pattern(path))})" for path in before
        ]
        return " union all ".join(known) or None

    def _comparable(self, known: str, present: Path, narrow: Mapping[str, Any]) -> bool:
        """Whether keys and cursors are of the same kinds: files may have landed them as text."""
        here = merge.columns_of(self.connection, f"({known})")
        scan = f"read_parquet({literal(path_pattern(present))})"
        now = merge.columns_of(self.connection, scan)
        return all(kind_of(here[name]) == kind_of(now[name]) for name in narrow)

    def _late(self, table: SourceTable, known: str, newer: Path, present: Path) -> list[tuple]:
        """Keys of rows that were neither landed with the cursor they have now nor just fetched."""
        names = (*table.key, table.cursor or "")
        same = " and ".join(f"k.{quoted(n)} is not distinct from p.{quoted(n)}" for n in names)
        listed = ", ".join(quoted(name) for name in names)
        return self.connection.execute(
            f"""
            select {", ".join(f"p.{quoted(name)}" for name in table.key)}
            from read_parquet(?) as p
            where not exists (
                select 1 from (
                    {known} union all select {listed} from read_parquet(?)
                ) as k where {same}
            )
            order by all
            """,
            [path_pattern(present), path_pattern(newer)],
        ).fetchall()

    def _fetch(
        self,
        there: DatabaseTable,
        chosen: Mapping[str, DatabaseColumn],
        name: str,
        *,
        where: str | None = None,
    ) -> Path:
        """Write the chosen columns into a file, whole or not at all."""
        values = ", ".join(
            f"{self.database.value(column)} as {self.database.quoted(f'c{number}')}"
            for number, column in enumerate(chosen.values())
        )
        condition = f" where {where}" if where else ""
        batches = self.database.query(
            f"select {values} from {self.database.relation(there)}{condition}"
        )
        self.connection.register("source_batches", batches)
        try:
            kinds = merge.columns_of(self.connection, "source_batches")
            listed = ", ".join(
                merge.landed_value(self.database.landed(column, f"c{number}"), kinds[f"c{number}"])
                + f" as {quoted(as_name)}"
                for number, (as_name, column) in enumerate(chosen.items())
            )
            path = self.directory / f"{name}.parquet"
            fresh = path.with_suffix(".partial")
            self.connection.execute(
                f"copy (select {listed} from source_batches) to {literal(str(fresh))}"
                " (format parquet)"
            )
        finally:
            self.connection.unregister("source_batches")
        fresh.replace(path)
        return path


def _short_hash(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]

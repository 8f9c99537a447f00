"""From a stage of fetched rows into a raw table: replaced, or upserted by key and cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from warehouse.contract import HISTORY_COLUMNS
from warehouse.landing.merge import Counts, keep_newest, rank_repeated
from warehouse.landing.raw import Sizes
from warehouse.sources.declared import TECHNICAL_COLUMNS, SourceTable
from warehouse.store import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STAGE = "source_stage"
# The keys a database holds now: what is not among them is gone from it.
PRESENT = "source_present"
# Ends the name of the schema that keeps replaced rows.
HISTORY = "__history"
_RANKED = "source_ranked"
_MATCH = "source_match"
_ZONED = "TIMESTAMP WITH TIME ZONE"
_INSTANTS = ("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")


def landed_type(data_type: str) -> str:
    """The type a raw column gets: instants are UTC without a zone, all others stay."""
    return "TIMESTAMP" if data_type == _ZONED or data_type in _INSTANTS else data_type


def landed_value(expression: str, data_type: str) -> str:
    """The SQL for a value of `data_type` in its landed type."""
    if data_type == _ZONED:
        # A session's time zone must not decide what a day is.
        return f"({expression} at time zone 'UTC')"
    if data_type in _INSTANTS:
        return f"cast({expression} as timestamp)"
    return expression


def columns_of(connection: DuckDBPyConnection, relation: str) -> dict[str, str]:
    """The columns of a table or query and their types, in order."""
    return {
        row[0]: row[1]
        for row in connection.execute(f"describe select * from {relation}").fetchall()
    }


def exists(connection: DuckDBPyConnection, schema: str, name: str) -> bool:
    """Whether there is such a table."""
    return (
        connection.execute(
            "select 1 from duckdb_tables() where schema_name = ? and table_name = ?", [schema, name]
        ).fetchone()
        is not None
    )


def raw_name(table: SourceTable) -> str:
    """The quoted name of the raw table."""
    return f"{quoted(table.schema)}.{quoted(table.name)}"


def history_name(table: SourceTable) -> str:
    """The quoted name of the table with its replaced rows.

    In a schema of its own: a CRM may well have a table `deal__history` itself.
    """
    return f"{quoted(table.schema + HISTORY)}.{quoted(table.name)}"


def create_stage(connection: DuckDBPyConnection) -> None:
    """Forget the last stage; the first rows create the new one."""
    connection.execute(f"drop table if exists temp.{STAGE}")


def append_to_stage(
    connection: DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> None:
    """Append the rows of a query to the stage, which takes on new columns and wider types."""
    staged = connection.execute(
        "select 1 from duckdb_tables() where temporary and table_name = ?", [STAGE]
    ).fetchone()
    if staged is None:
        connection.execute(f"create temp table {STAGE} as {query}", list(parameters))
        return
    # `describe` does not run the query.
    described = connection.execute(f"describe {query}", list(parameters)).fetchall()
    widen(connection, f"temp.{STAGE}", {row[0]: row[1] for row in described})
    connection.execute(f"insert into temp.{STAGE} by name {query}", list(parameters))


def widen(
    connection: DuckDBPyConnection, relation: str, columns: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """Let a table take rows with these columns; returns the columns whose type became wider.

    A missing column is added; where the types differ, the column gets one that holds both.
    """
    known = {name.lower(): (name, kind) for name, kind in columns_of(connection, relation).items()}
    widened: dict[str, tuple[str, str]] = {}
    for name, kind in columns.items():
        if name.lower() not in known:
            connection.execute(f"alter table {relation} add column {quoted(name)} {kind}")
            continue
        own_name, own = known[name.lower()]
        wider = wider_type(connection, own, kind)
        if wider != own:
            connection.execute(
                f"alter table {relation} alter column {quoted(own_name)} type {wider}"
            )
            widened[own_name] = (own, wider)
    return widened


def wider_type(connection: DuckDBPyConnection, one: str, other: str) -> str:
    """The narrowest type that holds the values of both without loss; text, if none does."""
    import duckdb

    if one == other:
        return one
    kinds = {one, other}
    whole = {"BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"}
    fractions = {"FLOAT", "DOUBLE"}
    lossy = kinds & fractions and any(k in whole or k.startswith("DECIMAL") for k in kinds)
    instants = kinds & {"DATE", "TIME", "TIMESTAMP"}
    if lossy or "BOOLEAN" in kinds or (instants and kinds != {"DATE", "TIMESTAMP"}):
        # An id above 2^53 or an amount would be rounded, `true` would become 1, a number no day.
        return "VARCHAR"
    try:
        (found,) = connection.execute(
            f"select typeof(value) from (select cast(null as {one}) as value"
            f" union all select cast(null as {other})) limit 1"
        ).fetchone()
    except duckdb.Error:
        return "VARCHAR"
    return found


def merge(
    connection: DuckDBPyConnection,
    table: SourceTable,
    *,
    load_id: str,
    loaded_at: datetime,
    is_snapshot: bool,
    has_present: bool = False,
) -> Counts:
    """Bring the stage into raw.

    A snapshot is all there is: rows of raw that it lacks are gone. Else rows are upserted by the
    key, an older cursor never overwrites a newer one, and with `has_present` the rows whose key is
    not in PRESENT are gone. Whatever is replaced or gone moves to the history.
    """
    return _Merge(connection, table, load_id, loaded_at).run(is_snapshot, has_present)


@dataclass(frozen=True)
class _Merge:
    connection: DuckDBPyConnection
    table: SourceTable
    load_id: str
    loaded_at: datetime

    def run(self, is_snapshot: bool, has_present: bool) -> Counts:
        rejected = self._reject_keyless() if self.table.key else 0
        duplicates, superseded, conflicts = self._keep_winners() if self.table.key else (0, 0, 0)
        (rows,) = self._one(f"select count(*) from {STAGE}")
        self._ensure_raw()
        before = Sizes.of(self.connection, self._raw, self._history)
        if not before.rows:
            self._insert("true")
            inserted, updated, stale = rows, 0, 0
            # A run that goes on after a kill may have fetched rows that are gone since.
            gone = self._remove_gone(PRESENT) if has_present else 0
        elif not self.table.key:
            inserted, gone = self._replace_all()
            updated = stale = 0
        else:
            inserted, updated, stale = self._upsert(is_snapshot)
            gone = 0
            if is_snapshot or has_present:
                gone = self._remove_gone(STAGE if is_snapshot else PRESENT)
        before.check_after(
            self.table.label,
            Sizes.of(self.connection, self._raw, self._history),
            inserted=inserted,
            updated=updated,
            gone=gone,
        )
        return Counts(
            rows_landed=rows,
            duplicates=duplicates,
            superseded=superseded,
            conflicts=conflicts,
            rejected=rejected,
            rows_inserted=inserted,
            rows_updated=updated,
            rows_stale=stale,
            vanished=gone,
        )

    @property
    def _raw(self) -> str:
        return raw_name(self.table)

    @property
    def _history(self) -> str:
        return history_name(self.table)

    @property
    def _keys(self) -> str:
        return ", ".join(quoted(name) for name in self.table.key)

    def _same_key(self, left: str, right: str) -> str:
        return " and ".join(f"{left}.{quoted(k)} = {right}.{quoted(k)}" for k in self.table.key)

    def _one(self, query: str, parameters: Sequence[object] = ()) -> tuple:
        return self.connection.execute(query, list(parameters)).fetchone()

    def _ensure_raw(self) -> None:
        staged = {
            name: kind
            for name, kind in columns_of(self.connection, STAGE).items()
            if not name.startswith("_stage_")
        }
        later = {column.name: column.data_type for column in HISTORY_COLUMNS}
        for schema, name, ours in (
            (self.table.schema, self._raw, {}),
            (self.table.schema + HISTORY, self._history, later),
        ):
            if exists(self.connection, schema, self.table.name):
                widen(self.connection, name, staged)
                continue
            self.connection.execute(f"create schema if not exists {quoted(schema)}")
            columns = {**staged, **TECHNICAL_COLUMNS, **ours}
            listed = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns.items())
            self.connection.execute(f"create table {name} ({listed})")
        # From here on both sides have the same types, so that they can be compared.
        folded = {name.lower() for name in staged}
        known = columns_of(self.connection, self._raw)
        widen(
            self.connection,
            f"temp.{STAGE}",
            {name: kind for name, kind in known.items() if name.lower() in folded},
        )

    def _staged(self) -> list[str]:
        return [c for c in columns_of(self.connection, STAGE) if not c.startswith("_stage_")]

    def _reject_keyless(self) -> int:
        """A row without its key cannot be told from any other: it is kept as a reject."""
        missing = " or ".join(f"{quoted(name)} is null" for name in self.table.key)
        (count,) = self._one(f"select count(*) from {STAGE} where {missing}")
        if count:
            pairs = ", ".join(
                f"'{name}', cast({quoted(name)} as varchar)" for name in self._staged()
            )
            self.connection.execute(
                f"""
                insert into ops.rejects
                select
                    ?, ?, _stage_file, _stage_line, ?, ?, cast(json_object({pairs}) as varchar), ?
                from {STAGE} where {missing}
                """,
                [
                    self.load_id,
                    self.table.label,
                    self.table.key[0],
                    f"the key ({', '.join(self.table.key)}) is empty",
                    self.loaded_at,
                ],
            )
            self.connection.execute(f"delete from {STAGE} where {missing}")
        return count

    def _keep_winners(self) -> tuple[int, int, int]:
        """One row per key: the newest by cursor, else the last; counts of the others."""
        rows, keys = self._one(f"select count(*), count(distinct ({self._keys})) from {STAGE}")
        if rows == keys:
            return 0, 0, 0
        cursor = quoted(self.table.cursor) if self.table.cursor else "null"
        values = ", ".join(quoted(name) for name in self._staged())
        counts = rank_repeated(
            self.connection, STAGE, _RANKED, keys=self._keys, version=cursor, same=values
        )
        keep_newest(self.connection, STAGE, _RANKED)
        return counts

    def _insert(self, where: str) -> None:
        names = ", ".join(quoted(name) for name in self._staged())
        self.connection.execute(
            f"insert into {self._raw} by name select {names}, ? as _load_id, ? as _loaded_at"
            f" from {STAGE} as s where {where}",
            [self.load_id, self.loaded_at],
        )

    def _to_history(self, where: str) -> int:
        return self._one(
            f"insert into {self._history} by name select r.*, ? as _replaced_at,"
            f" ? as _replaced_by_load_id from {self._raw} as r where {where}",
            [self.loaded_at, self.load_id],
        )[0]

    def _replace_all(self) -> tuple[int, int]:
        """A table without a key: the whole of it is exchanged, unless it says the same."""
        kinds = columns_of(self.connection, self._raw)
        names = [name for name in kinds if name not in TECHNICAL_COLUMNS]
        staged = {name.lower() for name in self._staged()}
        new = ", ".join(
            f"cast({quoted(n) if n.lower() in staged else 'null'} as {kinds[n]})" for n in names
        )
        old = ", ".join(quoted(name) for name in names)
        (inserted,) = self._one(
            f"select count(*) from (select {new} from {STAGE} except all"
            f" select {old} from {self._raw})"
        )
        gone = f"select {old} from {self._raw} except all select {new} from {STAGE}"
        (vanished,) = self._one(f"select count(*) from ({gone})")
        if not inserted and not vanished:
            return 0, 0
        self.connection.execute(
            f"insert into {self._history} by name select *, ? as _replaced_at,"
            f" ? as _replaced_by_load_id from ({gone})",
            [self.loaded_at, self.load_id],
        )
        self.connection.execute(f"delete from {self._raw}")
        self._insert("true")
        return inserted, vanished

    def _upsert(self, is_snapshot: bool) -> tuple[int, int, int]:
        differs = [
            f"s.{quoted(name)} is distinct from r.{quoted(name)}"
            for name in self._staged()
            if name not in self.table.key
        ]
        stale = "false"
        if self.table.cursor and not is_snapshot:
            cursor = quoted(self.table.cursor)
            stale = (
                f"coalesce(s.{cursor} < r.{cursor}, r.{cursor} is not null and s.{cursor} is null)"
            )
        self.connection.execute(
            f"""
            create or replace temp table {_MATCH} as
            select
                s.rowid as stage_id,
                r.rowid as raw_id,
                case
                    when {stale} then 'stale'
                    when {" or ".join(differs) or "false"} then 'changed'
                    else 'same'
                end as status
            from {STAGE} as s
            inner join {self._raw} as r on {self._same_key("s", "r")}
            """
        )
        updated, stale_rows = self._one(
            f"select count(*) filter (status = 'changed'), count(*) filter (status = 'stale')"
            f" from {_MATCH}"
        )
        inserted = self._one(
            f"select count(*) from {STAGE} where rowid not in (select stage_id from {_MATCH})"
        )[0]
        if updated:
            self._replace_changed()
        if inserted:
            self._insert(f"s.rowid not in (select stage_id from {_MATCH})")
        return inserted, updated, stale_rows

    def _replace_changed(self) -> None:
        """Old versions go to the history; a column that this load lacks keeps its value."""
        changed = f"select raw_id from {_MATCH} where status = 'changed'"
        self._to_history(f"r.rowid in ({changed})")
        values = ", ".join(f"{quoted(name)} = s.{quoted(name)}" for name in self._staged())
        self.connection.execute(
            f"""
            update {self._raw} as r set {values}, _load_id = ?, _loaded_at = ?
            from {STAGE} as s
            inner join {_MATCH} as m on s.rowid = m.stage_id and m.status = 'changed'
            where r.rowid = m.raw_id
            """,
            [self.load_id, self.loaded_at],
        )

    def _remove_gone(self, present: str) -> int:
        gone = f"not exists (select 1 from {present} as s where {self._same_key('s', 'r')})"
        moved = self._to_history(gone)
        if moved:
            self.connection.execute(f"delete from {self._raw} as r where {gone}")
        return moved

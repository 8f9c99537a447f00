"""The stage into raw: one version per key, the newest one; what it replaces goes to the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from warehouse.contract import TECHNICAL_COLUMNS, Table
from warehouse.landing.raw import Sizes, raw_name, unordered_inserts
from warehouse.landing.stage import STAGE, StagedFile
from warehouse.store import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_RANKED = "landing_ranked"
_MATCH = "landing_match"
_NEW = "landing_new"
_FILES = "landing_files"
_REJECTED = "landing_rejected"


@dataclass(frozen=True)
class Counts:
    """What became of the rows of one table; read = landed + duplicates + superseded + rejected."""

    rows_read: int = 0
    rows_landed: int = 0
    duplicates: int = 0
    superseded: int = 0
    conflicts: int = 0
    rejected: int = 0
    rows_inserted: int = 0
    rows_updated: int = 0
    rows_stale: int = 0
    vanished: int = 0


def merge(
    connection: DuckDBPyConnection,
    table: Table,
    files: Sequence[StagedFile],
    *,
    load_id: str,
    loaded_at: datetime,
    full_export: bool,
) -> Counts:
    """Bring the staged rows into raw, the rejected ones into ops.rejects, and count all of them.

    Raises StepError when raw then holds other numbers of rows than follow from that.
    """
    return _Merge(connection, table, files, load_id, loaded_at, full_export).run()


def distinct_keys(connection: DuckDBPyConnection, table: Table, relation: str) -> int:
    """How many keys a relation holds at least; of composite keys their hashes are counted."""
    keys = ", ".join(quoted(name) for name in table.key)
    counted = keys if len(table.key) == 1 else f"hash({keys})"
    return connection.execute(f"select count(distinct {counted}) from {relation}").fetchone()[0]


def rank_repeated(
    connection: DuckDBPyConnection,
    stage: str,
    ranked: str,
    *,
    keys: str,
    version: str,
    same: str,
    kept: str = "",
) -> tuple[int, int, int]:
    """Rank the staged rows of keys that come more than once; duplicates, superseded and conflicts.

    `ranked` becomes a temporary table with their `_row_id`, the SQL columns `kept`, and `_rank`: 1 is
    the newest by the SQL expression `version`, else the last. Rows that agree in `same` are copies.
    """
    connection.execute(
        f"""
        create or replace temp table {ranked} as
        select
            s.rowid as _row_id, {kept}
            row_number() over by_version as _rank,
            row_number() over (partition by {same} order by s.rowid desc) as _copy,
            {version} is not distinct from first_value({version}) over by_version as _is_tie
        from {stage} as s
        where ({keys}) in (select ({keys}) from {stage} group by all having count(*) > 1)
        window by_version as (
            partition by {keys} order by {version} desc nulls last, s.rowid desc
        )
        """
    )
    return connection.execute(
        f"""
        select
            count(*) filter (_copy > 1),
            count(*) filter (_copy = 1 and _rank > 1),
            count(*) filter (_copy = 1 and _rank > 1 and _is_tie)
        from {ranked}
        """
    ).fetchone()


def keep_newest(connection: DuckDBPyConnection, stage: str, ranked: str) -> None:
    """Leave the newest row of each ranked key in the stage."""
    connection.execute(
        f"delete from {stage} where rowid in (select _row_id from {ranked} where _rank > 1)"
    )


@dataclass(frozen=True)
class _Merge:
    connection: DuckDBPyConnection
    table: Table
    files: Sequence[StagedFile]
    load_id: str
    loaded_at: datetime
    full_export: bool

    def run(self) -> Counts:
        self._describe_files()
        rows_read, rejected = self._one(f"select count(*), count(_problem) from {STAGE}")
        if rejected:
            self._move_rejects()
        if self._sometimes():
            self.connection.execute(f"alter table {STAGE} add column _filled varchar[]")
        duplicates, superseded, conflicts = self._keep_winners(rows_read - rejected)
        landed = rows_read - rejected - duplicates - superseded
        before = Sizes.of(self.connection, self._raw, self._history)
        if not before.rows:
            self._insert_new(where="true")
            inserted, updated, stale = landed, 0, 0
        else:
            inserted, updated, stale = self._upsert(landed)
        vanished = self._mark_vanished(rejected) if self.full_export and before.rows else 0
        before.check_after(
            self.table.name,
            Sizes.of(self.connection, self._raw, self._history),
            inserted=inserted,
            updated=updated,
            # What has vanished from an export stays in raw, marked.
            gone=0,
        )
        return Counts(
            rows_read=rows_read,
            rows_landed=landed,
            duplicates=duplicates,
            superseded=superseded,
            conflicts=conflicts,
            rejected=rejected,
            rows_inserted=inserted,
            rows_updated=updated,
            rows_stale=stale,
            vanished=vanished,
        )

    # Names and small expressions

    @property
    def _raw(self) -> str:
        return raw_name(self.table)

    @property
    def _history(self) -> str:
        return raw_name(self.table, "__history")

    @property
    def _keys(self) -> str:
        return ", ".join(quoted(name) for name in self.table.key)

    def _same_key(self, left: str, right: str) -> str:
        return " and ".join(f"{left}.{quoted(k)} = {right}.{quoted(k)}" for k in self.table.key)

    def _one(self, query: str, parameters: Sequence[object] = ()) -> tuple[int, ...]:
        return self.connection.execute(query, list(parameters)).fetchone()

    def _always(self, name: str) -> bool:
        return all(name in file.present for file in self.files)

    def _sometimes(self) -> list[str]:
        """Columns that some files of this load have and others have not."""
        present = [file.present for file in self.files]
        return [
            n
            for n in self.table.column_names
            if not self._always(n) and any(n in p for p in present)
        ]

    def _in_files(self, side: str, name: str) -> str:
        """SQL: whether the file a staged row came from has the column."""
        indexes = ", ".join(str(file.index) for file in self.files if name in file.present)
        return f"{side}._file in ({indexes})"

    def _brings(self, side: str, name: str) -> str:
        """SQL: whether a staged row says anything about the column; if not, raw keeps its value."""
        if self._always(name):
            return "true"
        if name not in self._sometimes():
            return "false"
        filled = f"coalesce(list_contains({side}._filled, {literal(name)}), false)"
        return f"({self._in_files(side, name)} or {filled})"

    def _describe_files(self) -> None:
        self.connection.execute(
            f"create or replace temp table {_FILES}"
            " (_file integer, _label varchar, _offset bigint, _has_extras boolean,"
            " _no_extras varchar)"
        )
        for file in self.files:
            # A patch that takes the file's own unknown columns out of what raw holds of them.
            self.connection.execute(
                f"insert into {_FILES}"
                " select ?, ?, ?, ?, cast(json_group_object(name, null) as varchar)"
                " from (select unnest(?::varchar[]) as name)",
                [file.index, file.label, file.line_offset, bool(file.extras), list(file.extras)],
            )

    # Rejects

    def _move_rejects(self) -> None:
        self.connection.execute(
            f"""
            insert into ops.rejects
            select
                ?, ?, f._label, coalesce(s._line, s.rowid + f._offset),
                s._problem_column, s._problem, s._raw_text, ?
            from {STAGE} as s inner join {_FILES} as f on s._file = f._file
            where s._problem is not null
            order by s._file, s.rowid
            """,
            [self.load_id, self.table.name, self.loaded_at],
        )
        if self.full_export:
            self.connection.execute(
                f"create or replace temp table {_REJECTED} as"
                f" select {self._keys}, _raw_text from {STAGE} where _problem is not null"
            )
        self.connection.execute(f"delete from {STAGE} where _problem is not null")

    # Several rows of one key in one load

    def _keep_winners(self, rows: int) -> tuple[int, int, int]:
        """Leave one row per key in the stage; count duplicates, superseded rows and conflicts."""
        if distinct_keys(self.connection, self.table, STAGE) == rows:
            return 0, 0, 0
        version = quoted(self.table.updated_at) if self.table.updated_at else "null::timestamp"
        sometimes = [f"({self._in_files('s', name)})" for name in self._sometimes()]
        same = ", ".join(
            [*(quoted(n) for n in self.table.column_names), "_extra_columns", *sometimes]
        )
        counts = rank_repeated(
            self.connection,
            STAGE,
            _RANKED,
            keys=self._keys,
            version=version,
            same=same,
            kept="s.*,",
        )
        self._fill_from_older()
        keep_newest(self.connection, STAGE, _RANKED)
        return counts

    def _fill_from_older(self) -> None:
        """A winner from a file without some column takes it from the next older row that has it.

        Loading the same files one after the other ends the same way.
        """
        for name in self._sometimes():
            self.connection.execute(
                f"""
                update {STAGE}
                set
                    {quoted(name)} = older.newest.value,
                    _filled = list_append(coalesce(_filled, []), {literal(name)})
                from (
                    select
                        arg_max(r._row_id, -r._rank) as row_id,
                        arg_max({{'value': r.{quoted(name)}}}, -r._rank)
                            filter ({self._in_files("r", name)}) as newest
                    from {_RANKED} as r
                    group by {", ".join(f"r.{quoted(key)}" for key in self.table.key)}
                ) as older
                where
                    {STAGE}.rowid = older.row_id
                    and older.newest is not null
                    and not {self._in_files(STAGE, name)}
                """
            )

    # New and changed rows

    def _insert_new(self, *, where: str) -> None:
        contract = ", ".join(f"s.{quoted(name)}" for name in self.table.column_names)
        single = self.files[0] if len(self.files) == 1 else None
        label = literal(single.label) if single else "f._label"
        offset = str(single.line_offset) if single else "f._offset"
        join = "" if single else f"inner join {_FILES} as f on s._file = f._file"
        with unordered_inserts(self.connection):
            self.connection.execute(
                f"""
                insert into {self._raw}
                select
                    {contract}, s._extra_columns, ?, ?, {label},
                    coalesce(s._line, s.rowid + {offset}), null
                from {STAGE} as s {join}
                where {where}
                """,
                [self.load_id, self.loaded_at],
            )

    def _upsert(self, landed: int) -> tuple[int, int, int]:
        """Merge the staged rows into raw, which has rows; inserted, updated and stale rows."""
        self._match()
        matched, changed, stale, revived = self._one(
            f"""
            select
                count(*),
                count(*) filter (status = 'changed'),
                count(*) filter (status in ('stale', 'revived')),
                count(*) filter (status = 'revived')
            from {_MATCH}
            """
        )
        if changed:
            self._replace()
        if revived:
            self.connection.execute(
                f"update {self._raw} set _vanished_at = null, _load_id = ?, _loaded_at = ?"
                f" where rowid in (select raw_id from {_MATCH} where status = 'revived')",
                [self.load_id, self.loaded_at],
            )
        inserted = landed - matched
        if inserted:
            known = f"s.rowid not in (select stage_id from {_MATCH})" if matched else "true"
            self._insert_new(where=known)
        return inserted, changed, stale

    def _match(self) -> None:
        """Pair staged rows with the rows of raw they speak of, and say what follows.

        same: nothing to do. stale: raw holds a newer version. revived: stale as well, but the
        full export shows that the row has not vanished. changed: a new version, or a vanished row
        is back.
        """
        differs = [
            f"({self._brings('s', name)} and s.{quoted(name)} is distinct from r.{quoted(name)})"
            for name in self.table.column_names
            if name not in self.table.key and any(name in file.present for file in self.files)
        ]
        if any(file.extras for file in self.files):
            differs.append(f"({self._merged_extras()}) is distinct from r._extra_columns")
        differs.append("r._vanished_at is not null")
        stale = "false"
        if self.table.updated_at:
            name = quoted(self.table.updated_at)
            stale = (
                f"coalesce({self._brings('s', self.table.updated_at)} and r.{name} is not null"
                f" and (s.{name} is null or s.{name} < r.{name}), false)"
            )
        revived = "r._vanished_at is not null" if self.full_export else "false"
        self.connection.execute(
            f"""
            create or replace temp table {_MATCH} as
            select
                s.rowid as stage_id,
                r.rowid as raw_id,
                case
                    when {stale} then case when {revived} then 'revived' else 'stale' end
                    when {" or ".join(differs)} then 'changed'
                    else 'same'
                end as status
            from {STAGE} as s
            inner join {self._raw} as r on {self._same_key("s", "r")}
            inner join {_FILES} as f on s._file = f._file
            """
        )

    def _merged_extras(self) -> str:
        """Unknown columns of a known row: those of the file replace theirs, the others stay."""
        patched = (
            "json_merge_patch(json_merge_patch(r._extra_columns, f._no_extras), s._extra_columns)"
        )
        sorted_again = (
            f"map_from_entries(list_sort(map_entries(cast({patched} as map(varchar, varchar)))))"
        )
        return f"""case
            when not f._has_extras then r._extra_columns
            when r._extra_columns is null or r._extra_columns = s._extra_columns
                then s._extra_columns
            when s._extra_columns is null
                then nullif(
                    cast(json_merge_patch(r._extra_columns, f._no_extras) as varchar), '{{}}'
                )
            else cast(to_json({sorted_again}) as varchar)
        end"""

    def _replace(self) -> None:
        """Move the old versions to the history and put the new ones in their place."""
        names = [*self.table.column_names, *(column.name for column in TECHNICAL_COLUMNS)]
        changed = f"inner join {_MATCH} as m on r.rowid = m.raw_id and m.status = 'changed'"
        self.connection.execute(
            f"""
            insert into {self._history}
            select {", ".join(f"r.{quoted(name)}" for name in names)}, ?, ?
            from {self._raw} as r {changed}
            """,
            [self.loaded_at, self.load_id],
        )
        merged = ", ".join(
            f"case when {self._brings('s', name)} then s.{quoted(name)} else r.{quoted(name)} end"
            f" as {quoted(name)}"
            for name in self.table.column_names
        )
        self.connection.execute(
            f"""
            create or replace temp table {_NEW} as
            select
                {merged}, {self._merged_extras()} as _extra_columns, cast(? as varchar) as _load_id,
                cast(? as timestamp) as _loaded_at, f._label as _source_file,
                coalesce(s._line, s.rowid + f._offset) as _source_line,
                cast(null as timestamp) as _vanished_at
            from {self._raw} as r {changed}
            inner join {STAGE} as s on m.stage_id = s.rowid
            inner join {_FILES} as f on s._file = f._file
            """,
            [self.load_id, self.loaded_at],
        )
        self.connection.execute(
            f"delete from {self._raw}"
            f" where rowid in (select raw_id from {_MATCH} where status = 'changed')"
        )
        self.connection.execute(f"insert into {self._raw} select * from {_NEW}")
        self.connection.execute(f"drop table temp.{_NEW}")

    # Full exports

    def _mark_vanished(self, rejected: int) -> int:
        """Mark the rows of raw that a full export no longer has; a rejected row is still there."""
        gone = [f"not exists (select 1 from {STAGE} as s where {self._same_key('s', 'r')})"]
        if rejected:
            gone.append(
                f"not exists (select 1 from {_REJECTED} as x where {self._same_key('x', 'r')})"
            )
            unreadable = " or ".join(f"x.{quoted(name)} is null" for name in self.table.key)
            if self._one(f"select exists(select 1 from {_REJECTED} as x where {unreadable})")[0]:
                # A line so broken that its key cannot be read: spare every row whose key stands
                # in it.
                named = " and ".join(
                    f"contains(x._raw_text, cast(r.{quoted(name)} as varchar))"
                    for name in self.table.key
                )
                gone.append(
                    f"not exists (select 1 from {_REJECTED} as x where ({unreadable}) and {named})"
                )
        return self._one(
            f"""
            update {self._raw} set _vanished_at = ?
            where rowid in (
                select r.rowid from {self._raw} as r
                where r._vanished_at is null and {" and ".join(gone)}
            )
            """,
            [self.loaded_at],
        )[0]

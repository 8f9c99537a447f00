"""Write, audit, publish: readers see whole, verified releases, switched by one rename.

A release is written beside the others as `<id>.partial`, closed, opened again read-only, compared
with the warehouse, made read-only, and renamed. Then the symlink `published/current` is replaced.
A process that dies at any moment leaves the last release where it was.

What has not changed since the last release is taken over from it: its DuckDB file is copied and
given the rows that differ, a Parquet file is linked or keeps the row groups of its parts that are
the same. Content alone decides, and whatever was taken over is verified like what was written.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse import build as building
from warehouse import dbt_docs, parquet, parts, runs, store
from warehouse.config import Config
from warehouse.errors import InputError, StepError
from warehouse.logs import logger
from warehouse.parts import Contents, Parts
from warehouse.store import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Saved queries hold `sales_kpi.marts.<table>`: neither name ever changes.
DATABASE = "sales_kpi.duckdb"
CATALOG = "sales_kpi"
SCHEMA = building.MARTS_SCHEMA
# Readable by DuckDB 1.4 and later; the default of DuckDB 2.0 is not.
STORAGE_VERSION = "v1.4.0"
PARTIAL = ".partial"
# What the history says of a draft that was not what the warehouse held.
_FAILED = "failed"
# Sorting more rows would cost more than a stable order is worth.
_SORTED_ROWS_WITHOUT_KEY = 100_000
# A mart of which a larger share has changed is written anew.
_CHANGED_SHARE = 0.5
# A DuckDB file keeps the space of replaced rows: when it has grown so much, it is written anew.
# A small file grows by whole blocks, which says nothing.
_GROWTH = 1.3
_SPARE_BYTES = 32 * 1024 * 1024
_COPY_BYTES = 8 * 1024 * 1024
_PARQUET = "format parquet, compression zstd"


@dataclass(frozen=True)
class Release:
    """A directory that readers can use; instants are UTC in ISO 8601."""

    release_id: str
    path: Path
    sequence: int
    as_of: str
    run_id: str
    built_at: str
    published_at: str
    row_counts: Mapping[str, int]
    sha256: Mapping[str, str]
    is_current: bool = False

    @property
    def database(self) -> Path:
        """The file with the marts."""
        return self.path / DATABASE


@dataclass(frozen=True)
class Draft:
    """A release that is written but not yet visible."""

    release_id: str
    path: Path
    sequence: int
    as_of: str
    run_id: str
    built_at: str
    row_counts: Mapping[str, int]
    # What the warehouse holds, mart by mart.
    contents: Contents
    # Files that are those of the last release, and their checksums.
    linked: Mapping[str, str] = field(default_factory=dict)

    @property
    def fingerprints(self) -> dict[str, tuple[int, int]]:
        """Row count and order-free checksum of every mart as the warehouse has it."""
        return {name: table.fingerprint for name, table in self.contents.tables.items()}

    @property
    def database(self) -> Path:
        """The file with the marts."""
        return self.path / DATABASE

    @property
    def report(self) -> Path:
        """Where the page of this release belongs."""
        return self.path / "report"


class _UnusableError(Exception):
    """The last release cannot be continued."""


@dataclass(frozen=True)
class _Base:
    """The release that the next one continues; its files count only with the right checksum."""

    release: Release
    contents: Contents

    def copy_database(self, target: Path) -> None:
        """Copy the file with the marts."""
        checksum = hashlib.sha256()
        try:
            with self.release.database.open("rb") as source, target.open("wb") as out:
                while block := source.read(_COPY_BYTES):
                    checksum.update(block)
                    out.write(block)
        except OSError as error:
            raise store.os_failure(error, f"{target} cannot be written") from error
        self._compare(DATABASE, checksum.hexdigest())

    def parquet(self, file: str) -> Path:
        """A Parquet file of the release, with its own bytes."""
        path = self.release.path / file
        try:
            self._compare(file, _sha256(path))
        except OSError as error:
            raise _UnusableError(f"{path} cannot be read: {error}") from error
        return path

    def groups(self, file: str, before: Parts, table: Parts) -> dict[int, parquet.Groups]:
        """The row groups of the parts that have not changed."""
        differing = table.differing(before)
        if not before.is_like(table) or differing >= set(before.sums):
            return {}
        source = self.parquet(file)
        found = {}
        first = 0
        for part, count in before.groups:
            if part not in differing:
                found[part] = parquet.Groups(source, first, count)
            first += count
        return found

    def link(self, file: str, target: Path) -> str:
        """The same file in another release, without its bytes once more; gives its checksum.

        Published files are never written again, so that two names of one file do no harm.
        """
        source = self.parquet(file)
        try:
            target.hardlink_to(source)
        except OSError:
            # Not every file system has links.
            try:
                shutil.copyfile(source, target)
            except OSError as error:
                raise _UnusableError(f"{file} cannot be copied: {error}") from error
        return self.release.sha256[file]

    def _compare(self, file: str, found: str) -> None:
        if found != self.release.sha256.get(file):
            raise _UnusableError(f"{self.release.path / file} is not what was published")


def _base(config: Config) -> _Base | None:
    """The current release, if there is no doubt about it."""
    release = current(config)
    if release is None or _last_action(config) == _FAILED:
        return None
    try:
        note = json.loads((release.path / "release.json").read_text(encoding="utf-8"))
        contents = parts.read(release.path / parts.FILE)
        is_own = _sha256(release.path / parts.FILE) == release.sha256.get(parts.FILE)
        size = release.database.stat().st_size
    except (OSError, ValueError, KeyError, TypeError):
        return None
    is_same_kind = note.get("storage_version") == STORAGE_VERSION and contents.is_current
    has_room = size <= _GROWTH * contents.first_bytes + _SPARE_BYTES
    return _Base(release, contents) if is_own and is_same_kind and has_room else None


def write(config: Config, *, progress: Any = None) -> Draft:
    """Write the marts of the last green build as `<id>.partial`; readers do not see it."""
    import duckdb

    sweep(config)
    base = _base(config)
    if base is not None:
        try:
            return _write(config, base, progress)
        except (_UnusableError, parquet.UnjoinableError, duckdb.Error) as error:
            # Written from nothing, whatever is the matter shows again, or does not matter.
            logger.warning(
                "the last release is not continued",
                extra={"data": {"release": base.release.release_id, "cause": str(error)}},
            )
            sweep(config)
    return _write(config, None, progress)


def _write(config: Config, base: _Base | None, progress: Any) -> Draft:
    release_id = f"{runs.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    path = config.releases / f"{release_id}{PARTIAL}"
    try:
        path.mkdir()
        (path / "parquet").mkdir()
    except OSError as error:
        raise store.os_failure(error, f"{path} cannot be created") from error
    with _opened(config) as connection:
        # The alias is the catalog's own name, so that a view in it finds its tables.
        connection.execute(f"attach {literal(str(config.warehouse))} as warehouse (read_only)")
        run_id, as_of, built_at, keys = _green_build(connection)
        rows = building.mart_rows(connection, "warehouse")
        tables = parts.of(connection, "warehouse", SCHEMA, rows)
        if base is None:
            connection.execute(
                f"attach {literal(str(path / DATABASE))} as {quoted(CATALOG)} "
                f"(storage_version {literal(STORAGE_VERSION)})"
            )
            connection.execute(f"create schema {quoted(CATALOG)}.{quoted(SCHEMA)}")
        else:
            base.copy_database(path / DATABASE)
            connection.execute(f"attach {literal(str(path / DATABASE))} as {quoted(CATALOG)}")
            for name in set(base.contents.tables) - set(tables):
                connection.execute(f"drop table {_published(name)}")
        linked = {}
        for number, (name, table) in enumerate(tables.items(), start=1):
            if progress:
                progress(f"{number} of {len(rows)}: {name}")
            before = base.contents.tables.get(name) if base else None
            _write_table(connection, name, table, before, keys.get(name, ()))
            file = f"parquet/{name}.parquet"
            if base and before and before.is_like(table) and not table.differing(before):
                linked[file] = base.link(file, path / file)
                tables[name] = replace(table, groups=before.groups)
            else:
                kept = base.groups(file, before, table) if base and before else {}
                groups = _write_parquet(connection, path / file, name, table, kept)
                tables[name] = replace(table, groups=groups)
        _note_comments(connection, list(rows))
        _add_docs(config, path)
        connection.execute(f"checkpoint {quoted(CATALOG)}")
        connection.execute(f"detach {quoted(CATALOG)}")
    size = (path / DATABASE).stat().st_size
    contents = Contents(
        first_bytes=base.contents.first_bytes if base else size,
        tables=tables,
        continues=base.release.release_id if base else None,
    )
    contents.write(path / parts.FILE)
    return Draft(
        release_id=release_id,
        path=path,
        sequence=max((release.sequence for release in releases(config)), default=0) + 1,
        as_of=as_of,
        run_id=run_id,
        built_at=built_at,
        row_counts=rows,
        contents=contents,
        linked=linked,
    )


def commit(config: Config, draft: Draft) -> Release:
    """Verify the draft, make it read-only, and let readers see it."""
    try:
        audit(config, draft)
    except StepError:
        # The next one is written from nothing.
        _note(config, _FAILED, draft.release_id, current_id(config))
        raise
    files = sorted(path for path in draft.path.rglob("*") if path.is_file())
    note = {
        "release_id": draft.release_id,
        "sequence": draft.sequence,
        "as_of": draft.as_of,
        "run_id": draft.run_id,
        "built_at": draft.built_at,
        "published_at": runs.now().isoformat(),
        "storage_version": STORAGE_VERSION,
        "row_counts": dict(draft.row_counts),
        "sha256": {
            name: draft.linked.get(name) or _sha256(draft.path / name)
            for name in (path.relative_to(draft.path).as_posix() for path in files)
        },
    }
    final = config.releases / draft.release_id
    try:
        release_file = draft.path / "release.json"
        release_file.write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
        _seal(draft.path)
        draft.path.rename(final)
        _sync(config.releases)
        previous = current_id(config)
        _switch(config, draft.release_id)
        _note(config, "publish", draft.release_id, previous)
    except OSError as error:
        raise store.os_failure(
            error, f"The release {draft.release_id} was not published"
        ) from error
    collect(config, also_keep=previous)
    return _release(final, is_current=True)


def publish(config: Config, *, report: bool = True, progress: Any = None) -> Release:
    """All of it: write, add the page, verify, switch."""
    draft = write(config, progress=progress)
    if report:
        from warehouse import report as page

        page.write(draft.database, draft.report, options=config.detached_options())
    return commit(config, draft)


def rollback(config: Config, release_id: str | None = None) -> Release:
    """Let readers see an earlier release again: the one named, else the one before this one."""
    present = {release.release_id: release for release in releases(config)}
    now = current_id(config)
    if release_id is None:
        if now is None or now not in present:
            raise InputError("Nothing is published, so there is nothing to go back from.")
        earlier = [
            release for release in present.values() if release.sequence < present[now].sequence
        ]
        if not earlier:
            raise InputError(f"{now} is the oldest release that is kept: there is none before it.")
        release_id = max(earlier, key=lambda release: release.sequence).release_id
    if release_id not in present:
        raise InputError(
            f"There is no release {release_id!r}; kept are {', '.join(present) or 'none'}."
        )
    if release_id == now:
        raise InputError(f"{release_id} is the release that readers see already.")
    release = present[release_id]
    verify(config, release)
    try:
        _switch(config, release_id)
        _note(config, "rollback", release_id, now)
    except OSError as error:
        raise store.os_failure(error, "The rollback was not done") from error
    return _release(release.path, is_current=True)


def releases(config: Config) -> list[Release]:
    """The releases that are kept, the newest first; one without a readable note is left out."""
    now = current_id(config)
    found = []
    with suppress(FileNotFoundError):
        for path in config.releases.iterdir():
            if path.name.endswith(PARTIAL) or not path.is_dir():
                continue
            with suppress(OSError, ValueError, KeyError, TypeError):
                found.append(_release(path, is_current=path.name == now))
    return sorted(found, key=lambda release: release.sequence, reverse=True)


def current_id(config: Config) -> str | None:
    """Which release readers see; None when nothing is published."""
    try:
        return config.current.readlink().name
    except OSError:
        return None


def current(config: Config) -> Release | None:
    """The release that readers see."""
    name = current_id(config)
    if name is None:
        return None
    try:
        return _release(config.releases / name, is_current=True)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def audit(config: Config, draft: Draft) -> None:
    """Open what was written, read-only, and compare it with what the warehouse held."""
    import duckdb

    names = list(draft.fingerprints)
    try:
        with _opened(config) as connection:
            connection.execute(
                f"attach {literal(str(draft.database))} as {quoted(CATALOG)} (read_only)"
            )
            _compare(draft.fingerprints, _fingerprints(connection, CATALOG, names), DATABASE)
            _compare_parquet(connection, draft)
    except (duckdb.Error, OSError) as error:
        raise StepError(
            f"The release {draft.release_id} was not published: it cannot be read back "
            f"({store.first_line(error)}). Run `warehouse publish` again; if it happens twice, "
            "check the disk."
        ) from error


def verify(config: Config, release: Release) -> None:
    """Compare the files of a release with the checksums and row counts in its note."""
    import duckdb

    for name, expected in release.sha256.items():
        path = release.path / name
        try:
            found = _sha256(path)
        except OSError as error:
            raise store.os_failure(error, f"{path} cannot be read") from error
        if found != expected:
            raise StepError(
                f"{path} is not the file that was published (its checksum differs): "
                "choose another release or publish anew."
            )
    try:
        with _opened(config) as connection:
            connection.execute(
                f"attach {literal(str(release.database))} as {quoted(CATALOG)} (read_only)"
            )
            rows = building.mart_rows(connection, CATALOG)
    except duckdb.Error as error:
        raise StepError(f"{release.database} cannot be read: {store.first_line(error)}.") from error
    if rows != dict(release.row_counts):
        raise StepError(f"{release.database} does not hold the rows that its release.json names.")


def sweep(config: Config) -> list[str]:
    """Remove what killed publishers left: unfinished directories, links, releases never shown."""
    removed = []
    shown = _shown(config)
    now = current_id(config)
    with suppress(FileNotFoundError):
        for path in config.published.glob(".current-*"):
            path.unlink(missing_ok=True)
        for path in config.releases.iterdir():
            never_shown = shown is not None and path.name not in shown and path.name != now
            if path.name.endswith(PARTIAL) or never_shown:
                _remove(path)
                removed.append(path.name)
    return removed


def collect(config: Config, *, also_keep: str | None = None) -> list[str]:
    """Remove old releases, but neither the newest ones nor what readers may still be reading."""
    kept = releases(config)
    removed = []
    for position, release in enumerate(kept):
        if (
            position < config.keep_releases
            or release.is_current
            or release.release_id == also_keep
            or _seconds_since_shown(kept, position) < config.reader_grace_seconds
        ):
            continue
        _remove(release.path)
        removed.append(release.release_id)
    return removed


def _seconds_since_shown(kept: list[Release], position: int) -> float:
    """How long ago the next release took this one's place; a clock that went back counts as 0."""
    replaced_at = datetime.fromisoformat(kept[position - 1].published_at)
    return max(0.0, (runs.now() - replaced_at).total_seconds())


@contextmanager
def _opened(config: Config) -> Iterator[DuckDBPyConnection]:
    """A connection that belongs to no file; every file is attached to it."""
    import duckdb

    connection = duckdb.connect(":memory:", config=config.detached_options())
    try:
        yield connection
    finally:
        connection.close()


def _green_build(
    connection: DuckDBPyConnection,
) -> tuple[str, str, str, dict[str, tuple[str, ...]]]:
    """The build whose marts lie in the warehouse; StepError unless all of it was green."""
    import duckdb

    again = "Run `warehouse build` first."
    try:
        # The newest row, not the latest instant: the clock may have gone back since.
        last = connection.execute(
            "select run_id, status from warehouse.ops.builds order by rowid desc limit 1"
        ).fetchone()
    except duckdb.CatalogException:
        last = None
    if last is None:
        raise StepError(f"Nothing was published: no marts have been built yet. {again}")
    if last[1] != building.GREEN:
        raise StepError(f"Nothing was published: the last build ({last[0]}) was not green. {again}")
    try:
        row = connection.execute(
            "select run_id, as_of, built_at from warehouse.marts.release"
        ).fetchone()
    except duckdb.CatalogException:
        row = None
    if row is None or row[0] != last[0]:
        raise StepError(
            "Nothing was published: the marts were built outside of `warehouse`, "
            f"so nobody knows whether all checks passed. {again}"
        )
    keys = connection.execute("select table_name, key_columns from warehouse.ops.mart_keys")
    return (
        row[0],
        row[1].isoformat(),
        row[2].isoformat(),
        {name: tuple(columns) for name, columns in keys.fetchall()},
    )


def _published(name: str) -> str:
    return f"{quoted(CATALOG)}.{quoted(SCHEMA)}.{quoted(name)}"


def _built(name: str) -> str:
    return f"warehouse.{quoted(SCHEMA)}.{quoted(name)}"


def _write_table(
    connection: DuckDBPyConnection,
    name: str,
    table: Parts,
    before: Parts | None,
    key: tuple[str, ...],
) -> None:
    """Bring a table of the published file to what the warehouse holds."""
    if before is not None:
        differing = table.differing(before)
        if before.is_like(table) and (
            not differing or _replace_rows(connection, name, table, before, differing)
        ):
            return
        connection.execute(f"drop table {_published(name)}")
    order = ""
    if table.by is not None:
        order = f" order by {table.expression()}"
    elif key and table.rows < parts.PARTED_ROWS:
        order = " order by " + ", ".join(f"{quoted(column)} nulls last" for column in key)
    elif table.rows <= _SORTED_ROWS_WITHOUT_KEY:
        order = " order by all"
    connection.execute(
        f"create table {_published(name)} as select * from {_built(name)} as every{order}"
    )


def _replace_rows(
    connection: DuckDBPyConnection, name: str, table: Parts, before: Parts, differing: set[int]
) -> bool:
    """Replace the rows that differ in these parts; False, and nothing done, if they are many.

    Rows are told apart by their hashes, and the same row may be there twice: hashes that occur
    another number of times are replaced altogether.
    """
    inside = f"({table.expression()}) in ({parts.listed(differing)})"
    held = parts.selected(
        _published(name), before, differing & set(before.sums), "rowid as id, hash(every) as sum"
    )
    connection.execute(
        "create or replace temp table held as "
        + (
            held
            or f"select rowid as id, hash(every) as sum from {_published(name)} as every limit 0"
        )
    )
    connection.execute(
        f"create or replace temp table wanted as select hash(every) as sum "
        f"from {_built(name)} as every where {inside}"
    )
    connection.execute(
        """
        create or replace temp table fresh as
        select sum, coalesce(wanted.times, 0) as times
        from (select sum, count(*) as times from wanted group by sum) as wanted
        full join (select sum, count(*) as times from held group by sum) as held using (sum)
        where wanted.times is distinct from held.times
        """
    )
    row = connection.execute("select coalesce(sum(times), 0) from fresh").fetchone()
    assert row is not None
    if row[0] > _CHANGED_SHARE * table.rows:
        return False
    connection.execute(
        f"delete from {_published(name)} where rowid in "
        "(select id from held where sum in (select sum from fresh))"
    )
    if row[0]:
        order = f" order by {table.expression()}" if table.by is not None else ""
        connection.execute(
            f"insert into {_published(name)} select every.* from {_built(name)} as every "
            f"where {inside} and hash(every) in (select sum from fresh){order}"
        )
    return True


def _write_parquet(
    connection: DuckDBPyConnection,
    path: Path,
    name: str,
    table: Parts,
    kept: Mapping[int, parquet.Groups],
) -> tuple[tuple[int, int], ...]:
    """Write a table as Parquet, its parts as row groups of their own; gives their numbers.

    `kept` are parts that are taken over as they are.
    """
    if table.by is None or not table.sums:
        connection.execute(f"copy {_published(name)} to {literal(str(path))} ({_PARQUET})")
        return ()
    scratch = path.with_suffix(".parts")
    scratch.mkdir()
    # From its statistics DuckDB would call a column of one part never null, and that of another not.
    connection.execute("set disabled_optimizers = 'statistics_propagation'")
    sources = []
    for part in sorted(table.sums):
        source = kept.get(part)
        if source is None:
            file = scratch / f"{part}.parquet"
            # Filters lie outside of row groups, which are to be joined.
            connection.execute(
                f"copy (select * from {_published(name)} where {table.condition(part)}) "
                f"to {literal(str(file))} ({_PARQUET}, write_bloom_filter false)"
            )
            source = parquet.Groups(file, 0, parquet.group_count(file))
        sources.append((part, source))
    connection.execute("reset disabled_optimizers")
    parquet.join([source for _, source in sources], path)
    shutil.rmtree(scratch)
    return tuple((part, source.count) for part, source in sources)


def _add_docs(config: Config, path: Path) -> None:
    """dbt's documentation of these tables; marts that plain dbt has built come without."""
    page = config.dbt_docs / dbt_docs.PAGE
    if page.exists():
        (path / "docs").mkdir()
        shutil.copyfile(page, path / "docs" / page.name)


def _note_comments(connection: DuckDBPyConnection, names: list[str]) -> None:
    """`create table as` drops the descriptions that BI tools show: bring them along."""
    wanted = _comments(connection, "warehouse", names)
    found = _comments(connection, CATALOG, names)
    connection.execute("begin")
    for name, column in sorted(set(wanted) | set(found)):
        text = wanted.get((name, column))
        if text != found.get((name, column)):
            what = f"column {_published(name)}.{quoted(column)}" if column else _table(name)
            connection.execute(f"comment on {what} is {literal(text) if text else 'null'}")
    connection.execute("commit")


def _table(name: str) -> str:
    return f"table {_published(name)}"


def _comments(
    connection: DuckDBPyConnection, catalog: str, names: list[str]
) -> dict[tuple[str, str], str]:
    """Descriptions by table and column, those of tables with an empty column."""
    found = connection.execute(
        """
        select table_name, '', comment from duckdb_tables()
        where database_name = $1 and schema_name = $2 and comment is not null
        union all
        select view_name, '', comment from duckdb_views()
        where database_name = $1 and schema_name = $2 and comment is not null
        union all
        select table_name, column_name, comment from duckdb_columns()
        where database_name = $1 and schema_name = $2 and comment is not null
        """,
        [catalog, SCHEMA],
    ).fetchall()
    return {(name, column): text for name, column, text in found if name in names and text}


def _fingerprints(
    connection: DuckDBPyConnection, catalog: str, names: list[str]
) -> dict[str, tuple[int, int]]:
    return {
        name: _fingerprint(connection, f"{quoted(catalog)}.{quoted(SCHEMA)}.{quoted(name)}")
        for name in names
    }


def _fingerprint(connection: DuckDBPyConnection, relation: str) -> tuple[int, int]:
    """Rows, and a sum of their hashes that does not depend on their order."""
    row = connection.execute(
        f"select count(*), coalesce(sum(hash(every)), 0)::hugeint from {relation} as every"
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _compare(
    expected: Mapping[str, tuple[int, int]], found: Mapping[str, tuple[int, int]], where: str
) -> None:
    for name, fingerprint in expected.items():
        if found[name] != fingerprint:
            raise StepError(
                f"The release was not published: {where} does not hold the rows of {name} that "
                f"were built ({found[name][0]} for {fingerprint[0]}). "
                "Run `warehouse publish` again; if it happens twice, check the disk."
            )


def _compare_parquet(connection: DuckDBPyConnection, draft: Draft) -> None:
    for name, expected in draft.fingerprints.items():
        file = f"parquet/{name}.parquet"
        path = draft.path / file
        if file in draft.linked:
            # The same bytes hold the same rows.
            if _sha256(path) != draft.linked[file]:
                raise StepError(
                    f"The release was not published: {file} is not what the release before it had. "
                    "Run `warehouse publish` again; if it happens twice, check the disk."
                )
            continue
        relation = f"read_parquet({literal(str(path))})"
        table = f"{quoted(CATALOG)}.{quoted(SCHEMA)}.{quoted(name)}"
        found = _fingerprint(connection, relation)
        if _types(connection, relation) != _types(connection, table):
            # Parquet has no type for some of DuckDB's: their hashes cannot be compared.
            found = (found[0], expected[1])
        _compare({name: expected}, {name: found}, path.name)


def _types(connection: DuckDBPyConnection, relation: str) -> list[tuple[str, str]]:
    return [row[:2] for row in connection.execute(f"describe from {relation}").fetchall()]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _seal(directory: Path) -> None:
    """Read-only files that everybody may read, on the disk before anybody is told about them."""
    for path in directory.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o444)
        _sync(path)
    directory.chmod(0o755)
    _sync(directory)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _switch(config: Config, release_id: str) -> None:
    """One rename: a reader sees the old release or the new one, never neither."""
    if config.current.is_dir() and not config.current.is_symlink():
        raise StepError(
            f"{config.current} is a directory, not a link, perhaps since somebody copied the home "
            "with `cp -L`: remove it and run the same command again."
        )
    link = config.published / f".current-{secrets.token_hex(4)}"
    # Relative, so that the home can be mounted elsewhere.
    link.symlink_to(Path("releases") / release_id)
    link.replace(config.current)
    _sync(config.published)


def _history(config: Config) -> Path:
    return config.published / "history.jsonl"


def _note(config: Config, action: str, release_id: str, previous: str | None) -> None:
    """Record what readers were shown and when: publishes and rollbacks.

    The switch is done by then, so a full disk must not make it look undone: the next line names
    this release again, as the previous one.
    """
    line = json.dumps(
        {
            "at": runs.now().isoformat(),
            "action": action,
            "release_id": release_id,
            "previous": previous,
        }
    )
    path = _history(config)
    with suppress(OSError):
        with path.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
        path.chmod(0o644)


def _last_action(config: Config) -> str | None:
    """What was done last: publish, rollback or failed; None when that is not on record."""
    try:
        lines = _history(config).read_text(encoding="utf-8").splitlines()
        return json.loads(lines[-1])["action"] if lines else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _shown(config: Config) -> set[str] | None:
    """Every release that readers were ever shown; None when that is not on record."""
    try:
        lines = _history(config).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    shown: set[str] = set()
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):
            entry = json.loads(line)
            shown.update({entry["release_id"], entry.get("previous") or ""})
    return shown


def _release(path: Path, *, is_current: bool) -> Release:
    note = json.loads((path / "release.json").read_text(encoding="utf-8"))
    return Release(
        release_id=path.name,
        path=path,
        sequence=int(note["sequence"]),
        as_of=note["as_of"],
        run_id=note["run_id"],
        built_at=note["built_at"],
        published_at=note["published_at"],
        row_counts=note["row_counts"],
        sha256=note["sha256"],
        is_current=is_current,
    )


def _remove(path: Path) -> None:
    """Remove a release; what cannot be removed is tried again by the next publish.

    Renamed first: a process that dies on the way leaves nothing that looks like a release.
    """
    if not path.name.endswith(PARTIAL):
        with suppress(OSError):
            path = path.rename(path.with_name(path.name + PARTIAL))
    shutil.rmtree(path, ignore_errors=True)

"""Write, audit, publish: readers see whole, verified releases, switched by one rename.

A release is written beside the others as `<id>.partial`, closed, opened again read-only, compared
with the warehouse, made read-only, and renamed. Then the symlink `published/current` is replaced.
A process that dies at any moment leaves the last release where it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse import build as building
from warehouse import dbt_docs, runs, store
from warehouse.config import Config
from warehouse.errors import InputError, StepError
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
# Sorting more rows would cost more than a stable order is worth.
_SORTED_ROWS = 2_000_000
_SORTED_ROWS_WITHOUT_KEY = 100_000


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
    # Row count and order-free checksum of every mart as the warehouse has it.
    fingerprints: Mapping[str, tuple[int, int]]

    @property
    def database(self) -> Path:
        """The file with the marts."""
        return self.path / DATABASE

    @property
    def report(self) -> Path:
        """Where the page of this release belongs."""
        return self.path / "report"


def write(config: Config, *, progress: Any = None) -> Draft:
    """Write the marts of the last green build as `<id>.partial`; readers do not see it."""
    sweep(config)
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
        connection.execute(
            f"attach {literal(str(path / DATABASE))} as {quoted(CATALOG)} "
            f"(storage_version {literal(STORAGE_VERSION)})"
        )
        connection.execute(f"create schema {quoted(CATALOG)}.{quoted(SCHEMA)}")
        rows = building.mart_rows(connection, "warehouse")
        for number, name in enumerate(rows, start=1):
            if progress:
                progress(f"{number} of {len(rows)}: {name}")
            _copy_table(connection, path, name, rows[name], keys.get(name, ()))
        _copy_comments(connection, list(rows))
        fingerprints = _fingerprints(connection, "warehouse", list(rows))
        _add_docs(config, path)
        connection.execute(f"checkpoint {quoted(CATALOG)}")
        connection.execute(f"detach {quoted(CATALOG)}")
    return Draft(
        release_id=release_id,
        path=path,
        sequence=max((release.sequence for release in releases(config)), default=0) + 1,
        as_of=as_of,
        run_id=run_id,
        built_at=built_at,
        row_counts=rows,
        fingerprints=fingerprints,
    )


def commit(config: Config, draft: Draft) -> Release:
    """Verify the draft, make it read-only, and let readers see it."""
    audit(config, draft)
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
        "sha256": {path.relative_to(draft.path).as_posix(): _sha256(path) for path in files},
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


def _copy_table(
    connection: DuckDBPyConnection, path: Path, name: str, rows: int, key: tuple[str, ...]
) -> None:
    source = f"warehouse.{quoted(SCHEMA)}.{quoted(name)}"
    copy = f"{quoted(CATALOG)}.{quoted(SCHEMA)}.{quoted(name)}"
    order = ""
    if key and rows <= _SORTED_ROWS:
        order = " order by " + ", ".join(f"{quoted(column)} nulls last" for column in key)
    elif rows <= _SORTED_ROWS_WITHOUT_KEY:
        order = " order by all"
    connection.execute(f"create table {copy} as select * from {source}{order}")
    connection.execute(
        f"copy {copy} to {literal(str(path / 'parquet' / f'{name}.parquet'))} "
        "(format parquet, compression zstd)"
    )


def _add_docs(config: Config, path: Path) -> None:
    """dbt's documentation of these tables; marts that plain dbt has built come without."""
    page = config.dbt_docs / dbt_docs.PAGE
    if page.exists():
        (path / "docs").mkdir()
        shutil.copyfile(page, path / "docs" / page.name)


def _copy_comments(connection: DuckDBPyConnection, names: list[str]) -> None:
    """`create table as` drops the descriptions that BI tools show: bring them along."""
    statements = []
    for kind, function in (("table", "duckdb_tables"), ("view", "duckdb_views")):
        found = connection.execute(
            f"select {kind}_name, comment from {function}() where database_name = 'warehouse' "
            f"and schema_name = ? and comment is not null",
            [SCHEMA],
        )
        statements += [
            f"comment on table {quoted(CATALOG)}.{quoted(SCHEMA)}.{quoted(name)} is {literal(text)}"
            for name, text in found.fetchall()
            if name in names
        ]
    found = connection.execute(
        "select table_name, column_name, comment from duckdb_columns() "
        "where database_name = 'warehouse' and schema_name = ? and comment is not null",
        [SCHEMA],
    )
    statements += [
        f"comment on column {quoted(CATALOG)}.{quoted(SCHEMA)}.{quoted(name)}.{quoted(column)} "
        f"is {literal(text)}"
        for name, column, text in found.fetchall()
        if name in names
    ]
    connection.execute("begin")
    for statement in statements:
        connection.execute(statement)
    connection.execute("commit")


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
        path = draft.path / "parquet" / f"{name}.parquet"
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

"""The lake: Parquet files that the private database and the workers of a Spark cluster both see.

Landing stays in the private database, with all of its rules. For a build on Spark the landed tables are
written to the lake, where Spark reads them, and the marts that Spark wrote there are brought back, so
that checks, publishing and the page are the same for every engine.

The lake is a directory (`lake` below the home) or, by WAREHOUSE_LAKE, the URL of an object store that
pyarrow and the cluster can reach (s3a://, gs://, abfss://, hdfs://, file://).
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse import store
from warehouse.contract import TECHNICAL_COLUMNS, Contract, Table
from warehouse.errors import StepError
from warehouse.landing.raw import raw_name
from warehouse.store import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# What the lake holds of the landed tables, and how their rows added up when they were written.
NOTE = "_landed.json"
# Tables that grow for ever are kept by the month of an instant: what changed is written, not all of it.
MONTH = "_month"
# Where a table that is kept by quarter says what it was made of (macros/spark/incremental.sql).
STATE = "_state"


@dataclass(frozen=True)
class Landed:
    """One landed table in the lake, as the macro `register_landed` takes it."""

    schema: str
    name: str
    columns: tuple[Mapping[str, str], ...]
    partitioned_by: tuple[str, ...]
    rows: int
    # Of its parts (months, or one) so many were written; the others had not changed.
    written: int

    def registered(self) -> dict[str, Any]:
        """What Spark has to know."""
        return {name: value for name, value in asdict(self).items() if name != "written"}


class Lake:
    """A directory or an object store, by names relative to it."""

    def __init__(self, location: str, scratch: Path) -> None:
        """`scratch` is a local directory for files on their way in or out."""
        self.location = location.rstrip("/")
        self.scratch = scratch
        self.is_local = "://" not in location

    def put(self, file: Path, name: str) -> None:
        """Move a local file into the lake."""
        if self.is_local:
            target = Path(self.location) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, target)
            return
        from pyarrow import fs

        remote, base = self._remote()
        remote.create_dir(f"{base}/{name}".rsplit("/", 1)[0])
        fs.copy_files(
            str(file), f"{base}/{name}", source_filesystem=fs.LocalFileSystem(),
            destination_filesystem=remote,
        )  # fmt: skip
        file.unlink()

    def files(self, directory: str) -> list[str]:
        """Names of the Parquet files below a directory of the lake."""
        if self.is_local:
            root = Path(self.location)
            found = (root / directory).rglob("*")
            names = [path.relative_to(root).as_posix() for path in found if path.is_file()]
        else:
            from pyarrow import fs

            remote, base = self._remote()
            selector = fs.FileSelector(f"{base}/{directory}", recursive=True, allow_not_found=True)
            infos = [info for info in remote.get_file_info(selector) if info.is_file]
            names = [info.path.removeprefix(base).lstrip("/") for info in infos]
        return sorted(name for name in names if _is_data(name.removeprefix(f"{directory}/")))

    def local(self, name: str) -> Path:
        """A file of the lake on this machine: itself, or a copy in the scratch directory."""
        if self.is_local:
            return Path(self.location) / name
        from pyarrow import fs

        remote, base = self._remote()
        copy = self.scratch / "lake" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        fs.copy_files(
            f"{base}/{name}", str(copy), source_filesystem=remote,
            destination_filesystem=fs.LocalFileSystem(),
        )  # fmt: skip
        return copy

    def delete(self, name: str) -> None:
        """Remove a file of the lake."""
        if self.is_local:
            (Path(self.location) / name).unlink(missing_ok=True)
            return
        remote, base = self._remote()
        remote.delete_file(f"{base}/{name}")

    def read_note(self) -> dict[str, Any]:
        """What was noted last; nothing when the lake is new or the note cannot be read."""
        try:
            if self.is_local:
                text = (Path(self.location) / NOTE).read_text(encoding="utf-8")
            else:
                remote, base = self._remote()
                with remote.open_input_stream(f"{base}/{NOTE}") as stream:
                    text = stream.read().decode("utf-8")
            return dict(json.loads(text))
        except (FileNotFoundError, ValueError):
            return {}

    def write_note(self, content: Mapping[str, Any]) -> None:
        """Note what the lake holds."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        file = self.scratch / f"{NOTE}.{secrets.token_hex(4)}"
        file.write_text(json.dumps(content), encoding="utf-8")
        self.put(file, NOTE)

    def _remote(self) -> tuple[Any, str]:
        from pyarrow import fs

        # Spark says s3a where everybody else says s3.
        return fs.FileSystem.from_uri(self.location.replace("s3a://", "s3://", 1))


def write_landed(connection: DuckDBPyConnection, lake: Lake, contract: Contract) -> list[Landed]:
    """Write the landed tables to the lake: of a table kept by month the months that changed.

    A part whose rows add up to what the note says is left alone. The note is written after the
    files, so that a run that was killed in between writes its parts again.
    """
    note = lake.read_note()
    landed = []
    try:
        for table in contract.tables:
            name = f"{table.schema}.{table.name}"
            parts, rows, written = _write_table(connection, lake, table, note.get(name, {}))
            if written:
                note[name] = parts
                lake.write_note(note)
            landed.append(
                Landed(
                    schema=table.schema,
                    name=table.name,
                    columns=tuple(
                        {"name": column.name, "data_type": column.data_type}
                        for column in (*table.columns, *TECHNICAL_COLUMNS)
                    )
                    + (({"name": MONTH, "data_type": "varchar"},) if table.kept_by_month else ()),
                    partitioned_by=(MONTH,) if table.kept_by_month else (),
                    rows=rows,
                    written=written,
                )
            )
    except OSError as error:
        raise store.os_failure(error, f"The lake {lake.location} cannot be written") from error
    return landed


def bring_marts(
    connection: DuckDBPyConnection, lake: Lake, marts: Sequence[Any], schema: str
) -> None:
    """Replace the marts of the private database by those that Spark wrote, all or none.

    `marts` are dbt's nodes: their columns give types and comments, as a build on DuckDB would.
    """
    connection.execute("begin")
    try:
        connection.execute(f"create schema if not exists {quoted(schema)}")
        for node in marts:
            _bring(connection, lake, node, f"{quoted(schema)}.{quoted(node.alias)}")
        # What DuckDB noted about its own builds says nothing about these rows.
        for name in ("table_states", "period_checksums"):
            if connection.execute(
                "select 1 from duckdb_tables() where schema_name = 'ops' and table_name = ?", [name]
            ).fetchone():
                connection.execute(f"delete from ops.{name}")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    finally:
        shutil.rmtree(lake.scratch / "lake", ignore_errors=True)


def states(
    connection: DuckDBPyConnection, lake: Lake, nodes: Iterable[Any]
) -> list[tuple[str, str | None, str]]:
    """What the last build of each table that is kept by quarter noted, as build.py reads it."""
    found: list[tuple[str, str | None, str]] = []
    try:
        for node in nodes:
            if node.config.materialized == "incremental":
                for name in _state_files(lake, node):
                    file = literal(str(lake.local(name)))
                    found += connection.execute(
                        f"select distinct relation, why, run_id from read_parquet({file})"
                    ).fetchall()
    finally:
        shutil.rmtree(lake.scratch / "lake", ignore_errors=True)
    return found


def _write_table(
    connection: DuckDBPyConnection, lake: Lake, table: Table, noted: Mapping[str, Any]
) -> tuple[dict[str, Any], int, int]:
    """The parts of a table after writing those that changed, its rows, and how many parts were written."""
    month = (
        f"coalesce(strftime({quoted(table.kept_by_month)}, '%Y-%m'), 'none')"
        if table.kept_by_month
        else "''"
    )
    columns = [*table.column_names, *(column.name for column in TECHNICAL_COLUMNS)]
    listed = ", ".join(quoted(column) for column in columns)
    shape = hashlib.sha256(
        repr([(column.name, column.data_type) for column in table.columns]).encode()
    ).hexdigest()[:16]
    found = connection.execute(
        f"select {month} as part, count(*), sum(hash({listed})), bit_xor(hash({listed})) "
        f"from {raw_name(table)} group by part"
    ).fetchall()
    sums = {part: f"{shape} {rows} {total} {mixed}" for part, rows, total, mixed in found}
    held = set(lake.files(f"{table.schema}/{table.name}"))
    changed = [
        part
        for part, total in sums.items()
        if part not in noted or noted[part]["sum"] != total or not set(noted[part]["files"]) <= held
    ]
    parts = {part: dict(noted[part]) for part in sums if part not in changed}
    if changed:
        directory = lake.scratch / f"landed-{secrets.token_hex(4)}"
        directory.mkdir(parents=True)
        if table.kept_by_month:
            values = ", ".join(literal(part) for part in changed)
            connection.execute(
                f"copy (select {listed}, {month} as {MONTH} from {raw_name(table)} "
                f"where {month} in ({values})) to {literal(str(directory))} "
                f"(format parquet, partition_by ({MONTH}), overwrite_or_ignore)"
            )
        else:
            file = directory / "data.parquet"
            connection.execute(
                f"copy (select {listed} from {raw_name(table)}) to {literal(str(file))} "
                "(format parquet)"
            )
        for file in sorted(directory.rglob("*.parquet")):
            below = file.parent.relative_to(directory).as_posix()
            part = below.partition("=")[2] if table.kept_by_month else ""
            place = f"{table.schema}/{table.name}/" + (f"{below}/" if table.kept_by_month else "")
            name = f"{place}{secrets.token_hex(8)}.parquet"
            lake.put(file, name)
            entry = parts.setdefault(part, {"sum": sums[part], "files": []})
            entry["files"].append(name)
        shutil.rmtree(directory)
    kept = {name for entry in parts.values() for name in entry["files"]}
    for name in held - kept:
        lake.delete(name)
    rows = sum(count for _, count, _, _ in found)
    return parts, rows, len(changed) + len(set(noted) - set(sums))


def _is_data(name: str) -> bool:
    """As Spark sees it: what begins with a dot or underscore is not, unless it is a partition."""
    parts = name.split("/")
    hidden = any(part.startswith((".", "_")) and "=" not in part for part in parts)
    return name.endswith(".parquet") and not hidden


def _state_files(lake: Lake, node: Any) -> list[str]:
    return lake.files(f"{node.schema}/{node.alias}/{STATE}")


def _bring(connection: DuckDBPyConnection, lake: Lake, node: Any, relation: str) -> None:
    files = [str(lake.local(name)) for name in lake.files(f"{node.schema}/{node.alias}")]
    if not files and not _state_files(lake, node):
        raise StepError(
            f"Spark wrote no files for {node.schema}.{node.alias} below {lake.location}: "
            "the cluster has to see that path as well (WAREHOUSE_LAKE names another)."
        )
    types = {name: column.data_type for name, column in node.columns.items()}
    types |= dict(getattr(node.config, "column_types", None) or {})
    if files:
        # What is part of a path (the quarter that a table is kept by) is no column of the mart.
        listed = ", ".join(literal(file) for file in files)
        source = f"read_parquet([{listed}], hive_partitioning = false)"
    else:
        # Kept by quarter, a table without rows has no file.
        nulls = ", ".join(f"null as {quoted(name)}" for name in types)
        source = f"(select {nulls} where false)"
    found = connection.execute(f"select column_name from (describe select * from {source})")
    columns = ", ".join(
        f"cast({quoted(name)} as {types[name]}) as {quoted(name)}"
        if types.get(name)
        else quoted(name)
        for (name,) in found.fetchall()
    )
    connection.execute(f"create or replace table {relation} as select {columns} from {source}")
    if node.description:
        connection.execute(f"comment on table {relation} is {literal(node.description)}")
    for name, column in node.columns.items():
        if column.description:
            connection.execute(
                f"comment on column {relation}.{quoted(name)} is {literal(column.description)}"
            )

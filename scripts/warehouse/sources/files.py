"""Files of a source into the stage: Parquet in its own types, CSV and JSON lines as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.contract import Column, Contract, Table
from warehouse.errors import InputError
from warehouse.landing import stage as text_stage
from warehouse.landing.discover import Landing, Part, discover
from warehouse.landing.read import check_row_count, parquet_errors, read_part
from warehouse.landing.stage import path_pattern
from warehouse.sources import merge
from warehouse.sources.declared import Source, SourceTable
from warehouse.store import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Fetched:
    """What was read of one table: every column that is there, with its types."""

    rows_read: int
    rejected: int
    columns: dict[str, list[str]]
    missing: tuple[str, ...]
    extra: tuple[str, ...]


def folded(name: str) -> str:
    """A name as it is compared: StageName, STAGE_NAME and stage_name are one."""
    return name.lower().replace("_", "")


def matched(declared: Iterable[str], found: Iterable[str]) -> dict[str, str]:
    """The declared names that are there, each with its spelling there.

    Equal names go before those that only compare equal: Tryton's __id is not its id.
    """
    declared, found = list(declared), list(found)
    same = {name.lower(): name for name in found}
    pairs = {name: same[name.lower()] for name in declared if name.lower() in same}
    others = {folded(name): name for name in reversed(found) if name not in pairs.values()}
    for name in declared:
        if name not in pairs and folded(name) in others:
            pairs[name] = others[folded(name)]
    return {name: pairs[name] for name in declared if name in pairs}


def find(directory: Path, source: Source) -> tuple[Landing, dict[str, str]]:
    """The files of a source's tables, and which table each entry's name stands for."""
    declared = {folded(name): name for name in source.table_names}
    meant: dict[str, str] = {}
    if directory.is_dir():
        for entry in sorted(directory.iterdir()):
            stem = entry.name.split(".")[0]
            if folded(stem) in declared:
                meant[stem] = declared[folded(stem)]
    for name in source.table_names:
        spelt = [stem for stem, table in meant.items() if table == name]
        if len(spelt) > 1:
            raise InputError(
                f"{directory} holds two entries for {name}: {' and '.join(spelt)}. Keep one."
            )
    named = tuple(
        Table(schema=source.schema, name=stem, description="", key=(), columns=()) for stem in meant
    )
    landing = discover(
        directory,
        Contract(tables=named, schema_descriptions={}),
        what=f"the source {source.name}",
        page=f"models/staging/{source.name}/_{source.name}__sources.yml",
        example=source.table_names[0],
    )
    return landing, meant


def read_table(
    connection: DuckDBPyConnection,
    table: SourceTable,
    parts: Sequence[Part],
    *,
    load_id: str,
    loaded_at: object,
    scratch: Path,
    irregular: frozenset[str],
) -> Fetched:
    """Put the rows of a table's files into the stage; the rows that cannot be read are kept."""
    merge.create_stage(connection)
    rows = rejected = 0
    columns: dict[str, set[str]] = {}
    for index, part in enumerate(parts):
        if part.format == "parquet":
            read, refused, found = _read_parquet(connection, table, part, index, scratch)
        else:
            read, refused, found = _read_text(
                connection,
                table,
                part,
                index,
                scratch,
                irregular=irregular,
                reject=(load_id, table.label, loaded_at),
            )
        rows += read
        rejected += refused
        for name, kind in found.items():
            columns.setdefault(name, set()).add(kind)
    there = matched(table.columns, columns)
    lost = [name for name in table.key if name not in there]
    if lost and rows:
        raise InputError(
            f"{parts[0].label} lacks {', '.join(lost)}, the key of {table.label}: export it too, or"
            " take the key out of the declaration."
        )
    return Fetched(
        rows_read=rows,
        rejected=rejected,
        columns={name: sorted(kinds) for name, kinds in sorted(columns.items())},
        missing=tuple(name for name in table.columns if name not in there),
        extra=tuple(sorted(set(columns) - set(there.values()))),
    )


def _read_parquet(
    connection: DuckDBPyConnection, table: SourceTable, part: Part, index: int, scratch: Path
) -> tuple[int, int, dict[str, str]]:
    path = part.path
    if part.gzipped:
        from warehouse.landing import text_files

        path = scratch / f"{index}.parquet"
        text_files.gunzip(part.path, part.label, path)
    reader = "read_parquet(?, hive_partitioning = false, binary_as_string = true{})"
    pattern = path_pattern(path)
    with parquet_errors(part.label):
        found = {
            row[0]: row[1]
            for row in connection.execute(
                f"describe select * from {reader.format('')}", [pattern]
            ).fetchall()
        }
        (expected,) = connection.execute(
            "select coalesce(sum(num_rows), 0) from parquet_file_metadata(?)", [pattern]
        ).fetchone()
        chosen = matched(table.columns, found)
        if chosen:
            listed = ", ".join(
                f"{merge.landed_value(quoted(name), found[name])} as {quoted(as_name)}"
                for as_name, name in chosen.items()
            )
            numbered = reader.format(", file_row_number = true")
            merge.append_to_stage(
                connection,
                f"select {listed}, {literal(part.label)} as _stage_file,"
                f" file_row_number + 1 as _stage_line from {numbered}",
                [pattern],
            )
            (read,) = connection.execute(
                f"select count(*) from {merge.STAGE} where _stage_file = ?", [part.label]
            ).fetchone()
            check_row_count(part.label, read, int(expected))
    _require_some(table, part, chosen)
    if part.gzipped:
        path.unlink()
    return read, 0, found


def _read_text(
    connection: DuckDBPyConnection,
    table: SourceTable,
    part: Part,
    index: int,
    scratch: Path,
    *,
    irregular: frozenset[str],
    reject: tuple[str, str, object],
) -> tuple[int, int, dict[str, str]]:
    """CSV or JSON lines; a text says nothing of its type, so the values stay text."""
    names = list(table.columns)
    while True:
        as_text = Table(
            schema=table.schema,
            name=table.name,
            description="",
            key=(),
            columns=tuple(Column(name=name, data_type="varchar", description="") for name in names),
        )
        text_stage.create_stage(connection, as_text)
        file = read_part(
            connection,
            as_text,
            part,
            index,
            scratch,
            irregular=irregular,
            nested_as_text=True,
        )
        chosen = matched(table.columns, file.kinds)
        spelt = [chosen.get(name, name) for name in table.columns]
        if spelt == names:
            break
        # The file writes some names otherwise: read it again under its own names.
        names = spelt
    load_id, label, loaded_at = reject
    line = f"coalesce(_line, rowid + {file.line_offset})"
    (rejected,) = connection.execute(
        f"""
        insert into ops.rejects
        select ?, ?, ?, {line}, _problem_column, _problem, _raw_text, ?
        from {text_stage.STAGE} where _problem is not null order by rowid
        """,
        [load_id, label, part.label, loaded_at],
    ).fetchone()
    (read,) = connection.execute(f"select count(*) from {text_stage.STAGE}").fetchone()
    if read:
        _require_some(table, part, chosen)
    if chosen:
        listed = ", ".join(
            f"{quoted(name)} as {quoted(as_name)}" for as_name, name in chosen.items()
        )
        merge.append_to_stage(
            connection,
            f"select {listed}, {literal(part.label)} as _stage_file, {line} as _stage_line"
            f" from {text_stage.STAGE} where _problem is null",
        )
    connection.execute(f"drop table temp.{text_stage.STAGE}")
    return read, rejected, dict.fromkeys(file.kinds, "VARCHAR")


def _require_some(table: SourceTable, part: Part, chosen: dict[str, str]) -> None:
    if not chosen:
        raise InputError(
            f"{part.label} has none of the columns of {table.label}: does it hold that table?"
        )

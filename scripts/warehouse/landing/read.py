"""Readers: one file of any landing format becomes rows of the stage."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from warehouse.contract import Table
from warehouse.errors import InputError, StepError
from warehouse.landing import text_files
from warehouse.landing.discover import Part
from warehouse.landing.stage import (
    STAGE,
    FileColumn,
    Source,
    StagedFile,
    check_names,
    check_split_rules,
    number_lines,
    path_pattern,
    stage_source,
)
from warehouse.landing.values import as_text
from warehouse.store import first_line, literal, os_failure, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LINES = "landing_lines"
_OBJECTS = "landing_objects"
_ERRORS = "landing_csv_errors"
_SCANS = "landing_csv_scans"
_LINE_SIZE = 2_000_000
_MOST_KEYS = 2_000
# A byte that no JSON text can hold: the reader of lines must not find a delimiter.
_NO_DELIMITER = "chr(1)"
# What goes wrong where temporary files are written, and not with the file that is read.
_OUR_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
_NUMBER_TYPES = ("UBIGINT", "BIGINT", "HUGEINT", "UHUGEINT", "DOUBLE", "DECIMAL")


class IrregularFileError(Exception):
    """DuckDB's reader gave up on a file, and with it the transaction: start again."""

    def __init__(self, label: str) -> None:
        """`label` names the file."""
        super().__init__(label)
        self.label = label


def read_part(
    connection: DuckDBPyConnection,
    table: Table,
    part: Part,
    index: int,
    scratch: Path,
    *,
    irregular: Collection[str] = (),
    nested_as_text: bool = False,
    earlier: Sequence[StagedFile] = (),
) -> StagedFile:
    """Append the rows of one file to the stage; a file that cannot be read is an InputError.

    Files whose label is in `irregular` are rewritten before DuckDB reads them. With
    `nested_as_text` an object or a list inside a JSON line is its text, and no broken value.
    `earlier` are the files that are in the stage already.
    """
    path = part.path
    readers = {"csv": _read_csv, "jsonl": _read_jsonl, "parquet": _read_parquet}
    try:
        if part.gzipped:
            path = scratch / f"{index}.{part.format}"
            text_files.gunzip(part.path, part.label, path)
        is_irregular = part.label in irregular
        job = _Job(
            connection, table, path, part.label, index, scratch, is_irregular, nested_as_text
        )
        file = readers[part.format](job)
    except OSError as error:
        if error.errno in _OUR_FAULTS:
            raise os_failure(error, f"{part.label} cannot be unpacked below {scratch}") from error
        raise InputError(
            f"{part.label} cannot be read ({error.strerror}): check the file and its disk."
        ) from error
    check_split_rules(connection, table, file, earlier)
    if part.gzipped:
        path.unlink()
    return file


@dataclass(frozen=True)
class _Job:
    """One file to read: `path` is the plain file, `label` what people are told."""

    connection: DuckDBPyConnection
    table: Table
    path: Path
    label: str
    index: int
    scratch: Path
    is_irregular: bool
    nested_as_text: bool


def _read_csv(job: _Job) -> StagedFile:
    """A regular file goes straight through DuckDB's reader; any other is rewritten first.

    Regular means: no row was refused, and the rows, the newlines inside their values and the
    header add up to the lines of the file. DuckDB alone would lose rows without a word after a
    stray quote.
    """
    scan = text_files.scan(job.path, job.label)
    names, header_line, header_lines = text_files.read_header(
        job.path, job.label, old_mac=scan.is_old_mac
    )
    check_names(job.label, names, job.table)
    irregular = job.is_irregular or scan.has_nul or scan.has_mixed_line_ends
    # In a file of one column a blank line and an empty value look alike.
    if not irregular and header_line == 1 and len(names) > 1:
        file = _read_regular_csv(job, names, scan, header_lines)
        if file is not None:
            return file
    width = len(names)
    rewritten = job.scratch / f"{job.index}.rewritten.csv"
    result = text_files.rewrite_csv(
        job.path, job.label, rewritten, width=width, old_mac=scan.is_old_mac
    )
    source = Source(
        label=job.label,
        columns=tuple(FileColumn(name, "VARCHAR") for name in names),
        relation=_rewritten_relation(width),
        parameters=(path_pattern(rewritten), *_line_sizes(result.longest)),
        raw_text=f"coalesce(_raw, {_csv_text(width)})",
        line="cast(_row_line as bigint)",
        given="_given",
    )
    file = stage_source(job.connection, job.table, source, job.index)
    rows = _count(job, f"select count(*) from {STAGE} where _file = ?", [job.index])
    _check_rewritten(job, rows, result)
    rewritten.unlink()
    return file


def _read_regular_csv(
    job: _Job, names: Sequence[str], scan: text_files.Scan, header_lines: int
) -> StagedFile | None:
    """Read a file with DuckDB's reader; None, and nothing staged, if it is not regular."""
    width = len(names)
    raw_columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(width))
    newlines = " + ".join(
        f"(case when contains(c{number}, chr(10))"
        f" then length(c{number}) - length(replace(c{number}, chr(10), '')) else 0 end)"
        for number in range(width)
    )
    source = Source(
        label=job.label,
        columns=tuple(FileColumn(name, "VARCHAR") for name in names),
        relation=f"""read_csv(
            ?, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"',
            strict_mode = true, allow_quoted_nulls = false, hive_partitioning = false,
            columns = {{{raw_columns}}},
            store_rejects = true, rejects_table = '{_ERRORS}', rejects_scan = '{_SCANS}'
        )""",
        parameters=(path_pattern(job.path),),
        raw_text=_csv_text(width),
        newlines=newlines if scan.has_quote else "0",
        ends_empty=f"c{width - 1} is null" if scan.lines_ending_in_comma else "false",
    )
    _drop_errors(job.connection)
    try:
        file = stage_source(job.connection, job.table, source, job.index)
    except duckdb.InvalidInputException as error:
        raise IrregularFileError(job.label) from error
    rows, embedded, ends_empty = job.connection.execute(
        f"select count(*), coalesce(sum(_newlines), 0), count(*) filter (_ends_empty)"
        f" from {STAGE} where _file = ?",
        [job.index],
    ).fetchone()
    errors = _count(job, f"select count(*) from {_ERRORS}")
    _drop_errors(job.connection)
    balanced = rows + embedded + header_lines + scan.trailing_blank_lines == scan.lines
    # The reader takes `1,2,` for two fields: a line that ends in a comma has to have an empty
    # last one.
    if errors or not balanced or ends_empty != scan.lines_ending_in_comma:
        job.connection.execute(f"delete from {STAGE} where _file = ?", [job.index])
        return None
    number_lines(job.connection, file, first_line=header_lines + 1)
    return file


def _read_jsonl(job: _Job) -> StagedFile:
    """Lines as text, then one JSON object per line; a file without any is an InputError."""
    job.connection.execute(f"drop table if exists temp.{_LINES}")
    scan = text_files.scan(job.path, job.label)
    irregular = job.is_irregular or scan.has_nul or scan.has_mixed_line_ends or scan.has_bom
    if irregular or not _regular_lines(job, scan):
        rewritten = job.scratch / f"{job.index}.rewritten.csv"
        result = text_files.rewrite_jsonl(job.path, rewritten)
        job.connection.execute(
            f"create temp table {_LINES} as"
            f" select cast(_row_line as bigint) as _line, _given, _raw, c0 as json"
            f" from {_rewritten_relation(1)}",
            [path_pattern(rewritten), *_line_sizes(result.longest)],
        )
        _check_rewritten(job, _count(job, f"select count(*) from {_LINES}"), result)
        rewritten.unlink()
    source = _json_source(job)
    file = stage_source(job.connection, job.table, source, job.index)
    job.connection.execute(f"drop table temp.{_LINES}")
    return file


def _regular_lines(job: _Job, scan: text_files.Scan) -> bool:
    """Read the lines with DuckDB's reader; False, and nothing kept, if some are missing."""
    _drop_errors(job.connection)
    try:
        job.connection.execute(
            f"""
            create temp table {_LINES} as
            select null::bigint as _line, null::varchar as _given, null::varchar as _raw, c0 as json
            from read_csv(
                ?, auto_detect = false, header = false, delim = {_NO_DELIMITER}, quote = '',
                escape = '', hive_partitioning = false, columns = {{'c0': 'VARCHAR'}},
                store_rejects = true, rejects_table = '{_ERRORS}', rejects_scan = '{_SCANS}'
            )
            """,
            [path_pattern(job.path)],
        )
    except duckdb.InvalidInputException as error:
        raise IrregularFileError(job.label) from error
    rows = _count(job, f"select count(*) from {_LINES}")
    errors = _count(job, f"select count(*) from {_ERRORS}")
    _drop_errors(job.connection)
    if errors or rows != scan.lines:
        job.connection.execute(f"drop table temp.{_LINES}")
        return False
    # Row ids are consecutive, but do not begin at 0 within a transaction.
    job.connection.execute(
        f"update {_LINES} set _line = rowid + 1 - (select min(rowid) from {_LINES})"
    )
    return True


def _json_source(job: _Job) -> Source:
    """What the lines hold: their keys are the columns, a value is its text, its type is checked."""
    connection = job.connection
    connection.execute(
        f"""
        create or replace temp table {_OBJECTS} as
        select
            *,
            coalesce(_given, case
                when not json_valid(json) then 'is no JSON'
                when json_type(json) <> 'OBJECT' then 'is no JSON object'
                when len(json_keys(json)) <> len(list_distinct(json_keys(json)))
                    then 'names a key twice'
            end) as _problem_found
        from {_LINES}
        where _given is not null or trim(json, ' ' || chr(9) || chr(13)) <> ''
        order by _line
        """
    )
    rows, readable = connection.execute(
        f"select count(*), count(*) filter (_problem_found is null) from {_OBJECTS}"
    ).fetchone()
    if rows and not readable:
        raise InputError(
            f"{job.label} holds no line with a JSON object: write one object per line, not one"
            " array."
        )
    keys = [
        key
        for (key,) in connection.execute(
            f"select distinct unnest(json_keys(json)) as key from {_OBJECTS}"
            f" where _problem_found is null order by key limit {_MOST_KEYS + 1}"
        ).fetchall()
    ]
    if len(keys) > _MOST_KEYS:
        raise InputError(
            f"{job.label} has more than {_MOST_KEYS} different keys: write objects with the columns"
            f" of {job.table.name}."
        )
    if rows:
        check_names(job.label, keys, job.table, what="key")
    pointers = [literal("/" + key.replace("~", "~0").replace("/", "~1")) for key in keys]
    columns = "".join(f", v[{n}] as c{n - 1}, y[{n}] as y{n - 1}" for n in range(1, len(keys) + 1))
    paths = f"[{', '.join(pointers)}]" if pointers else "cast([] as varchar[])"
    relation = f"""(
        select _line as _row_line, _problem_found, _raw, json{columns}
        from (
            select
                *,
                case when _problem_found is null then json_extract_string(json, {paths}) end as v,
                case when _problem_found is null then json_type(json, {paths}) end as y
            from {_OBJECTS}
        )
    )"""
    return Source(
        label=job.label,
        columns=tuple(
            FileColumn(
                key,
                "VARCHAR",
                nested=None
                if job.nested_as_text
                else f"coalesce(y{n} in ('OBJECT', 'ARRAY'), false)",
            )
            for n, key in enumerate(keys)
        ),
        relation=relation,
        parameters=(),
        raw_text="coalesce(_raw, json)",
        line="_row_line",
        given="_problem_found",
        kinds=_json_kinds(connection, relation, keys),
    )


def _json_kinds(
    connection: DuckDBPyConnection, relation: str, keys: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """The kinds of value of each key over all lines."""
    if not keys:
        return {}
    numbers = ", ".join(literal(name) for name in _NUMBER_TYPES)
    columns = ", ".join(
        f"""list_sort(list(distinct case
            when y{n} in ({numbers}) then 'number' when y{n} = 'VARCHAR' then 'text'
            when y{n} = 'BOOLEAN' then 'boolean' when y{n} in ('OBJECT', 'ARRAY') then 'nested'
        end))"""
        for n in range(len(keys))
    )
    row = connection.execute(f"select {columns} from {relation}").fetchone()
    return {
        key: tuple(kind for kind in kinds or () if kind)
        for key, kinds in zip(keys, row, strict=True)
    }


def _read_parquet(job: _Job) -> StagedFile:
    """Columns in their own types; whatever DuckDB cannot read of the file is an InputError."""
    with parquet_errors(job.label):
        source, expected = parquet_source(job.connection, job.table, job.path, job.label)
        file = stage_source(job.connection, job.table, source, job.index)
    rows = _count(job, f"select count(*) from {STAGE} where _file = ?", [job.index])
    check_row_count(job.label, rows, expected)
    number_lines(job.connection, file, first_line=1)
    return file


@contextmanager
def parquet_errors(label: str) -> Iterator[None]:
    """DuckDB's errors about a Parquet file as one sentence."""
    try:
        yield
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException | duckdb.InterruptException):
            raise
        if "No space left" in str(error) or "Could not write" in str(error):
            raise
        raise InputError(
            f"{label} is no readable Parquet file ({first_line(error)[:300]}): export it again."
        ) from error


def check_row_count(label: str, rows: int, expected: int) -> None:
    """A Parquet file has to hold as many rows as it says."""
    if rows != expected:
        raise InputError(
            f"{label} says it has {expected} rows, but {rows} can be read: export it again."
        )


def parquet_source(
    connection: DuckDBPyConnection, table: Table, path: Path, label: str, *, options: str = ""
) -> tuple[Source, int]:
    """A Parquet file as a source, and the number of rows it says it has.

    `options` are further options of the reader, which may add columns.
    """
    reader = f"read_parquet(?, hive_partitioning = false, binary_as_string = true{options})"
    pattern = path_pattern(path)
    described = connection.execute(f"describe select * from {reader}", [pattern]).fetchall()
    schema = connection.execute(
        "select name, num_children from parquet_schema(?)", [pattern]
    ).fetchall()
    names = _top_level(schema)
    check_names(label, names, table)
    # DuckDB renames columns that differ in case only: go by position.
    columns = [FileColumn(name, row[1]) for name, row in zip(names, described, strict=False)]
    aliases = [
        f"{quoted(row[0])} as c{number}" for number, row in enumerate(described[: len(names)])
    ]
    aliases.extend(quoted(row[0]) for row in described[len(names) :])
    pairs = ", ".join(
        f"{literal(column.name)}, {as_text(f'c{number}', column.type)}"
        for number, column in enumerate(columns)
    )
    rows = connection.execute(
        "select sum(num_rows) from parquet_file_metadata(?)", [pattern]
    ).fetchone()[0]
    source = Source(
        label=label,
        columns=tuple(columns),
        relation=f"(select {', '.join(aliases)} from {reader})",
        parameters=(pattern,),
        raw_text=f"cast(json_object({pairs}) as varchar)",
    )
    return source, int(rows or 0)


def _top_level(schema: Sequence[tuple[str, int | None]]) -> list[str]:
    """The names of the columns in a Parquet schema, which lists the tree depth first."""
    names: list[str] = []
    position = 1
    while position < len(schema):
        names.append(schema[position][0])
        open_nodes = 1
        while open_nodes:
            open_nodes += (schema[position][1] or 0) - 1
            position += 1
    return names


def _rewritten_relation(width: int) -> str:
    """A file written by text_files, with its path and two line sizes as parameters."""
    columns = "".join(f", 'c{number}': 'VARCHAR'" for number in range(width))
    return f"""read_csv(
        ?, auto_detect = false, header = false, delim = ',', quote = '"', escape = '"',
        max_line_size = ?, buffer_size = ?, hive_partitioning = false, new_line = '\\n',
        columns = {{'_row_line': 'VARCHAR', '_given': 'VARCHAR', '_raw': 'VARCHAR'{columns}}}
    )"""


def _line_sizes(longest: int) -> tuple[int, int]:
    """The longest line a rewritten file can have, and a buffer that holds some of them."""
    # Each byte may have become two characters of two bytes, each quote is doubled.
    line = max(_LINE_SIZE, 5 * longest + 100_000)
    return line, max(16 * _LINE_SIZE, 2 * line)


def _check_rewritten(job: _Job, rows: int, result: text_files.Rewritten) -> None:
    if rows != result.records:
        raise StepError(
            f"{job.label}: {result.records} records were found, {rows} read back. Report this file."
        )


def _csv_text(width: int) -> str:
    """The row as a CSV line again, up to quotes that were not needed."""
    return "concat_ws(',', {})".format(
        ", ".join(
            f"case when regexp_matches(c{n}, '[\",\\n\\r]')"
            f" then '\"' || replace(c{n}, '\"', '\"\"') || '\"' else coalesce(c{n}, '') end"
            for n in range(width)
        )
    )


def _count(job: _Job, query: str, parameters: Sequence[object] = ()) -> int:
    return job.connection.execute(query, list(parameters)).fetchone()[0] or 0


def _drop_errors(connection: DuckDBPyConnection) -> None:
    connection.execute(f"drop table if exists temp.{_ERRORS}")
    connection.execute(f"drop table if exists temp.{_SCANS}")

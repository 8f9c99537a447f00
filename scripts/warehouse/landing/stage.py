"""Files into the stage: a temporary table with typed rows and what is wrong with them.

Each reader offers its file as a `Source`: a relation with the file's columns as c0, c1, ... The
same statement then types and checks the rows of any of them in one pass.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.contract import Column, Table
from warehouse.errors import InputError
from warehouse.landing import values
from warehouse.store import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STAGE = "landing_stage"
_SHOWN = 100


@dataclass(frozen=True)
class FileColumn:
    """A column as the file has it; `type` is DuckDB's type of `c<position>`."""

    name: str
    type: str
    # SQL that is true where the value is an object or a list (JSON tells row by row).
    nested: str | None = None


@dataclass(frozen=True)
class Source:
    """A file as a relation with the columns c0, c1, ..., and the expressions that go with it.

    `line` is the row's physical line or null (then it follows from the row's position),
    `given` a problem the reader found itself, `raw_text` what a reject shows.
    """

    label: str
    columns: tuple[FileColumn, ...]
    relation: str
    parameters: tuple[object, ...]
    raw_text: str
    line: str = "null"
    given: str = "cast(null as varchar)"
    newlines: str = "0"
    ends_empty: str = "false"
    # The kinds of value in each column, where `FileColumn.type` does not tell.
    kinds: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class StagedFile:
    """What the stage knows of one file; a row's line is `_line`, else its rowid + line_offset."""

    index: int
    label: str
    present: frozenset[str]
    extras: tuple[str, ...]
    # The kinds of value each column has there (text, number, boolean, instant, nested), no nulls.
    kinds: dict[str, tuple[str, ...]]
    line_offset: int = 0


def create_stage(connection: DuckDBPyConnection, table: Table) -> None:
    """An empty stage for the table; the last one is dropped."""
    columns = ", ".join(f"{quoted(c.name)} {c.data_type}" for c in table.columns)
    connection.execute(f"drop table if exists temp.{STAGE}")
    connection.execute(
        f"create temp table {STAGE} ({columns}, _extra_columns varchar, _file integer,"
        " _line bigint, _problem_column varchar, _problem varchar, _raw_text varchar,"
        " _newlines bigint, _ends_empty boolean)"
    )


def check_names(label: str, names: Sequence[str], table: Table, *, what: str = "column") -> None:
    """A header with nameless, doubled or without required columns is an InputError."""
    for position, name in enumerate(names, start=1):
        if not name and what == "column":
            raise InputError(
                f"{label} has an invalid header: column {position} has no name; name it."
            )
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InputError(
            f"{label} has an invalid header: column {doubled[0]} is there twice; rename one."
        )
    required = [column.name for column in table.columns if column.required]
    missing = [name for name in required if name not in names]
    if not missing:
        return
    hint = ""
    if len(names) == 1 and re.search(r"[;\t|]", names[0]):
        hint = " Is the separator a comma?"
    close = {name.strip().lower(): name for name in names}
    if missing[0] in close:
        hint = f" It has {close[missing[0]]!r}: names are compared exactly."
    lacks = "the required column" if len(missing) == 1 else "the required columns"
    raise InputError(
        f"{label} lacks {lacks} {', '.join(missing)} of {table.name}: add it and load again.{hint}"
    )


@dataclass(frozen=True)
class CheckedRows:
    """A source as SQL: its typed columns under the contract's names and `_is_broken`.

    `blamed` and `reason` say for a broken row which column is to blame and why.
    """

    relation: str
    blamed: str
    reason: str
    present: frozenset[str]
    extras: tuple[str, ...]


def check_rows(table: Table, source: Source) -> CheckedRows:
    """The statement that types and checks the rows of a source."""
    positions = {column.name: number for number, column in enumerate(source.columns)}
    extras = tuple(sorted(set(positions) - set(table.column_names)))
    typed: list[str] = []
    problems: list[_Problem] = []
    for column in table.columns:
        name = quoted(column.name)
        if column.name not in positions:
            typed.append(f"cast(null as {column.data_type}) as {name}")
            continue
        number = positions[column.name]
        found = source.columns[number]
        read = values.reading(column, f"c{number}", found.type, typed_name=name)
        value = read.typed
        if found.nested is not None:
            value = f"case when not {found.nested} then {read.typed} end"
        typed.append(f"{value} as {name}")
        problems.extend(_column_problems(column, read, found.nested))
    problems.extend(_rule_problems(table, set(positions)))
    extra = _extra_columns(source, positions, extras)
    broken = " or ".join([f"{source.given} is not null", *(f"({p.where})" for p in problems)])
    blamed = " ".join(f"when {p.where} then {literal(p.column)}" for p in problems)
    reasons = ", ".join(f"case when {p.where} then {p.reason} end" for p in problems)
    return CheckedRows(
        relation=f"""(
            select *, {broken} as _is_broken
            from (select *, {", ".join(typed)}, {extra} as _extra_columns from {source.relation})
        )""",
        blamed=f"case when {source.given} is not null then null {blamed} end",
        reason=f"coalesce({source.given}, concat_ws('; ', {reasons or 'null'}))",
        present=frozenset(set(positions) & set(table.column_names)),
        extras=extras,
    )


def stage_source(
    connection: DuckDBPyConnection, table: Table, source: Source, index: int
) -> StagedFile:
    """Type and check the rows of a source; append them to the stage in the order of the file."""
    rows = check_rows(table, source)
    names = ", ".join(quoted(name) for name in table.column_names)
    # The reasons are worked out for broken rows only: a clean row costs one combined condition.
    connection.execute(
        f"""
        insert into {STAGE}
        select
            {names}, _extra_columns, {index}, {source.line},
            case when _is_broken then {rows.blamed} end,
            case when _is_broken then {rows.reason} end,
            case when _is_broken then {source.raw_text} end,
            {source.newlines}, {source.ends_empty}
        from {rows.relation}
        """,
        list(source.parameters),
    )
    return staged_file(source, rows, index)


def staged_file(source: Source, rows: CheckedRows, index: int) -> StagedFile:
    """What is known of a file once its columns are."""
    return StagedFile(
        index=index,
        label=source.label,
        present=rows.present,
        extras=rows.extras,
        kinds={
            column.name: source.kinds.get(column.name, (values.kind_of(column.type),))
            for column in source.columns
        },
    )


def number_lines(connection: DuckDBPyConnection, file: StagedFile, *, first_line: int) -> None:
    """Fill in physical lines: consecutive from `first_line`, but for newlines inside values."""
    first, embedded = connection.execute(
        f"select min(rowid), sum(_newlines) from {STAGE} where _file = ?", [file.index]
    ).fetchone()
    file.line_offset = first_line - (first or 0)
    if embedded:
        connection.execute(
            f"""
            update {STAGE} set _line = numbered.line
            from (
                select
                    rowid as row_id,
                    rowid + ? + coalesce(sum(_newlines) over (
                        order by rowid rows between unbounded preceding and 1 preceding
                    ), 0) as line
                from {STAGE} where _file = ?
            ) as numbered
            where {STAGE}.rowid = numbered.row_id
            """,
            [file.line_offset, file.index],
        )


def check_split_rules(
    connection: DuckDBPyConnection, table: Table, file: StagedFile, earlier: Sequence[StagedFile]
) -> None:
    """Check the rules of which a file has only some columns.

    The others are as the last earlier file that has them says, else as raw holds them: what the row
    would meet if the files were loaded one after the other.
    """
    raw = f"{quoted(table.schema)}.{quoted(table.name)}"
    keys = ", ".join(quoted(name) for name in table.key)
    row = ", ".join(f"{literal(name)}, s.{quoted(name)}" for name in table.column_names)
    for rule in table.rules:
        used = rule_columns(table, rule.check)
        if used <= file.present or not used & file.present:
            continue
        check = rule.check
        joins = f"left join {raw} as r using ({keys})"
        for name in used:
            column = quoted(name)
            files = [str(other.index) for other in earlier if name in other.present]
            if name in file.present:
                value = f"s.{column}"
            elif not files:
                value = f"r.{column}"
            else:
                older = quoted(f"older {name}")
                joins += f"""
                    left join (
                        select {keys}, arg_max({{'value': {column}}}, rowid) as newest from {STAGE}
                        where _file in ({", ".join(files)}) and _problem is null
                        group by {keys}
                    ) as {older} using ({keys})"""
                value = (
                    f"case when {older}.newest is null then r.{column}"
                    f" else {older}.newest.value end"
                )
            check = re.sub(rf"\b{name}\b", lambda _, value=value: value, check)
        connection.execute(
            f"""
            update {STAGE} set _problem_column = ?, _problem = ?, _raw_text = broken.raw_text
            from (
                select s.rowid as row_id, cast(json_object({row}) as varchar) as raw_text
                from {STAGE} as s {joins}
                where s._file = ? and s._problem is null and coalesce(not ({check}), false)
            ) as broken
            where {STAGE}.rowid = broken.row_id
            """,
            [rule.column, rule.reason, file.index],
        )


def rule_columns(table: Table, check: str) -> set[str]:
    """The columns of the table that a rule speaks of."""
    return set(re.findall(r"\w+", check)) & set(table.column_names)


def path_pattern(path: Path) -> str:
    """A path that DuckDB's readers take as it stands: its glob characters are no globs."""
    if "\\" in str(path.absolute()):
        # A pattern with a backslash finds nothing, as that separates directories in a pattern; but
        # DuckDB looks for a file of exactly that name first.
        return str(path.absolute())
    return re.sub(r"([*?\[])", r"[\1]", str(path.absolute()))


@dataclass(frozen=True)
class _Problem:
    """A condition (SQL) under which a row is broken, the column to blame and the reason (SQL)."""

    where: str
    column: str
    reason: str


def _column_problems(column: Column, read: values.Reading, nested: str | None) -> list[_Problem]:
    name = quoted(column.name)
    shown = f"'''' || left({read.text}, {_SHOWN}) || ''''"
    problems: list[_Problem] = []

    def add(where: str, reason: str) -> None:
        problems.append(_Problem(where, column.name, reason))

    def says(text: str) -> str:
        return f"{literal(column.name + ' ')} || coalesce({shown} || ' ', '') || {literal(text)}"

    unreadable = read.unreadable
    if nested is not None:
        unreadable = f"({nested})" if unreadable is None else f"({nested} or {unreadable})"
    if unreadable is not None:
        add(unreadable, says(values.expected(column)))
    if column.required:
        missing = (
            f"{name} is null" if unreadable is None else f"{name} is null and not {unreadable}"
        )
        add(missing, literal(f"{column.name} is empty, but required"))
    if column.values:
        allowed = ", ".join(literal(value) for value in column.values)
        add(
            f"coalesce({name} not in ({allowed}), false)",
            says(f"is none of {', '.join(column.values)}"),
        )
    for bound, sign, words in (
        (column.at_least, "<", "is below"),
        (column.at_most, ">", "is above"),
        (column.above, "<=", "is not above"),
    ):
        if bound is not None:
            add(f"coalesce({name} {sign} {bound:d}, false)", says(f"{words} {bound:d}"))
    return problems


def _rule_problems(table: Table, present: set[str]) -> list[_Problem]:
    return [
        _Problem(f"coalesce(not ({rule.check}), false)", rule.column, literal(rule.reason))
        for rule in table.rules
        if rule_columns(table, rule.check) <= present
    ]


def _extra_columns(source: Source, positions: dict[str, int], extras: tuple[str, ...]) -> str:
    """Unknown columns as a JSON object of texts, ordered by name; nulls are left out."""
    if not extras:
        return "cast(null as varchar)"
    texts = (
        values.as_text(f"c{positions[name]}", source.columns[positions[name]].type)
        for name in extras
    )
    pairs = ", ".join(f"{literal(n)}, {text}" for n, text in zip(extras, texts, strict=True))
    stripped = f"cast(json_merge_patch('{{}}', json_object({pairs})) as varchar)"
    return f"nullif({stripped}, '{{}}')"

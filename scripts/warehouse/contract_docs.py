"""The landing contract as a page for people, generated from its declaration."""

from __future__ import annotations

from warehouse.contract import (
    HISTORY_COLUMNS,
    TECHNICAL_COLUMNS,
    Column,
    Contract,
    Kind,
    Table,
    TechnicalColumn,
    load_contract,
)

_TYPES = {
    Kind.TEXT: "text",
    Kind.INTEGER: "whole number",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.TIMESTAMP: "instant",
}

_INTRODUCTION = """\
# Landing

Bring your data into this shape and every KPI works. A landing directory holds one entry per
table: `<table>.csv`, `<table>.parquet` or `<table>.jsonl` (`.ndjson`), each optionally gzipped
(`.gz`), or a folder `<table>/` of such part files, which are read in the order of their names. A
table that is absent counts as empty.

**Bold** columns are the primary key, `*` marks required columns: a row without a value is
rejected, a file without the column is refused. The order of columns is free. Columns that are not
listed here are kept in `_extra_columns` and reported.

## How values are read

| kind | read as |
|---|---|
| text | exactly as it stands, leading zeros and blanks included; an empty text is null |
| whole number, number | decimal point, exponent allowed, no thousands separators; below \
10^18 (rates: 10^12); kept to 10 decimals (rates: 18); a whole number may read `3.0` |
| boolean | `true`/`false`, `t`/`f`, `1`/`0`, `yes`/`no` in any case |
| date | ISO 8601; of an instant its UTC date |
| instant | ISO 8601: `2025-03-01`, `2025-03-01 09:30`, `2025-03-01T09:30:15.123456`, with `Z` or \
an offset (`+02:00`, `+0200`, `+02`); without one it is UTC; years 0001 to 9999 |

Blanks around a value are ignored, except in text. CSV is UTF-8 with commas, double quotes and a
header line. JSON lines hold one object per line; a key that a line lacks is null if another line
of the file has it; an object or a list is a value of unknown columns only. Parquet columns are
taken in their own types; text in them is read as above.

## What becomes of a row

- It is **landed** with its load, file and line. Raw holds one version per key: the newest
  `updated_at` where the table has it (null is the oldest, of equal ones the later load), else the
  later load. The version it replaces moves to `<table>__history`.
- It is a **duplicate**, equal in every column to another row of the load, or **superseded** by
  another row with its key; a **conflict** is a superseded row that no `updated_at` could tell
  from the winner.
- It is **rejected** with file, line, column, raw text and reason: `warehouse rejects` shows it.

Always: rows read = landed + duplicates + superseded + rejected. A column that a file does not
have keeps its value. With `--full-export`, rows that a table's export no longer holds are marked
as vanished and leave the marts, but not raw; a row that is rejected has not vanished. A file that
cannot be read at all stops the load, and the warehouse stays as it was: that goes for a quote
that is never closed, or closed in a later line in a way that makes the rows between ambiguous.
"""


def landing_page(contract: Contract | None = None) -> str:
    """The page as Markdown, ending with a newline."""
    contract = contract or load_contract()
    parts = [_INTRODUCTION]
    for schema, description in contract.schema_descriptions.items():
        parts.append(f"\n## {schema}\n\n{description}\n")
        parts.extend(_table(table) for table in contract.tables if table.schema == schema)
    parts.append(_technical())
    return "".join(parts)


def _table(table: Table) -> str:
    lines = [
        f"\n### {table.name}\n",
        f"{table.description}\n",
        "| column | kind | meaning |",
        "|---|---|---|",
        *(_row(table, column) for column in table.columns),
    ]
    if table.rules:
        reasons = "; ".join(rule.reason for rule in table.rules)
        lines.extend(["", f"A row is rejected when: {reasons}."])
    return "\n".join(lines) + "\n"


def _row(table: Table, column: Column) -> str:
    name = f"**{column.name}**" if column.name in table.key else column.name
    limits = [
        f"One of {_codes(column.values)}." if column.values else "",
        f"Usually {_codes(column.known_values)}; other text is allowed."
        if column.known_values
        else "",
        f"Above {column.above}." if column.above is not None else "",
    ]
    text = " ".join([column.description, *(limit for limit in limits if limit)])
    bounds = ""
    if column.at_least is not None and column.at_most is not None:
        bounds = f" {column.at_least} to {column.at_most}"
    return f"| {name}{'*' if column.required else ''} | {_TYPES[column.kind]}{bounds} | {text} |"


def _codes(values: tuple[str, ...]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _technical() -> str:
    def rows(columns: tuple[TechnicalColumn, ...]) -> str:
        return "".join(f"| {c.name} | {c.data_type} | {c.description} |\n" for c in columns)

    head = "| column | type | meaning |\n|---|---|---|\n"
    return (
        "\n## Technical columns\n\nEvery raw table has them behind its own columns.\n\n"
        f"{head}{rows(TECHNICAL_COLUMNS)}"
        "\n`<table>__history` has two more.\n\n"
        f"{head}{rows(HISTORY_COLUMNS)}"
    )

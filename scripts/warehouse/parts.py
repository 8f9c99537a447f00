"""The parts of a mart, and what of the last release they leave as it is.

A large mart is divided by the month of one of its dates. Each part has its number of rows and a sum
of their hashes: what they say is content, whatever wrote the rows, so parts with the same sums need
not be written again. A release keeps them in `parts.json`, with the place of each part in the
Parquet file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.store import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FILE = "parts.json"
# A mart with fewer rows is one part: it is written in less time than its parts would take.
PARTED_ROWS = 250_000
# Raised whenever files of before cannot be continued, such as for another division into parts.
_LAYOUT = 2
# The first date of a mart divides it, unless another one keeps apart what changes every night:
# how long a visit has lasted changes while it has no end.
_DIVIDED_BY = {"fct_deal_stage_visits": "exited_at"}
# Parts that are no month: without a date, and outside of these years. One date of the year 25, by
# mistake, gives a mart that is told for every month 24 thousand of them.
_UNDATED, _ELSEWHEN = 0, 1
_FIRST_YEAR, _LAST_YEAR = 1970, 2099


def _duckdb_version() -> str:
    import duckdb

    return duckdb.__version__


@dataclass(frozen=True)
class Parts:
    """What one mart holds: its columns, and rows and a sum of hashes per part."""

    columns: tuple[tuple[str, str], ...]
    # The date that divides the mart; None: it is one part.
    by: str | None
    sums: Mapping[int, tuple[int, int]]
    # Row groups of each part in the Parquet file, in its order; empty: not written part by part.
    groups: tuple[tuple[int, int], ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(rows for rows, _ in self.sums.values())

    @property
    def fingerprint(self) -> tuple[int, int]:
        """Rows and the sum of their hashes, which does not depend on their order."""
        return self.rows, sum(total for _, total in self.sums.values())

    def is_like(self, other: Parts) -> bool:
        """Whether both have the same columns and are divided alike, so that parts compare."""
        return self.columns == other.columns and self.by == other.by

    def differing(self, other: Parts) -> set[int]:
        """The parts that have other rows here than there, are missing here, or there."""
        return {
            part
            for part in set(self.sums) | set(other.sums)
            if self.sums.get(part) != other.sums.get(part)
        }

    def expression(self) -> str:
        """SQL for the part that a row is in."""
        if self.by is None:
            return str(_UNDATED)
        date = quoted(self.by)
        return (
            f"case when {date} is null then {_UNDATED} "
            f"when {date} >= date '{_FIRST_YEAR}-01-01' and {date} < date '{_LAST_YEAR + 1}-01-01' "
            f"then year({date}) * 12 + month({date}) else {_ELSEWHEN} end"
        )

    def condition(self, part: int) -> str:
        """SQL for the rows of one part, in a form that lets DuckDB pass over other row groups."""
        if self.by is None:
            return "true"
        date = quoted(self.by)
        if part == _UNDATED:
            return f"{date} is null"
        if part == _ELSEWHEN:
            return f"{self.expression()} = {part}"
        year, month = divmod(part - 1, 12)
        after, next_month = divmod(part, 12)
        return (
            f"{date} >= date '{year:04}-{month + 1:02}-01' "
            f"and {date} < date '{after:04}-{next_month + 1:02}-01'"
        )


def of(
    connection: DuckDBPyConnection, catalog: str, schema: str, rows: Mapping[str, int]
) -> dict[str, Parts]:
    """The parts of every table or view named in `rows`, read in one scan each."""
    found = connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name = ? order by table_name, column_index",
        [catalog, schema],
    ).fetchall()
    result = {}
    for name, count in rows.items():
        columns = tuple((column, kind) for table, column, kind in found if table == name)
        parts = Parts(columns=columns, by=_date(name, columns, count), sums={})
        relation = f"{quoted(catalog)}.{quoted(schema)}.{quoted(name)}"
        sums = connection.execute(
            f"select {parts.expression()} as part, count(*), sum(hash(every))::hugeint "
            f"from {relation} as every group by part"
        ).fetchall()
        result[name] = replace(parts, sums={part: (rows, total) for part, rows, total in sums})
    return result


def _date(name: str, columns: Sequence[tuple[str, str]], rows: int) -> str | None:
    dates = [column for column, kind in columns if kind in ("DATE", "TIMESTAMP")]
    if rows < PARTED_ROWS or not dates:
        return None
    wanted = _DIVIDED_BY.get(name)
    return wanted if wanted in dates else dates[0]


@dataclass(frozen=True)
class Contents:
    """`parts.json`: what a release holds, for the one after it."""

    # Of the DuckDB file when it was last written from nothing.
    first_bytes: int
    tables: Mapping[str, Parts]
    # The release that was continued; None: written from nothing.
    continues: str | None = None
    layout: int = _LAYOUT
    # Hashes may differ from one version of DuckDB to the next.
    duckdb: str = field(default_factory=_duckdb_version)

    @property
    def is_current(self) -> bool:
        """Whether this version of the code and of DuckDB would have written the same."""
        return (self.layout, self.duckdb) == (_LAYOUT, _duckdb_version())

    def write(self, path: Path) -> None:
        """As JSON; sums are larger than numbers in JSON should be, so they are texts."""
        content = asdict(self)
        for table in content["tables"].values():
            table["sums"] = [
                [part, rows, str(total)] for part, (rows, total) in sorted(table["sums"].items())
            ]
        path.write_text(json.dumps(content) + "\n", encoding="utf-8")


def read(path: Path) -> Contents:
    """What `write` has written; OSError, ValueError, KeyError or TypeError if it is something else."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return Contents(
        first_bytes=int(content["first_bytes"]),
        continues=content["continues"],
        layout=content["layout"],
        duckdb=content["duckdb"],
        tables={name: _parts(table) for name, table in content["tables"].items()},
    )


def _parts(content: Mapping[str, Any]) -> Parts:
    return Parts(
        columns=tuple((name, kind) for name, kind in content["columns"]),
        by=content["by"],
        sums={part: (rows, int(total)) for part, rows, total in content["sums"]},
        groups=tuple((part, count) for part, count in content["groups"]),
    )


def selected(relation: str, parts: Parts, wanted: set[int], columns: str) -> str:
    """SQL for the rows of some parts; one select per part, since DuckDB prunes no alternatives."""
    return " union all ".join(_selects(relation, parts, wanted, columns))


def _selects(relation: str, parts: Parts, wanted: set[int], columns: str) -> Iterator[str]:
    for part in sorted(wanted):
        yield f"select {columns} from {relation} as every where {parts.condition(part)}"


def listed(wanted: set[int]) -> str:
    """Numbers of parts for an `in`."""
    return ", ".join(str(part) for part in sorted(wanted))

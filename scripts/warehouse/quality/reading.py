"""What a check saw, and between which bounds it has to lie; and what every suite may ask."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from warehouse.quality.thresholds import Thresholds

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LANDING = "landing"
MARTS = "marts"
# Stands for the table where a check looks at all of them.
EVERY_TABLE = "all tables"
_SHOWN_VALUES = 5
_SHOWN_WIDTH = 60


# Values of a statement: in the order of its `?`, or by the name after its `$`.
Parameters = Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True)
class Reading:
    """One measured thing; it passes when low <= value <= high, a missing bound being open.

    `value` None: it could not be measured, which fails.
    """

    check: str
    table: str
    column: str | None
    value: float | None
    observed: str
    expected: str
    low: float | None = None
    high: float | None = None
    # The run whose load this is about: what was refused is no measure for later loads.
    load_run_id: str | None = None


@dataclass(frozen=True)
class Scene:
    """The warehouse at the time of a check; nothing in here writes to it."""

    connection: DuckDBPyConnection
    thresholds: Thresholds
    run_id: str
    checked_at: datetime
    reject_threshold: float
    # Rows per mart of the published release.
    published_rows: dict[str, int] = field(default_factory=dict)
    # The vars of dbt_project.yml.
    default_vars: dict[str, Any] = field(default_factory=dict)
    # Tables of the contract that did not land but come from a CRM's own: what stands in for them.
    stand_ins: dict[str, str] = field(default_factory=dict)

    @cached_property
    def tables(self) -> frozenset[tuple[str, str]]:
        """Every table and view as (schema, name)."""
        return frozenset(
            self.rows(
                "select schema_name, table_name from duckdb_tables() "
                "where database_name = current_database() union all "
                "select schema_name, view_name from duckdb_views() "
                "where database_name = current_database() and not internal"
            )
        )

    @cached_property
    def _refused(self) -> dict[tuple[str, str], set[str]]:
        # A home that an earlier version wrote to has the table without the column.
        if not self.rows(
            "select 1 from duckdb_columns() where database_name = current_database() "
            "and schema_name = 'ops' and table_name = 'check_results' "
            "and column_name = 'load_run_id'"
        ):
            return {}
        refused: dict[tuple[str, str], set[str]] = {}
        for check, table, run_id in self.rows(
            "select check_name, table_name, load_run_id from ops.check_results "
            "where load_run_id is not null and not success and severity = 'error'"
        ):
            refused.setdefault((check, table), set()).add(run_id)
        return refused

    def refused_runs(self, check: str, table: str) -> Collection[str]:
        """Runs whose load of the table was refused by this check.

        Only failures of severity error: what a warning was about was published, and is history.
        """
        return self._refused.get((check, table), frozenset())

    def has(self, *names: str) -> bool:
        """Whether all of the tables (`schema.name`) are there."""
        return all(tuple(name.split(".")) in self.tables for name in names)

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Any]:
        """All rows of a query; what stands in for a table is read instead of it."""
        for table, stand_in in self.stand_ins.items():
            sql = re.sub(rf"\b{re.escape(table)}\b", stand_in, sql)
        return self.connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Parameters = ()) -> tuple[Any, ...]:
        """The one row of an aggregate."""
        (found,) = self.rows(sql, parameters)
        return found

    def dicts(self, sql: str, parameters: Parameters = ()) -> Iterator[dict[str, Any]]:
        """All rows of a query, by column name."""
        cursor = self.connection.execute(sql, parameters)
        names = [item[0] for item in cursor.description or ()]
        for row in cursor.fetchall():
            yield dict(zip(names, row, strict=True))


def listed(values: Sequence[Any], most: int = _SHOWN_VALUES) -> str:
    """Values from outside in one short line: `'a', 'b' and 3 more`."""
    shown = [repr(shortened(str(value))) for value in values[:most]]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def shortened(text: str, width: int = _SHOWN_WIDTH) -> str:
    """One line of at most so many characters."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"


def counted(count: int, noun: str) -> str:
    """`1 row`, `1,200 rows`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")

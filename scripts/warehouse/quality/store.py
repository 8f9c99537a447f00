"""The results over time: ops.check_results, so that quality can be plotted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from warehouse.store import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from warehouse.check import Check

_TABLE = """
create schema if not exists ops;
create table if not exists ops.check_results (
    run_id varchar not null,
    checked_at timestamp not null,
    suite varchar not null,
    table_name varchar not null,
    check_name varchar not null,
    column_name varchar,
    severity varchar not null,
    success boolean not null,
    observed varchar,
    expected varchar
);
alter table ops.check_results add column if not exists value double;
alter table ops.check_results add column if not exists low double;
alter table ops.check_results add column if not exists high double;
alter table ops.check_results add column if not exists reason varchar;
alter table ops.check_results add column if not exists load_run_id varchar;
"""

# Identifies a check over time: suite, table, check, column.
Key = tuple[str, str, str, str | None]


def keep(
    connection: DuckDBPyConnection, *, run_id: str, checked_at: datetime, checks: Sequence[Check]
) -> None:
    """Add the results of a run."""
    connection.execute(_TABLE)
    if not checks:
        return
    columns: dict[str, list[Any]] = {
        "suite": [item.suite for item in checks],
        "table_name": [item.table for item in checks],
        "check_name": [item.check for item in checks],
        "column_name": [item.column for item in checks],
        "severity": [item.severity for item in checks],
        "success": [item.success for item in checks],
        "observed": [item.observed for item in checks],
        "expected": [item.expected for item in checks],
        "value": [item.value for item in checks],
        "low": [item.low for item in checks],
        "high": [item.high for item in checks],
        "reason": [item.reason for item in checks],
        "load_run_id": [item.load_run_id for item in checks],
    }
    # As one relation of lists: many single inserts would be slow.
    connection.execute(
        "insert into ops.check_results by name select ? as run_id, ? as checked_at, "
        + ", ".join(f"unnest(?) as {quoted(name)}" for name in columns),
        [run_id, checked_at, *columns.values()],
    )


def history(connection: DuckDBPyConnection, *, runs: int) -> dict[Key, list[tuple[float, bool]]]:
    """Value and success of every check in the last runs, the oldest first."""
    found: dict[Key, list[tuple[float, bool]]] = {}
    for suite, table, check, column, value, success in connection.execute(
        """
        select suite, table_name, check_name, column_name, value, success
        from ops.check_results
        where value is not null and isfinite(value) and run_id in (
            select run_id from ops.check_results
            group by run_id order by max(checked_at) desc limit ?
        )
        order by checked_at, rowid
        """,
        [runs],
    ).fetchall():
        found.setdefault((suite, table, check, column), []).append((value, success))
    return found

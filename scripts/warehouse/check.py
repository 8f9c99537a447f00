"""Quality checks at both edges: what has landed, and what is about to be published.

Here: too many rejected rows, rates outside 0..1, marts that lost all their rows. The results are
kept in `ops.check_results`, so that quality can be plotted over time, and shown in `data_docs/`.
A further suite is a function that takes a connection and yields `Check` values.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse import build, publish, runs, store
from warehouse.config import Config
from warehouse.errors import ChecksFailedError
from warehouse.store import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ERROR = "error"
WARN = "warn"
# A rate or share of things counted lies within 0..1. Amounts may be negative, so that their shares
# may not; and more meetings than replies is no mistake.
_RATE = re.compile(r"(_rate|_rate_low|_rate_high|_share)$|^pct_")
_NO_RATE = re.compile(r"amount|^meeting_acceptance_rate$")

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
"""


@dataclass(frozen=True)
class Check:
    """One check and what it saw."""

    suite: str
    table: str
    check: str
    column: str | None
    severity: str  # error blocks publishing, warn is shown
    success: bool
    observed: str
    expected: str

    def sentence(self) -> str:
        """What was seen and what was expected, for people."""
        where = f"{self.table}.{self.column}" if self.column else self.table
        return f"{self.suite}: {where}: {self.check}: {self.observed}, expected {self.expected}"


@dataclass(frozen=True)
class CheckResult:
    """Every check of one run."""

    checks: tuple[Check, ...]

    @property
    def errors(self) -> tuple[Check, ...]:
        """Failed checks that block publishing."""
        return tuple(c for c in self.checks if not c.success and c.severity == ERROR)

    @property
    def warnings(self) -> tuple[Check, ...]:
        """Failed checks that are only shown."""
        return tuple(c for c in self.checks if not c.success and c.severity == WARN)

    def raise_for_errors(self) -> None:
        """ChecksFailedError when a check of severity error failed."""
        if self.errors:
            sentences = "\n".join(f"  - {check.sentence()}" for check in self.errors)
            raise ChecksFailedError(
                f"{len(self.errors)} of {len(self.checks)} quality checks failed, "
                f"nothing was published:\n{sentences}"
            )


Suite = Callable[["DuckDBPyConnection", Config], Iterable[Check]]


def check(
    config: Config,
    *,
    run_id: str,
    suites: Sequence[Suite] | None = None,
    before: CheckResult | None = None,
) -> CheckResult:
    """Run the suites (default: all), keep their results, write the page.

    `before` are results of the same run that are already kept; they are part of the page and of
    what is returned.
    """
    with store.connect(config) as connection:
        found = CheckResult(
            tuple(item for suite in suites or SUITES for item in suite(connection, config))
        )
        _keep(connection, run_id, found)
    result = CheckResult((before.checks if before else ()) + found.checks)
    _write_page(config, run_id, result)
    return result


def landing(connection: DuckDBPyConnection, config: Config) -> Iterator[Check]:
    """What landed last, per table: how much of it was refused."""
    for table, read, rejected in _last_loads(connection):
        share = rejected / read if read else 0.0
        yield Check(
            suite="landing",
            table=table,
            check="rejected rows",
            column=None,
            severity=ERROR,
            success=share <= config.reject_threshold,
            observed=f"{rejected} of {read} rows ({share:.2%})",
            expected=f"at most {config.reject_threshold:.2%} "
            f"(see `warehouse rejects {table}`, reject_threshold in warehouse.yml)",
        )


def marts(connection: DuckDBPyConnection, config: Config) -> Iterator[Check]:
    """What is about to be published: rows and rates."""
    rows = build.mart_rows(connection)
    release = publish.current(config)
    before = release.row_counts if release else {}
    for name, count in rows.items():
        had = before.get(name, 0)
        yield Check(
            suite="marts",
            table=name,
            check="rows",
            column=None,
            severity=WARN,
            success=count > 0 or had == 0,
            observed=f"{count} rows",
            expected=f"rows, as in the last release ({had})" if had else "any number of rows",
        )
    yield from _rates(connection, rows)


# What enters is checked before anything is built from it, what leaves before it is published.
LANDING_SUITES: tuple[Suite, ...] = (landing,)
MARTS_SUITES: tuple[Suite, ...] = (marts,)
SUITES = LANDING_SUITES + MARTS_SUITES


def _rates(connection: DuckDBPyConnection, rows: dict[str, int]) -> Iterator[Check]:
    columns = connection.execute(
        "select table_name, column_name from duckdb_columns() "
        "where database_name = current_database() and schema_name = ? "
        "and (data_type in ('DOUBLE', 'FLOAT') or data_type like 'DECIMAL%') "
        "order by table_name, column_index",
        [build.MARTS_SCHEMA],
    ).fetchall()
    per_table: dict[str, list[str]] = {}
    for table, column in columns:
        if table in rows and _RATE.search(column) and not _NO_RATE.search(column):
            per_table.setdefault(table, []).append(column)
    for table, names in per_table.items():
        # One pass over the table for all of its rates.
        outside = ", ".join(
            f"count(*) filter (where not {quoted(name)} between -1e-9 and 1 + 1e-9)"
            for name in names
        )
        counts = connection.execute(
            f"select {outside} from {quoted(build.MARTS_SCHEMA)}.{quoted(table)}"
        ).fetchone()
        for name, count in zip(names, counts or (), strict=True):
            yield Check(
                suite="marts",
                table=table,
                check="within 0..1",
                column=name,
                severity=ERROR,
                success=count == 0,
                observed=f"{count} rows outside",
                expected="0 rows outside",
            )


def _last_loads(connection: DuckDBPyConnection) -> list[tuple[str, int, int]]:
    """Per table the rows read and rejected by the last run that landed it."""
    import duckdb

    try:
        return connection.execute(
            """
            with latest as (
                select table_name, arg_max(run_id, rowid) as run_id
                from ops.loads
                group by table_name
            )

            select
                loads.table_name,
                sum(loads.rows_read)::bigint as rows_read,
                sum(loads.rejected)::bigint as rejected
            from ops.loads as loads
            inner join latest
                on loads.table_name = latest.table_name
                and loads.run_id = latest.run_id
            group by loads.table_name
            order by loads.table_name
            """
        ).fetchall()
    except duckdb.CatalogException:
        return []


def _keep(connection: DuckDBPyConnection, run_id: str, result: CheckResult) -> None:
    connection.execute(_TABLE)
    checked_at = runs.now()
    columns = list(
        zip(
            *(
                (c.suite, c.table, c.check, c.column, c.severity, c.success, c.observed, c.expected)
                for c in result.checks
            ),
            strict=True,
        )
    )
    if columns:
        # As one relation of lists: many single inserts would be slow.
        connection.execute(
            "insert into ops.check_results select ?, ?, " + ", ".join("unnest(?)" for _ in columns),
            [run_id, checked_at, *(list(column) for column in columns)],
        )


def _write_page(config: Config, run_id: str, result: CheckResult) -> None:
    """A page that needs no other host."""
    rows = "\n".join(
        f'<tr class="{"ok" if item.success else item.severity}">'
        + "".join(
            f"<td>{html.escape(text)}</td>"
            for text in (
                "passed" if item.success else f"failed ({item.severity})",
                item.suite,
                item.table,
                item.column or "",
                item.check,
                item.observed,
                item.expected,
            )
        )
        + "</tr>"
        for item in sorted(result.checks, key=lambda item: (item.success, item.severity))
    )
    failed = len(result.errors) + len(result.warnings)
    page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Quality checks</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ border-bottom: 1px solid #ddd; padding: .35rem .6rem; text-align: left }}
tr.error td:first-child {{ color: #b00020; font-weight: 600 }}
tr.warn td:first-child {{ color: #8a5a00; font-weight: 600 }}
tr.ok td:first-child {{ color: #1b6e3c }}
</style>
</head>
<body>
<h1>Quality checks</h1>
<p>Run {html.escape(run_id)}: {len(result.checks)} checks, {failed} failed.</p>
<table>
<thead><tr><th>Result</th><th>Suite</th><th>Table</th><th>Column</th><th>Check</th>
<th>Observed</th><th>Expected</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""
    try:
        config.data_docs.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = config.data_docs / ".index.html"
        fresh.write_text(page, encoding="utf-8")
        fresh.replace(config.data_docs / "index.html")
    except OSError as error:
        raise store.os_failure(error, f"{config.data_docs} cannot be written") from error

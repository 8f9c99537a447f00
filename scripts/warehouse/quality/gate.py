"""Great Expectations judges the readings: one expectation each, and its Data Docs of the verdicts.

The readings of a suite become a table of one row with a column per reading, so that all of them
are one query, whatever their number: 200 expectations cost one CPU second, where expectations on
the columns of the tables themselves would cost a query for each.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.errors import StepError
from warehouse.quality.reading import Reading
from warehouse.quality.thresholds import ERROR
from warehouse.store import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EXPECTATION = "expect_column_max_to_be_between"
_SITE = "data_docs"
_FAILURE = {ERROR: "critical"}


@dataclass(frozen=True)
class Verdict:
    """What Great Expectations said of one reading."""

    success: bool
    # Why it could not be judged; then success is False.
    problem: str | None = None


@dataclass
class Gate:
    """The verdicts of one run; its Data Docs show every suite that was judged with it."""

    _context: Any = field(default=None, init=False)

    def judge(
        self,
        connection: DuckDBPyConnection,
        suite: str,
        readings: Sequence[Reading],
        severities: Sequence[str],
    ) -> list[Verdict]:
        """One verdict per reading, in their order; the connection may be read-only."""
        if not readings:
            return []
        from warehouse.quality import engine

        columns = _columns(readings)
        expectations = [
            _expectation(column, reading, severity)
            for column, reading, severity in zip(columns, readings, severities, strict=True)
        ]
        with _table(connection, suite, columns, readings), engine.lent(connection) as url:
            results = self._validate(url, suite, expectations)
        return [_verdict(results[column]) for column in columns]

    def write_docs(self, directory: Path) -> None:
        """Static pages of the suites judged so far; an earlier version is replaced."""
        if self._context is None:
            return
        partial = directory.with_name(f".{directory.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        self._context.add_data_docs_site(
            site_name=_SITE,
            site_config={
                "class_name": "SiteBuilder",
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                # The pages of results show what was expected too; pages of suites cost as much.
                "site_section_builders": {"expectations": "None", "profiling": "None"},
                "store_backend": {
                    "class_name": "TupleFilesystemStoreBackend",
                    "base_directory": str(partial),
                },
            },
        )
        self._context.build_data_docs()
        shutil.rmtree(directory, ignore_errors=True)
        partial.rename(directory)

    def _validate(
        self, url: str, suite: str, expectations: Sequence[dict[str, Any]]
    ) -> dict[str, Any]:
        """Results by the column they speak of; as many as there are expectations, or StepError.

        Great Expectations drops an expectation whose type it does not know, and one of two that
        are alike, without a word.
        """
        import great_expectations

        context = self._opened()
        source = context.data_sources.add_duckdb(name=suite, connection_string=url)
        table = source.add_table_asset(name=suite, table_name=_table_name(suite))
        definition = context.validation_definitions.add(
            great_expectations.ValidationDefinition(
                name=suite,
                data=table.add_batch_definition_whole_table(suite),
                suite=context.suites.add(
                    great_expectations.ExpectationSuite(name=suite, expectations=list(expectations))
                ),
            )
        )
        found = definition.run(result_format="BASIC").results
        results = {item.expectation_config.kwargs["column"]: item for item in found}
        wanted = [item["kwargs"]["column"] for item in expectations]
        lost = [column for column in wanted if column not in results]
        if lost or not len(found) == len(results) == len(wanted):
            raise StepError(
                f"Great Expectations judged {len(results)} of the {len(wanted)} expectations of "
                f"the suite {suite}; a type is misspelt, or two are alike "
                f"(lost: {', '.join(lost) or 'none by name'})."
            )
        return results

    def _opened(self) -> Any:
        """A context that lives in memory: no project directory, no ids that change, no network."""
        if self._context is None:
            # Versions before this one sent usage statistics unless told not to.
            os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
            import great_expectations
            from great_expectations.data_context.types.base import (
                DataContextConfig,
                InMemoryStoreBackendDefaults,
            )

            self._context = great_expectations.get_context(
                mode="ephemeral",
                project_config=DataContextConfig(
                    # Not the defaults: those build a second copy of the pages somewhere in /tmp.
                    store_backend_defaults=InMemoryStoreBackendDefaults(),
                    analytics_enabled=False,
                    progress_bars={"globally": False, "metric_calculations": False},
                ),
            )
        return self._context


def _columns(readings: Sequence[Reading]) -> list[str]:
    """A name per reading that says what it is and needs no quoting anywhere."""
    names = []
    for number, reading in enumerate(readings, start=1):
        parts = (reading.table, reading.check, reading.column or "")
        slug = re.sub(r"[^a-z0-9]+", "_", " ".join(parts).lower()).strip("_")
        names.append(f"{slug}_{number}")
    return names


def _expectation(column: str, reading: Reading, severity: str) -> dict[str, Any]:
    # Without any bound Great Expectations refuses: then whatever was measured is fine.
    low = -1e308 if reading.low is None and reading.high is None else reading.low
    kwargs = {"column": column, "min_value": low, "max_value": reading.high}
    return {
        "type": EXPECTATION,
        "kwargs": {name: value for name, value in kwargs.items() if value is not None},
        "severity": _FAILURE.get(severity, "warning"),
    }


def _verdict(result: Any) -> Verdict:
    info = result.exception_info or {}
    # One entry per metric that broke, or the one entry itself.
    entries = [info] if "raised_exception" in info else list(info.values())
    problems = [str(entry.get("exception_message")) for entry in entries if _raised(entry)]
    return Verdict(success=bool(result.success), problem="; ".join(problems) or None)


def _raised(entry: Any) -> bool:
    return bool(isinstance(entry, dict) and entry.get("raised_exception"))


def _table_name(suite: str) -> str:
    return f"readings_of_{suite}"


@contextmanager
def _table(
    connection: DuckDBPyConnection, suite: str, columns: Sequence[str], readings: Sequence[Reading]
) -> Iterator[None]:
    """The readings as a temporary table of one row, which a read-only database allows too."""
    name = quoted(_table_name(suite))
    values = ", ".join(f"cast(? as double) as {quoted(column)}" for column in columns)
    connection.execute(
        f"create or replace temp table {name} as select {values}", [item.value for item in readings]
    )
    try:
        yield
    finally:
        connection.execute(f"drop table {name}")

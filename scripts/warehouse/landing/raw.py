"""The raw tables: created from the contract, and the record of what landing did to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse.contract import HISTORY_COLUMNS, TECHNICAL_COLUMNS, Contract, Table
from warehouse.errors import StepError
from warehouse.store import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_OPS = """
create schema if not exists ops;
create table if not exists ops.loads (
    load_id varchar not null,
    run_id varchar not null,
    table_name varchar not null,
    source varchar not null,
    rows_read bigint not null,
    rows_landed bigint not null,
    duplicates bigint not null,
    superseded bigint not null,
    conflicts bigint not null,
    rejected bigint not null,
    rows_inserted bigint not null,
    rows_updated bigint not null,
    rows_stale bigint not null,
    vanished bigint not null,
    full_export boolean not null,
    loaded_at timestamp not null,
    missing_columns varchar,
    extra_columns varchar,
    type_changes varchar,
    drift varchar,
    file_columns varchar
);
create table if not exists ops.rejects (
    load_id varchar not null,
    table_name varchar not null,
    source_file varchar not null,
    source_line bigint,
    column_name varchar,
    reason varchar not null,
    raw_text varchar,
    loaded_at timestamp not null
);
"""


def raw_name(table: Table, suffix: str = "") -> str:
    """The quoted name of a raw table or, with `__history`, of its replaced versions."""
    return f"{quoted(table.schema)}.{quoted(table.name + suffix)}"


def ensure(connection: DuckDBPyConnection, contract: Contract) -> None:
    """Create every schema and table of the landing that is missing."""
    existing = set(
        connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
    )
    if not {("ops", "loads"), ("ops", "rejects")} <= existing:
        connection.execute(_OPS)
    for table in contract.tables:
        columns = ", ".join(
            [
                *(_declared(c.name, c.data_type, c.required) for c in table.columns),
                *(f"{c.name} {c.data_type}" for c in TECHNICAL_COLUMNS),
            ]
        )
        if (table.schema, table.name) not in existing:
            connection.execute(f"create schema if not exists {quoted(table.schema)}")
            connection.execute(f"create table {raw_name(table)} ({columns})")
        if (table.schema, f"{table.name}__history") not in existing:
            more = ", ".join(f"{c.name} {c.data_type}" for c in HISTORY_COLUMNS)
            connection.execute(f"create table {raw_name(table, '__history')} ({columns}, {more})")


@dataclass(frozen=True)
class Sizes:
    """How many rows a raw table and its history hold."""

    rows: int
    replaced: int

    @classmethod
    def of(cls, connection: DuckDBPyConnection, raw: str, history: str) -> Sizes:
        """The sizes of two tables, given as SQL."""
        query = f"select (select count(*) from {raw}), (select count(*) from {history})"
        return cls(*connection.execute(query).fetchone())

    def check_after(
        self, label: str, after: Sizes, *, inserted: int, updated: int, gone: int
    ) -> None:
        """Raise StepError unless a load has left as many rows as follow from what it did."""
        due = Sizes(self.rows + inserted - gone, self.replaced + updated + gone)
        if after != due:
            raise StepError(
                f"{label} would hold {after.rows:,} rows and {after.replaced:,} replaced ones, where"
                f" {due.rows:,} and {due.replaced:,} follow from what landed: the database has lost or"
                " doubled some, and nothing landed. Run the same command again, and report it."
            )


@contextmanager
def unordered_inserts(connection: DuckDBPyConnection) -> Iterator[None]:
    """Let DuckDB insert rows in any order: it then fills whole row groups, at half the cost."""
    connection.execute("set preserve_insertion_order = false")
    yield
    # After an error nothing can be executed before the rollback: `load` restores the setting then.
    connection.execute("set preserve_insertion_order = true")


def _declared(name: str, data_type: str, required: bool) -> str:
    return f"{quoted(name)} {data_type}{' not null' if required else ''}"

"""How Great Expectations reads DuckDB: a SQLAlchemy dialect, an execution engine and a datasource.

Great Expectations knows no DuckDB. What is missing is small, but leans on its internals: its
version is pinned exactly, and tests/python/test_quality_engine.py holds what is relied on.

Import this module late: it costs two CPU seconds.
"""

from __future__ import annotations

import importlib
import itertools
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy
import sqlalchemy.dialects.postgresql
from sqlalchemy.engine.default import DefaultDialect

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

URL = "duckdb://"
# Connections that are lent to Great Expectations, by the host name of their URL.
_LENT: dict[str, DuckDBPyConnection] = {}
_numbers = itertools.count(1)


class _Later(ModuleType):
    """A module that is imported when something of it is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def _imported_later(*names: str) -> Iterator[None]:
    """Great Expectations imports these for distribution tests that nobody here uses: 1.3 CPU s."""
    late = [name for name in names if name not in sys.modules]
    for name in late:
        sys.modules[name] = _Later(name)
    try:
        yield
    finally:
        for name in late:
            if isinstance(sys.modules.get(name), _Later):
                del sys.modules[name]


with warnings.catch_warnings(), _imported_later("scipy.stats", "altair"):
    # It uses what its own dependencies call deprecated; the versions are locked.
    warnings.simplefilter("ignore")
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
    from great_expectations.execution_engine import SqlAlchemyExecutionEngine


@contextmanager
def lent(connection: DuckDBPyConnection) -> Iterator[str]:
    """The URL under which Great Expectations finds this very connection while the block runs.

    It is the same connection, not a second one: temporary tables are there, a read-only one stays
    read-only, and nothing keeps the file open afterwards.
    """
    name = f"connection{next(_numbers)}"
    _LENT[name] = connection
    try:
        yield f"{URL}{name}"
    finally:
        del _LENT[name]


class _Cursor:
    """A DB-API cursor over a lent connection, which is asked for by name: no reference is kept."""

    arraysize = 1
    rowcount = -1
    lastrowid = None

    def __init__(self, name: str) -> None:
        self._name = name
        self._rows: list[Any] = []
        self.description: Any = None

    def execute(self, sql: str, parameters: Sequence[Any] | None = None) -> None:
        connection = _LENT[self._name].execute(sql, list(parameters or ()))
        # Names alone: DuckDB's type objects would be kept in caches beyond the connection.
        self.description = [(item[0], *[None] * 6) for item in connection.description or ()]
        self._rows = connection.fetchall() if connection.description else []
        self._rows.reverse()

    def fetchone(self) -> Any:
        return self._rows.pop() if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        return [self._rows.pop() for _ in range(min(size or self.arraysize, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        return self.fetchmany(len(self._rows))

    def close(self) -> None:
        self._rows = []


class _Connection:
    """A DB-API connection that only reads: there is nothing to commit, nor is it ours to close."""

    def __init__(self, name: str) -> None:
        self._name = name

    def cursor(self) -> _Cursor:
        return _Cursor(self._name)

    def close(self) -> None:
        pass

    def commit(self) -> None:
        pass

    def rollback(self) -> None:
        pass


class DuckDBDialect(DefaultDialect):
    """As much of a SQLAlchemy dialect as reading takes."""

    name = "duckdb"
    driver = "lent"
    default_paramstyle = "qmark"
    supports_statement_cache = True
    supports_native_boolean = True
    supports_native_decimal = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """DuckDB's own DB-API module."""
        import duckdb

        return duckdb

    def create_connect_args(self, url: Any) -> Any:
        """The name of the lent connection."""
        return [url.host], {}

    def connect(self, *arguments: Any, **_options: Any) -> Any:
        """The lent connection of that name."""
        return _Connection(arguments[0])

    def initialize(self, _connection: Any) -> None:
        """Nothing is asked of the server."""
        self.default_schema_name = "main"

    def has_table(
        self, connection: Any, table_name: str, schema: str | None = None, **_options: Any
    ) -> bool:
        """Whether there is a table or view of that name."""
        found = connection.exec_driver_sql(
            "select count(*) from information_schema.tables "
            "where table_name = ? and (table_schema = ? or ? is null)",
            (table_name, schema, schema),
        )
        return bool(found.scalar())

    def get_columns(
        self, connection: Any, table_name: str, schema: str | None = None, **_options: Any
    ) -> Any:
        """The columns, without their types: those are held by the contracts of dbt."""
        quote = self.identifier_preparer.quote
        source = f"{quote(schema)}.{quote(table_name)}" if schema else quote(table_name)
        names = connection.exec_driver_sql(f"select * from {source} limit 0").keys()
        return [
            {"name": name, "type": sqlalchemy.types.NullType(), "nullable": True, "default": None}
            for name in names
        ]


sqlalchemy.dialects.registry.register("duckdb", __name__, "DuckDBDialect")


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """Keeps one connection open: rows are fetched after Great Expectations would have closed it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """As the parent, and with the operators of PostgreSQL: DuckDB shares `~` and `like`."""
        super().__init__(*arguments, **options)
        self.dialect_module = sqlalchemy.dialects.postgresql
        self._kept: Any = None

    @contextmanager
    def get_connection(self) -> Iterator[Any]:
        """The one connection."""
        if self._kept is None:
            self._kept = self.engine.connect()
        yield self._kept


class DuckDBDatasource(SQLDatasource):
    """A datasource over a lent connection; its type is its own, so no dialect is guessed."""

    type: Literal["duckdb"] = "duckdb"  # type: ignore[assignment]

    @property
    def execution_engine_type(self) -> type[SqlAlchemyExecutionEngine]:
        """The engine that keeps its connection."""
        return DuckDBExecutionEngine

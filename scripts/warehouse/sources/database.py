"""What a query of a source's database gives, as Arrow batches; ConnectorX reads all of them.

PostgreSQL's values come in their own types. The types of the others differ in more than names
(SQLite has none), so of them whole numbers and floats are taken as such and all else as text.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode

from warehouse.errors import InputError, StepError, WarehouseError
from warehouse.sources.address import PORTS, Address

if TYPE_CHECKING:
    import pyarrow

_BATCH_ROWS = 50_000
_CONNECT_SECONDS = 10
_INSTALL = "pip install 'sales-kpi-warehouse[database]' (or `make install`)"
_CATALOGUE = """
    select table_schema as table_schema, table_name as table_name, column_name as column_name,
        data_type as data_type
    from information_schema.columns where table_schema {schemas} order by ordinal_position
"""
_SCHEMAS = {
    "postgresql": "= any (current_schemas(false))",
    "mysql": "= database()",
    "mssql": "= schema_name()",
}
# What ConnectorX gives as it is; anything else becomes text inside the query.
_NATIVE = {
    "postgresql": {
        "smallint", "integer", "bigint", "boolean", "real", "double precision", "text",
        "character varying", "date", "timestamp without time zone", "timestamp with time zone",
    },
    "mysql": {"tinyint", "smallint", "mediumint", "int", "bigint", "float", "double"},
    "mssql": {"tinyint", "smallint", "int", "bigint", "real", "float"},
    "sqlite": {"int", "integer", "bigint", "smallint", "tinyint"},
}  # fmt: skip


_INSTANT = "convert(varchar(33), {name}, 126)"
_MONEY = "cast(cast({name} as decimal(38, 4)) as varchar(60))"
_AS_TEXT = {
    "postgresql": {
        # What no decimal can hold (NaN, infinity, 29 digits) is no amount: null.
        "numeric": "case when abs({name}) < 1e28 then cast({name} as numeric(38, 10)) end",
        "*": "cast({name} as text)",
    },
    "mysql": {"*": "cast({name} as char)"},
    "mssql": {
        **dict.fromkeys(("date", "datetime", "datetime2", "smalldatetime"), _INSTANT),
        **dict.fromkeys(("money", "smallmoney"), _MONEY),
        "datetimeoffset": "convert(varchar(33), cast(switchoffset({name}, 0) as datetime2), 126)",
        "*": "cast({name} as nvarchar(max))",
    },
    # An expression has no type in SQLite, and none can be told from a null.
    "sqlite": {"*": "coalesce(cast({name} as text), '')"},
}


@dataclass(frozen=True)
class DatabaseColumn:
    """A column as the database has it."""

    name: str
    data_type: str


@dataclass(frozen=True)
class DatabaseTable:
    """A table as the database has it."""

    schema: str
    name: str
    columns: tuple[DatabaseColumn, ...]


@dataclass(frozen=True)
class Database:
    """An open source database; every query sees the same instant where that is possible."""

    address: Address
    url: str = field(repr=False)
    before: tuple[str, ...] = ()

    def query(self, text: str) -> pyarrow.RecordBatchReader:
        """The rows of a query in batches."""
        import connectorx

        with _told(self.address):
            return connectorx.read_sql(
                self.url,
                text,
                return_type="arrow_stream",
                batch_size=_BATCH_ROWS,
                pre_execution_query=list(self.before) or None,
            )

    def rows(self, text: str) -> list[dict[str, Any]]:
        """All rows of a small query."""
        with _told(self.address):
            return [row for batch in self.query(text) for row in batch.to_pylist()]

    def tables(self) -> list[DatabaseTable]:
        """The tables and views that the login sees by their bare names."""
        if self.address.kind == "sqlite":
            query = (
                "select '' as table_schema, m.name as table_name, p.name as column_name,"
                " p.type as data_type from sqlite_master m, pragma_table_info(m.name) p"
                " where m.type in ('table', 'view') order by m.name, p.cid"
            )
        else:
            query = _CATALOGUE.format(schemas=_SCHEMAS[self.address.kind])
        found: dict[tuple[str, str], list[DatabaseColumn]] = {}
        for row in self.rows(query):
            columns = found.setdefault((row["table_schema"] or "", row["table_name"]), [])
            columns.append(DatabaseColumn(row["column_name"], str(row["data_type"]).lower()))
        return [
            DatabaseTable(schema, name, tuple(columns)) for (schema, name), columns in found.items()
        ]

    def quoted(self, name: str) -> str:
        """An identifier that is safe in this database's SQL."""
        left, right = {"mysql": "``", "mssql": "[]"}.get(self.address.kind, '""')
        return f"{left}{name.replace(right, right * 2)}{right}"

    def relation(self, table: DatabaseTable) -> str:
        """The name of a table in this database's SQL."""
        names = [table.schema, table.name] if table.schema else [table.name]
        return ".".join(self.quoted(name) for name in names)

    def value(self, column: DatabaseColumn) -> str:
        """A column in this database's SQL, so that it can be transferred whatever its type."""
        name, kind = self.quoted(column.name), self.address.kind
        base = _base(column)
        if base in _NATIVE[kind]:
            return name
        return _AS_TEXT[kind].get(base, _AS_TEXT[kind]["*"]).format(name=name)

    def landed(self, column: DatabaseColumn, expression: str) -> str:
        """DuckDB's SQL for a transferred value."""
        if self.address.kind == "sqlite" and _base(column) not in _NATIVE["sqlite"]:
            return f"nullif({expression}, '')"
        return expression

    def literal(self, value: object) -> str:
        """A cursor or key value in this database's SQL."""
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return "'" + str(value).replace("'", "''") + "'"

    def instant(self, column: DatabaseColumn, value: object) -> str:
        """The literal to compare a column with; a landed instant is UTC."""
        if column.data_type == "timestamp with time zone":
            return f"'{value}+00'"
        return self.literal(value)


@contextmanager
def connect(address: Address) -> Iterator[Database]:
    """Open a source database; whatever goes wrong is one sentence without the password."""
    # ConnectorX tells of each of its attempts, with the address, on the standard error.
    os.environ.setdefault("RUST_LOG", "off")
    try:
        import connectorx  # noqa: F401
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise InputError(f"Reading databases needs {error.name}: {_INSTALL}.") from None
    if address.kind == "postgresql":
        with _postgresql(address) as database:
            yield database
        return
    if address.kind != "sqlite":
        _reach(address)
    # MySQL shows its timestamps in the session's time zone.
    before = ("set time_zone = '+00:00'",) if address.kind == "mysql" else ()
    database = Database(address=address, url=address.url, before=before)
    try:
        database.rows("select 1 as one")
    except StepError as error:
        raise InputError(str(error)) from None
    yield database


@contextmanager
def _postgresql(address: Address) -> Iterator[Database]:
    """Every query of one run reads the same snapshot, which an idle transaction holds open."""
    try:
        import psycopg
    except ImportError as error:
        raise InputError(f"Reading PostgreSQL needs {error.name}: {_INSTALL}.") from None
    try:
        # libpq knows the PG* variables, ~/.pgpass and service files.
        holder = psycopg.connect(address.url, connect_timeout=_CONNECT_SECONDS)
    except psycopg.Error as error:
        raise InputError(
            f"{address.shown} cannot be opened: {address.without_password(str(error))}. "
            "Check the address and the credentials."
        ) from None
    with holder:
        holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        holder.read_only = True
        holder.execute("set local idle_in_transaction_session_timeout = 0")
        (snapshot,) = holder.execute("select pg_export_snapshot()").fetchone()
        secrets = Address(
            kind=address.kind,
            url=address.url,
            shown=address.shown,
            password=holder.info.password or address.password,
        )
        yield Database(
            address=secrets,
            url=_url_of(holder.info, address, is_encrypted=holder.pgconn.ssl_in_use),
            before=(
                "begin isolation level repeatable read read only",
                f"set transaction snapshot '{snapshot}'",
                "set local timezone = 'UTC'",
            ),
        )


def _url_of(info: Any, address: Address, *, is_encrypted: bool) -> str:
    """The URL of an open connection, with whatever libpq found out about it."""
    parameters = {
        name: value
        for name, value in parse_qsl(address.parts.query)
        if name in ("sslmode", "sslrootcert")
    }
    if is_encrypted:
        parameters.setdefault("sslmode", "require")
    password = f":{quote(info.password, safe='')}" if info.password else ""
    query = f"?{urlencode(parameters)}" if parameters else ""
    return (
        f"postgresql://{quote(info.user, safe='')}{password}@{quote(info.host, safe='')}"
        f":{info.port}/{quote(info.dbname, safe='')}{query}"
    )


def _reach(address: Address) -> None:
    """Fail at once where nobody listens: ConnectorX would try for half a minute."""
    host, port = address.parts.hostname or "localhost", address.parts.port or PORTS[address.kind]
    try:
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise InputError(
            f"{address.shown} cannot be opened: {error.strerror or error}. Check the address."
        ) from None


@contextmanager
def _told(address: Address) -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError, WarehouseError):
        raise
    except BaseException as error:
        # A panic in ConnectorX is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise StepError(
            f"{address.shown} cannot be read: {address.without_password(str(error)).rstrip('. ')}."
        ) from None


def _base(column: DatabaseColumn) -> str:
    """A column's type without its length."""
    return column.data_type.split("(")[0].strip()


def chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """The items in pieces of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]

"""A small warehouse to land files in, and files to land; for the tests of landing."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from warehouse import load
from warehouse.contract import load_contract

LOADED_AT = datetime(2025, 7, 1, 3, 0)


@dataclass
class Landing:
    """A database file and a directory per load below `root`."""

    root: Path
    connection: duckdb.DuckDBPyConnection
    loads: int = 0

    def directory(self, name: str = "") -> Path:
        """A new landing directory."""
        path = self.root / (name or f"landing-{len(list(self.root.glob('landing-*')))}")
        path.mkdir(parents=True)
        return path

    def load(self, *directories: Path, full_export: bool = False) -> load.LoadResult:
        """Load directories, an hour after the last load; the counts always add up."""
        self.loads += 1
        result = load.load(
            self.connection,
            directories,
            run_id=f"run-{self.loads}",
            full_export=full_export,
            loaded_at=LOADED_AT + timedelta(hours=self.loads),
        )
        for table in result.tables:
            assert table.rows_read == (
                table.rows_landed + table.duplicates + table.superseded + table.rejected
            )
        return result

    def load_files(
        self, files: dict[str, str | bytes], *, full_export: bool = False
    ) -> load.TableLoad:
        """Load files given by name and content; for files of one table."""
        directory = self.directory()
        for name, content in files.items():
            path = directory / name
            path.parent.mkdir(exist_ok=True)
            data = content.encode() if isinstance(content, str) else content
            path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        (table,) = self.load(directory, full_export=full_export).tables
        return table

    def load_parquet(self, table: str, select: str, **options: bool) -> load.TableLoad:
        """Load the result of a query as a Parquet file."""
        directory = self.directory()
        self.connection.execute(
            f"copy ({select}) to '{directory / table}.parquet' (format parquet)"
        )
        (loaded,) = self.load(directory, **options).tables
        return loaded

    def rows(self, query: str) -> list[tuple]:
        """The rows of a query."""
        return self.connection.execute(query).fetchall()

    def value(self, query: str) -> object:
        """The one value of a query."""
        ((value,),) = self.rows(query)
        return value

    def rejects(self) -> list[load.Reject]:
        """All rejects."""
        return load.rejects(self.connection, None)

    def dump(self) -> dict[str, list[tuple]]:
        """Every row of every raw table, history and ops table, in a fixed order."""
        tables = self.rows(
            "select schema_name, table_name from duckdb_tables()"
            " where schema_name like 'raw_%' or schema_name = 'ops' order by all"
        )
        return {
            f"{schema}.{name}": self.rows(f"from {schema}.{name} order by all")
            for schema, name in tables
        }

    def current(self) -> dict[str, list[tuple]]:
        """What raw says now: the contract's columns and the unknown ones of rows that are there."""
        return {
            table.name: self.rows(
                f"select {', '.join(table.column_names)}, _extra_columns"
                f" from {table.schema}.{table.name} where _vanished_at is null order by all"
            )
            for table in load_contract().tables
        }


def open_landing(root: Path) -> Landing:
    """An empty warehouse below a directory."""
    root.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(str(root / "warehouse.duckdb"))
    load.ensure_raw_tables(connection)
    return Landing(root, connection)


def jsonl(*rows: dict[str, object]) -> str:
    """JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def rows_of(landing: Path, table: str) -> list[dict[str, str]]:
    """The rows of a table that a sample wrote."""
    with (landing / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write_rows(directory: Path, table: str, rows: list[dict[str, str]]) -> None:
    """Write a table of a landing directory."""
    directory.mkdir(exist_ok=True)
    with (directory / f"{table}.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)

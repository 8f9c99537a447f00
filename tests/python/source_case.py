"""A small CRM of our own: its declaration, its files, and a real PostgreSQL to keep it in."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from warehouse.sources import declared
from warehouse.sources.load import SourceLoad, load_files

DECLARATION = """
version: 2
sources:
  - name: raw_acme
    schema: raw_acme
    description: A small CRM.
    tables:
      - name: deal
        description: Deals.
        config: {meta: {key: [id], cursor: changed_at}}
        columns:
          - {name: id, data_type: bigint}
          - {name: stage_name, data_type: varchar}
          - {name: amount, data_type: "decimal(28, 10)"}
          - {name: changed_at, data_type: timestamp}
          - {name: is_deleted, data_type: boolean}
      - name: stage
        description: Stages.
        config: {meta: {key: [id]}}
        columns:
          - {name: id, data_type: bigint}
          - {name: name, data_type: varchar}
      - name: tag
        description: Tags, which have no key.
        columns:
          - {name: deal_id, data_type: bigint}
          - {name: label, data_type: varchar}
"""
START = datetime(2025, 3, 1, 6)


@dataclass
class SourceCase:
    """A home-less warehouse in one DuckDB file, into which a source is loaded."""

    directory: Path
    connection: duckdb.DuckDBPyConnection
    loads: int = 0

    @property
    def source(self) -> declared.Source:
        return declared.load(self.directory / "project", "acme")

    def next_load(self) -> dict:
        self.loads += 1
        return {
            "run_id": f"run-{self.loads}",
            "loaded_at": START + timedelta(days=self.loads),
        }

    def load(self, directory: Path, *, full_export: bool = False) -> SourceLoad:
        return load_files(
            self.connection,
            self.source,
            [directory],
            full_export=full_export,
            **self.next_load(),
        )

    def rows(self, query: str) -> list[tuple]:
        return self.connection.execute(query).fetchall()

    def write(self, name: str, **tables: str) -> Path:
        """A directory with one Parquet file per table, from a query each."""
        directory = self.directory / name
        directory.mkdir()
        for table, query in tables.items():
            duckdb.execute(f"copy ({query}) to '{directory / table}.parquet' (format parquet)")
        return directory


def make_case(directory: Path, declaration: str = DECLARATION) -> SourceCase:
    staging = directory / "project" / "models" / "staging" / "acme"
    staging.mkdir(parents=True)
    (directory / "project" / "dbt_project.yml").write_text("name: small\n")
    (staging / "_acme__sources.yml").write_text(declaration)
    return SourceCase(directory, duckdb.connect(str(directory / "warehouse.duckdb")))


# A real PostgreSQL


def postgres_binaries() -> Path | None:
    """Where initdb and pg_ctl are: on the path, or where Debian puts them."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return versions[0].parent if versions else None


@dataclass(frozen=True)
class Postgres:
    """A running server: user `owner` without, `reader` with a password."""

    port: int
    password: str

    def url(self, database: str = "crm", user: str = "owner", password: str = "") -> str:
        login = f"{user}:{password}" if password else user
        return f"postgresql://{login}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str, database: str = "crm") -> None:
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


@contextmanager
def running_postgres(password: str) -> Iterator[Postgres]:
    """Start a server of our own on a free port, in a directory that goes with it."""
    with tempfile.TemporaryDirectory(prefix="warehouse-postgres-") as directory:
        yield from _running_postgres(Path(directory), password)


def _running_postgres(directory: Path, password: str) -> Iterator[Postgres]:
    binaries = postgres_binaries()
    assert binaries is not None
    who = {}
    if os.getuid() == 0:
        # A server refuses to run as root.
        account = next(pwd.getpwnam(name) for name in ("postgres", "nobody") if _has_account(name))
        os.chown(directory, account.pw_uid, account.pw_gid)
        who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = directory / "data"
    environment = {**os.environ, "LC_ALL": "C", "HOME": str(directory)}

    def run(*call: object) -> None:
        subprocess.run(
            [str(part) for part in call],
            check=True,
            cwd=directory,
            env=environment,
            stdout=subprocess.DEVNULL,
            **who,
        )

    run(binaries / "initdb", "-D", data, "-U", "owner", "--auth=trust", "-E", "UTF8")
    hba = "host all owner 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    (data / "pg_hba.conf").write_text(hba)
    options = f"-p {port} -k {directory} -c listen_addresses=127.0.0.1 -c fsync=off"
    run(binaries / "pg_ctl", "-D", data, "-o", options, "-l", directory / "log", "-w", "start")
    try:
        server = Postgres(port, password)
        server.execute(
            "create database crm",
            f"create role reader login password '{password}'",
            "grant pg_read_all_data to reader",
            database="postgres",
        )
        yield server
    finally:
        run(binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def _has_account(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True

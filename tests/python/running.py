"""Runs the commands as people do: real processes, real DuckDB files, a home of their own.

`warehouse` commands are forks of a process that has imported what they need (forked.py).
"""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import duckdb

import forked

REPOSITORY = Path(__file__).parents[2]
DBT = Path(sys.executable).parent / "dbt"


def warehouse(
    home: Path, command: str, *arguments: object, expect: int = 0
) -> subprocess.CompletedProcess:
    """Run `warehouse COMMAND ... --home HOME`; its exit code must be the expected one."""
    ran = forked.run([command, *arguments, "--home", home], cwd=home.parent)
    assert ran.returncode == expect, f"{ran.args}\n{ran.stdout}\n{ran.stderr}"
    return ran


def refresh(
    home: Path,
    *landing: Path,
    as_of: datetime,
    settings: dict | None = None,
    full_export: bool = False,
) -> Path:
    """A refresh that must publish; returns the published DuckDB file."""
    arguments = [*landing, "--as-of", as_of.isoformat()]
    if settings:
        arguments += ["--vars", json.dumps(settings)]
    if full_export:
        arguments += ["--full-export"]
    warehouse(home, "refresh", *arguments)
    return home / "published" / "current" / "sales_kpi.duckdb"


def dbt(home: Path, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess:
    """Run plain dbt from the repository root, its artifacts beside the home."""
    call = [
        str(DBT),
        *arguments,
        "--target-path",
        str(home / "dbt"),
        "--log-path",
        str(home / "dbt"),
    ]
    environment = {**os.environ, "WAREHOUSE_HOME": str(home)}
    ran = subprocess.run(
        call, capture_output=True, text=True, check=False, cwd=REPOSITORY, env=environment
    )
    assert ran.returncode == expect, f"{call}\n{ran.stdout[-8000:]}\n{ran.stderr}"
    return ran


def read(published: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to a published file."""
    return duckdb.connect(str(published), read_only=True)

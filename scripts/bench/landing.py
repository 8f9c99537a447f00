"""What landing costs, against the barest typed DuckDB insert from the same file.

    python scripts/bench/landing.py [--rows 5000000] [--directory DIR]

Each side runs in a process of its own and is measured by its whole CPU time. Ends with 1 if CSV
costs more than three times or Parquet more than twice the bare insert. A million deals are shown as
well: a wide table with numbers, instants and quoted texts.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import duckdb

from warehouse import load
from warehouse.contract import load_contract

LIMITS = {"csv": 3.0, "parquet": 2.0}
HISTORY = """
select
    'h' || lpad(i::varchar, 9, '0') as change_id,
    lpad((i // 6)::varchar, 8, '0') as deal_id,
    ['qualification', 'discovery', 'proposal', 'negotiation', 'closed_won'][1 + i % 5] as stage,
    timestamp '2023-01-01' + to_seconds((hash(i) % 80000000)::bigint) as changed_at,
    lpad((hash(i // 6) % 40)::varchar, 3, '0') as changed_by
from range({rows}) as t (i)
"""
DEALS = """
select
    lpad(i::varchar, 8, '0') as deal_id, 'A' || i // 3 as account_id,
    'Deal "' || i || '", renewal' as name, 'new_sales' as pipeline, 'discovery' as stage,
    'renewal' as deal_type, 'event' as source, 'P' || i % 9 as product_id,
    'u' || i % 40 as owner_id,
    'EMEA' as region, ((hash(i) % 9999999) / 100)::decimal(18, 2) as amount, 'EUR' as currency,
    timestamp '2023-01-01' + to_seconds((hash(i) % 80000000)::bigint) as created_at,
    timestamp '2023-03-01' + to_seconds((hash(i) % 80000000)::bigint) as closed_at,
    date '2023-01-01' + (i % 900)::int as expected_close_on, null::varchar as lost_reason,
    false as is_deleted,
    timestamp '2023-03-01' + to_seconds((hash(i) % 80000000)::bigint) as updated_at
from range({rows}) as t (i)
"""


def write(directory: Path, table: str, query: str, rows: int) -> None:
    """One landing directory per format."""
    connection = duckdb.connect()
    for file_format in LIMITS:
        target = directory / file_format
        target.mkdir(parents=True, exist_ok=True)
        options = "header, timestampformat '%Y-%m-%dT%H:%M:%SZ'" if file_format == "csv" else ""
        connection.execute(
            f"copy ({query.format(rows=rows)}) to '{target / table}.{file_format}'"
            f" (format {file_format}{', ' + options if options else ''})"
        )


def bare(database: Path, path: Path, table: str) -> None:
    """The plainest insert of the file into a typed table."""
    columns = load_contract().table(table).columns
    connection = duckdb.connect(str(database))
    declared = ", ".join(f"{column.name} {column.data_type}" for column in columns)
    connection.execute(f"create table bare ({declared})")
    typed = ", ".join(f"'{column.name}': '{column.data_type}'" for column in columns)
    reader = (
        f"read_csv('{path}', auto_detect = false, header = true, quote = '\"', escape = '\"',"
        f" columns = {{{typed}}})"
        if path.suffix == ".csv"
        else f"read_parquet('{path}')"
    )
    connection.execute(f"insert into bare select * from {reader}")
    connection.close()


def landing(database: Path, path: Path) -> None:
    """The same file through landing."""
    connection = duckdb.connect(str(database))
    result = load.load(connection, [path.parent], run_id="bench", loaded_at=datetime(2025, 7, 1))
    connection.close()
    if any(table.rows_landed != table.rows_read for table in result.tables):
        raise SystemExit(f"not every row landed: {result}")


def cpu_seconds(side: str, path: Path, table: str) -> float:
    """User and system time of one side in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, __file__, "--side", side, "--file", str(path), "--table", table,
             "--database", str(Path(scratch) / "bench.duckdb")],
            check=True,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(directory: Path, table: str) -> bool:
    """Print both sides of every format; whether all of them keep to their limit."""
    kept = True
    for file_format, limit in LIMITS.items():
        path = directory / file_format / f"{table}.{file_format}"
        # The better of two runs: other processes may disturb one.
        plain, ours = (
            min(cpu_seconds(side, path, table) for _ in range(2)) for side in ("bare", "landing")
        )
        ratio = ours / plain
        kept = kept and ratio <= limit
        print(
            f"{table:20} {file_format:8} bare {plain:6.1f} s   landing {ours:6.1f} s"
            f"   {ratio:.2f} times (limit {limit:.0f})"
        )
    return kept


def main() -> int:
    """Write the files, measure, and say whether the limits hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--side", choices=("bare", "landing"), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--table", help=argparse.SUPPRESS)
    parser.add_argument("--database", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side == "bare":
        bare(arguments.database, arguments.file, arguments.table)
        return 0
    if arguments.side == "landing":
        landing(arguments.database, arguments.file)
        return 0
    with tempfile.TemporaryDirectory(dir=arguments.directory) as scratch:
        kept = True
        for table, query, rows in (
            ("deal_stage_history", HISTORY, arguments.rows),
            ("deals", DEALS, arguments.rows // 5),
        ):
            directory = Path(scratch) / table
            write(directory, table, query, rows)
            kept = measure(directory, table) and kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())

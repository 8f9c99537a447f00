"""What DuckDB and Spark spell or compute differently, tried on both; docs/engines.md is written from it.

    .venv-spark/bin/python tests/spark/engines.py    # starts a cluster, writes docs/engines.md

Each construct is DuckDB's own text. It runs on DuckDB, the same text on Spark, and what hides the
difference (a macro with arguments, or text that means the same on both) runs on both and has to give
`means`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

import cluster as cluster_of

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "engines.md"
DBT = Path(sys.executable).parent / "dbt"
# dbt is told of this zone, so that the macros of time zones have something to do.
ZONE = "America/New_York"


@dataclass(frozen=True)
class Construct:
    """One thing that the engines do not share."""

    what: str
    duckdb: str
    instead: str
    means: str
    # The macro that hides it; none where another spelling means the same on both.
    macro: str = ""


CONSTRUCTS = (
    Construct(
        "Time between instants",
        "epoch_us(timestamp '2024-03-01 00:00:01.5') - epoch_us(timestamp '2024-02-29 23:59:59')",
        "{{ elapsed_us(\"timestamp '2024-02-29 23:59:59'\", \"timestamp '2024-03-01 00:00:01.5'\") }}",
        "2500000",
        "elapsed_us",
    ),
    Construct(
        "Days between dates",
        "date '2024-03-01' - date '2024-02-01'",
        "{{ days_between(\"date '2024-02-01'\", \"date '2024-03-01'\") }}",
        "29",
        "days_between",
    ),
    Construct(
        "Local time of an instant, the hour that comes twice",
        f"timestamp '2024-11-03 06:30:00' at time zone 'UTC' at time zone '{ZONE}'",
        f"{{{{ local_time(\"timestamp '2024-11-03 06:30:00'\", '{ZONE}') }}}}",
        "2024-11-03 01:30:00",
        "local_time",
    ),
    Construct(
        "Local date of an instant",
        f"cast(timestamp '2024-01-01 04:59:59' at time zone 'UTC' at time zone '{ZONE}' as date)",
        "{{ local_date(\"timestamp '2024-01-01 04:59:59'\") }}",
        "2023-12-31",
        "local_date",
    ),
    Construct(
        "The instant of a local midnight",
        f"cast(date '2024-07-01' as timestamp) at time zone '{ZONE}' at time zone 'UTC'",
        "{{ midnight_of(\"date '2024-07-01'\") }}",
        "2024-07-01 04:00:00",
        "midnight_of",
    ),
    Construct(
        "A local midnight that comes twice",
        "cast(date '2024-11-03' as timestamp) at time zone 'America/Havana' at time zone 'UTC'",
        "{{ adapter.dispatch('midnight_of')(\"date '2024-11-03'\", 'America/Havana') }}",
        "2024-11-03 05:00:00",
        "midnight_of",
    ),
    Construct(
        "A computed number of days later",
        "cast(date '2024-02-26' + interval (7 * 1) day as date)",
        "{{ shift_period(1, \"'week'\", \"date '2024-02-26'\") }}",
        "2024-03-04",
        "shift_period",
    ),
    Construct(
        "Several percentiles at once",
        "(select quantile_cont(x, [0.5, 0.9]) from (values (1), (2), (4)) as t (x))",
        "(select {{ percentile_of(percentiles('x', [0.5, 0.9]), 2) }} from (values (1), (2), (4)) as t (x))",
        "3.6",
        "percentiles, percentile_of",
    ),
    Construct(
        "Text type",
        "cast(1 as varchar)",
        "cast(1 as {{ type_name('varchar') }})",
        "1",
        "type_name; in models `string`",
    ),
    Construct(
        "Division by zero",
        "1.0::double / 0",
        "{{ ratio('1', '0') }}",
        "None",
        "ratio",
    ),
    Construct(
        "Average of money",
        "(select typeof(avg(x)) from (values (cast(1 as decimal(28, 10)))) as t (x))",
        "(select typeof({{ average('x') }}) = 'double' or typeof({{ average('x') }}) = 'DOUBLE' "
        "from (values (cast(1 as decimal(28, 10)))) as t (x))",
        "True",
        "average",
    ),
    Construct(
        "Type of a sum of integers",
        "(select typeof(sum(x)) from (values (cast(1 as bigint))) as t (x))",
        "(select cast(sum(x) as bigint) from (values (cast(1 as bigint))) as t (x))",
        "1",
        "the contract: each column is cast to its declared type (macros/spark/table.sql)",
    ),
    Construct(
        "Type of a row number",
        "(select typeof(row_number() over (order by x)) from (values (1)) as t (x))",
        "(select cast(row_number() over (order by x) as bigint) from (values (1)) as t (x))",
        "1",
        "the contract, likewise",
    ),
    Construct(
        "Money of 38 digits added up",
        "cast(cast(0.0000000001 as decimal(38, 10)) + cast(0 as decimal(38, 10)) as double)",
        "round(10000000000 * cast(cast(0.0000000001 as decimal(38, 10)) "
        "+ cast(0 as decimal(38, 10)) as double), 6)",
        "1.0",
        "profiles.yml: spark.sql.decimalOperations.allowPrecisionLoss is false",
    ),
    Construct(
        "A half made whole",
        "cast(2.5 as integer)",
        "cast(floor(2.5) as bigint)",
        "2",
        "",
    ),
    Construct(
        "Joining text with null",
        "concat('a', null)",
        "'a' || null",
        "None",
        "",
    ),
    Construct(
        "lead over a named window that has a frame",
        "(select max(n) from (select lead(x) over w as n from (values (1), (2)) as t (x) "
        "window w as (order by x rows between unbounded preceding and current row)))",
        "(select max(n) from (select lead(x) over w as n from (values (1), (2)) as t (x) "
        "window w as (order by x)) as leads)",
        "2",
        "",
    ),
    Construct(
        "An operator after the name of a window",
        "(select max(n) from (select sum(x) over w-x as n from (values (1), (2)) as t (x) "
        "window w as (order by x)) as sums)",
        "(select max(n) from (select sum(x) over (w) - x as n from (values (1), (2)) as t (x) "
        "window w as (order by x)) as sums)",
        "1",
        "",
    ),
    Construct(
        "A lone name in brackets after where",
        "(select count(*) from (select 1 as x, 2 as y) where (true))",
        "(select count(*) from (select 1 as x, 2 as y) where true)",
        "1",
        "",
    ),
    Construct(
        "A series of numbers",
        "(select sum(x) from generate_series(0, 3) as t (x))",
        "(select sum(x) from range(0, 4) as t (x))",
        "6",
        "",
    ),
)

# What is no expression: materializations, seeds and settings.
ELSEWHERE = (
    (
        "create or replace table",
        "Parquet tables of Spark cannot be replaced",
        "macros/spark/table.sql",
    ),
    (
        "incremental tables",
        "rows of Parquet files cannot be replaced",
        "macros/spark/incremental.sql: made whole",
    ),
    ("comments", "Spark takes them where a table is declared", "macros/spark/table.sql"),
    ("seeds", "a table of the lake, emptied first", "macros/spark/seed.sql"),
    ("raw tables", "declared over the lake's Parquet", "macros/spark/register_landed.sql"),
    (
        "session settings",
        "the Thrift server ignores a setting without the prefix `set:`",
        "profiles.yml",
    ),
)

_HEAD = """\
# Engines

<!-- Written by `make engines` from tests/spark/engines.py, which tries each line on both engines. -->

The models are one text for DuckDB and Spark. What the engines spell or compute differently stands behind
a small macro in `macros/`, or is written in a way that means the same on both. Each line was run: DuckDB's
own text on DuckDB, the same text on Spark as it comes, and what the models say instead, which gives the
same value on both.

| what | DuckDB's text | on DuckDB | the same text on Spark | in the models | on both |
|---|---|---|---|---|---|
"""
_FOOT = """
The adapters of `models/staging/{hubspot,salesforce,odoo,tryton}` are written for DuckDB alone so far: with
Spark, `crm_sources` has to be `[landing]`.
"""


def try_all(port: int) -> list[dict[str, str]]:
    """What each construct gives: on DuckDB, the same text on Spark, and what stands instead on both."""
    rendered = {target: render(target, port) for target in ("duckdb", "spark")}
    found = []
    with (
        duckdb.connect() as ours,
        contextlib.closing(connect(port)) as theirs,
        contextlib.closing(connect(port, with_settings=False)) as bare,
    ):
        ours.execute("set timezone = 'UTC'")
        for number, construct in enumerate(CONSTRUCTS):
            found.append(
                {
                    "on duckdb": on_duckdb(ours, construct.duckdb),
                    "same text on spark": on_spark(bare, construct.duckdb),
                    "instead on duckdb": on_duckdb(ours, rendered["duckdb"][number]),
                    "instead on spark": on_spark(theirs, rendered["spark"][number]),
                }
            )
    return found


def render(target: str, port: int) -> list[str]:
    """What stands instead, as dbt writes it for an engine."""
    marked = "\n".join(f"/*{n}*/ {c.instead} /*end*/" for n, c in enumerate(CONSTRUCTS))
    with tempfile.TemporaryDirectory() as home:
        call = [DBT, "--quiet", "compile", "--inline", marked, "--target", target]
        call += ["--vars", json.dumps({"reporting_timezone": ZONE}), "--output", "json"]
        call += ["--target-path", home, "--log-path", home]
        environment = {
            **os.environ,
            "WAREHOUSE_HOME": home,
            "WAREHOUSE_SPARK_PORT": str(port),
        }
        ran = subprocess.run(
            list(map(str, call)),
            capture_output=True,
            text=True,
            check=True,
            cwd=REPOSITORY,
            env=environment,
        )
    text = json.loads(ran.stdout)["compiled"]
    return [body.strip() for body in re.findall(r"/\*\d+\*/(.*?)/\*end\*/", text, re.S)]


def connect(port: int, *, with_settings: bool = True) -> Any:
    """A session with the settings of profiles.yml, or with those that Spark has by itself."""
    from pyhive import hive

    profile = yaml.safe_load((REPOSITORY / "profiles.yml").read_text(encoding="utf-8"))
    settings = profile["warehouse"]["outputs"]["spark"]["server_side_parameters"]
    return hive.connect(
        "127.0.0.1",
        port=port,
        username="warehouse",
        configuration=settings if with_settings else {},
    )


def on_duckdb(connection: duckdb.DuckDBPyConnection, expression: str) -> str:
    """The value as text, or that it is refused."""
    try:
        return _text(connection.execute(f"select {expression}").fetchone()[0])
    except duckdb.Error as error:
        return f"refused: {type(error).__name__}"


def on_spark(connection: Any, expression: str) -> str:
    """The value as text, or Spark's name of why it is refused."""
    cursor = connection.cursor()
    try:
        cursor.execute(f"select {expression}")
        return _text(cursor.fetchone()[0])
    except Exception as error:  # PyHive has one class for all of them
        name = re.search(r"\[([A-Z_]+)[.\]]", str(error))
        return f"refused: {name[1] if name else 'error'}"


def _text(value: Any) -> str:
    if hasattr(value, "isoformat"):
        value = value.isoformat(sep=" ") if hasattr(value, "hour") else value.isoformat()
    # PyHive gives instants as text; without a fraction both look alike.
    return (
        re.sub(r"\.0+$", "", str(value))
        if re.match(r"\d{4}-\d\d-\d\d ", str(value))
        else str(value)
    )


def page(found: list[Mapping[str, str]]) -> str:
    """docs/engines.md."""
    lines = _HEAD.splitlines()
    for construct, values in zip(CONSTRUCTS, found, strict=True):
        instead = (
            f"`{construct.macro}`"
            if construct.macro and " " not in construct.macro
            else construct.macro
        )
        shown = [
            construct.what,
            f"`{construct.duckdb}`",
            values["on duckdb"],
            values["same text on spark"],
            instead or f"`{construct.instead}`",
            values["instead on duckdb"],
        ]
        lines.append("| " + " | ".join(text.replace("|", "\\|") for text in shown) + " |")
    lines += [
        "",
        "## What is no expression",
        "",
        "| what | why | where |",
        "|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in ELSEWHERE),
        *_FOOT.splitlines(),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Start a cluster, try everything, write the page."""
    with (
        tempfile.TemporaryDirectory() as home,
        cluster_of.running(Path(home), size=cluster_of.Size(quick=True)) as cluster,
    ):
        PAGE.write_text(page(try_all(cluster.port)), encoding="utf-8")


if __name__ == "__main__":
    main()

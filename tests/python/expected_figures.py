"""Compares a published file with figures that somebody worked out elsewhere.

A case is a directory with `landing/`, `case.json` (as_of, settings, and per table how many rows were
read, landed, rejected ...) and `expected.json`, a list of

    {"mart", "where": {column: value}, "column", "value", "tolerance", "aggregate": count|sum|min|max}

where exactly one row matches `where` (a null means that the column is null); with `aggregate` all
matching rows are taken together. Run it on any case:

    python tests/python/expected_figures.py CASE_DIR [CASE_DIR ...]
"""

import json
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from running import read, warehouse


def unexpected(case: Path, home: Path) -> list[str]:
    """Refresh the case in `home` and name every figure that is not as expected."""
    case = case.resolve()
    described = json.loads((case / "case.json").read_text())
    call = [case / "landing", "--as-of", described["as_of"], "--json"]
    if described["settings"]:
        call += ["--vars", json.dumps(described["settings"])]
    landed = json.loads(warehouse(home, "refresh", *call).stdout)["tables"]
    return [
        *_unexpected_loads(described["load"], {row["table_name"]: row for row in landed}),
        *_unexpected_figures(
            json.loads((case / "expected.json").read_text()),
            home / "published" / "current" / "sales_kpi.duckdb",
        ),
    ]


def _unexpected_loads(expected: dict, landed: dict) -> list[str]:
    names = {"rows_landed": "rows_landed", "rows_read": "rows_read"}
    lines = []
    for table, counts in expected.items():
        for name, count in counts.items():
            found = landed[table][names.get(name, name)]
            if found != count:
                lines.append(f"{table}: {name} {found}, expected {count}")
    return lines


def _unexpected_figures(expected: list[dict], published: Path) -> list[str]:
    lines = []
    with read(published) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for figure in expected:
            where = " and ".join(
                f'"{column}" is null' if value is None else f'cast("{column}" as varchar) = ?'
                for column, value in figure["where"].items()
            )
            values = [
                str(value).lower() if isinstance(value, bool) else str(value)
                for value in figure["where"].values()
                if value is not None
            ]
            column = f'"{figure["column"]}"' if figure.get("aggregate") != "count" else "*"
            chosen = f"{figure['aggregate']}({column})" if figure.get("aggregate") else column
            found = connection.execute(
                f'select {chosen} from marts."{figure["mart"]}" where {where or "true"}', values
            ).fetchall()
            if len(found) != 1:
                lines.append(f"{len(found)} rows match {figure}")
            elif not _same(found[0][0], figure["value"], figure.get("tolerance", 0)):
                lines.append(f"{found[0][0]!r} instead of {figure}")
    return lines


def _same(found: object, expected: object, tolerance: float) -> bool:
    if found is None or expected is None or isinstance(expected, bool):
        return found is expected
    if isinstance(expected, int | float):
        return abs(float(found) - expected) <= max(tolerance, 1e-9 * abs(expected))
    if isinstance(found, datetime):
        return found == datetime.fromisoformat(expected.replace("Z", ""))
    return str(found) == expected


if __name__ == "__main__":
    failed = 0
    for directory in map(Path, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as temporary:
            problems = unexpected(directory, Path(temporary) / "home")
        print(f"{directory}: {len(problems)} figures are not as expected")
        print("\n".join(problems[:20]))
        failed += bool(problems)
    sys.exit(bool(failed))

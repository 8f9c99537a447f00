"""What differs between the oracle's rows and a published mart."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from .marts import MARTS, Mart

RELATIVE, ABSOLUTE = 1e-6, 1e-9
MILLISECOND = timedelta(milliseconds=1)

# A row in which all of these are 0 or null may be published or not, except of the dimension.
OPTIONAL_WHEN_ZERO = {
    "kpi_deals_by_stage": (("open_deals", "entered", "exited"), "all"),
    "kpi_pipeline_bridge": (
        (
            *("opening_deals", "created_deals", "reopened_deals", "won_deals", "lost_deals"),
            "closing_deals",
        ),
        "all",
    ),
    "kpi_mrr": (
        ("opening_mrr", "closing_mrr", "new_mrr", "reactivation_mrr", "churned_mrr"),
        None,
    ),
}
MAY_REACH_FURTHER = {"dim_date"}


def compare(expected: list[dict], connection, name: str, *, schema: str = "marts") -> list[str]:
    """The differences between `expected` and the mart of that name, one line each.

    `connection` is a DuckDB connection to the published file. Rows are matched on the mart's key;
    counts and texts must be equal, numbers within 1e-6 relative or 1e-9 absolute, instants to the
    millisecond.
    """
    mart = MARTS[name]
    columns = ", ".join(f'"{column}"' for column in mart.kinds)
    cursor = connection.execute(f'select {columns} from "{schema}"."{name}"')
    published = [dict(zip(mart.kinds, values, strict=True)) for values in cursor.fetchall()]
    return differences(mart, expected, published)


def differences(mart: Mart, expected: list[dict], published: list[dict]) -> list[str]:
    """One line for each missing, surplus, repeated or different row."""
    lines = []
    theirs: dict[tuple, dict] = {}
    for row in published:
        key = _key(mart, row)
        if key in theirs:
            lines.append(f"{mart.name}: key {key} is published twice")
        theirs[key] = row
    ours = {_key(mart, row): row for row in expected}
    if len(ours) != len(expected):
        lines.append(f"{mart.name}: the expected rows repeat a key")
    for key, row in ours.items():
        if key in theirs:
            for column, kind in mart.kinds.items():
                if not _same(kind, row[column], theirs[key][column]):
                    lines.append(
                        f"{mart.name} {key} {column}: expected {row[column]!r}, "
                        f"published {theirs[key][column]!r}"
                    )
        elif not _is_optional(mart, row):
            lines.append(f"{mart.name} {key}: missing, expected {row}")
    if mart.name not in MAY_REACH_FURTHER:
        for key, row in theirs.items():
            if key not in ours and not _is_optional(mart, row):
                lines.append(f"{mart.name} {key}: surplus, published {row}")
    return lines


def _key(mart: Mart, row: dict) -> tuple:
    return tuple(str(row[column]) for column in mart.keys)


def _is_optional(mart: Mart, row: dict) -> bool:
    columns, never = OPTIONAL_WHEN_ZERO.get(mart.name, ((), None))
    if not columns or row["dimension"] == never:
        return False
    return all(abs(row[column] or 0) < RELATIVE for column in columns)


def _same(kind: str, mine: object, theirs: object) -> bool:
    if isinstance(theirs, float) and math.isnan(theirs):
        theirs = None
    if mine is None or theirs is None:
        return mine is None and theirs is None
    if kind == "number":
        return math.isclose(float(mine), float(theirs), rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    if kind == "timestamp":
        return isinstance(theirs, datetime) and abs(mine - theirs) <= MILLISECOND
    if kind == "integer" and isinstance(theirs, bool):
        return False
    return mine == theirs

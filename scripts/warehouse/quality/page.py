"""A page of the results that needs no other host: one file without scripts."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from warehouse.quality.store import Key

if TYPE_CHECKING:
    from warehouse.check import Check

_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem }
h1 { margin-bottom: .2rem }
h2 { margin: 2rem 0 .5rem }
p.sum { margin-top: 0 }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #8884; padding: .35rem .6rem; text-align: left;
  vertical-align: top; overflow-wrap: anywhere }
td:first-child, th:first-child { white-space: nowrap }
td:nth-child(2) { min-width: 12rem }
td:nth-child(3) { min-width: 9rem }
.error { color: #b00020; font-weight: 600 }
.warn { color: #8a5a00; font-weight: 600 }
.ok { color: #1b6e3c }
details { margin: 1rem 0 }
summary { cursor: pointer; font-weight: 600 }
svg { display: block }
@media (prefers-color-scheme: dark) {
  .error { color: #ff8a95 } .warn { color: #ffc04d } .ok { color: #7ddc9f }
}
"""
_WIDTH, _HEIGHT, _MARGIN = 120, 24, 3
_TITLES = {"landing": "Raw landing", "marts": "Published marts"}


def page(
    checks: Sequence[Check],
    *,
    run_id: str,
    checked_at: datetime,
    history: Mapping[Key, Sequence[tuple[float, bool]]],
    has_docs: bool,
) -> str:
    """The page as HTML; every text is escaped, for table names and values come from outside."""
    errors = [item for item in checks if _state(item) == "error"]
    warnings = [item for item in checks if _state(item) == "warn"]
    passed = [item for item in checks if item.success]
    parts = [
        f"<p class=sum>Run {html.escape(run_id)}, {checked_at:%Y-%m-%d %H:%M} UTC: "
        f"{len(checks)} checks, {len(errors)} failed and block publishing, "
        f"{len(warnings)} are warnings.</p>"
    ]
    for title, found in (("Failed", errors), ("Warnings", warnings)):
        if found:
            parts.append(f"<h2>{title}</h2>{_table(found, history)}")
    if not errors and not warnings:
        parts.append("<p class=ok>✓ Nothing failed.</p>")
    parts.append("<h2>Passed</h2>")
    for suite in dict.fromkeys(item.suite for item in passed):
        found = [item for item in passed if item.suite == suite]
        title = html.escape(_TITLES.get(suite, suite))
        parts.append(
            f"<details><summary>{title}: {len(found)} checks</summary>"
            f"{_table(found, history)}</details>"
        )
    if has_docs:
        parts.append(
            '<p>The same as <a href="gx/index.html">Great Expectations Data Docs</a>; '
            "those need other hosts to show their marks.</p>"
        )
    body = "\n".join(parts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Quality checks</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Quality checks</h1>
{body}
</body>
</html>
"""


def sparkline(points: Sequence[tuple[float, bool]]) -> str:
    """The values of the last runs as inline SVG, failures as red dots; empty for one value."""
    if len(points) < 2:
        return ""
    values = [value for value, _ in points]
    low, high = min(values), max(values)
    span = high - low
    if not math.isfinite(span):
        return ""
    places = []
    for number, value in enumerate(values):
        share = (value - low) / span if span else 0.5
        x = _MARGIN + number * (_WIDTH - 2 * _MARGIN) / (len(values) - 1)
        places.append((x, _HEIGHT - _MARGIN - share * (_HEIGHT - 2 * _MARGIN)))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="#d0021b"/>'
        for (x, y), (_, success) in zip(places, points, strict=True)
        if not success
    )
    label = f"{len(values)} runs, {low:.4g} to {high:.4g}"
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{label}">'
        f"<title>{label}</title>"
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        f"{dots}</svg>"
    )


def _table(checks: Sequence[Check], history: Mapping[Key, Sequence[tuple[float, bool]]]) -> str:
    rows = "\n".join(_row(item, history.get(item.key, ())) for item in checks)
    return (
        "<table><thead><tr><th>Result</th><th>Table</th><th>Check</th><th>Observed</th>"
        f"<th>Expected</th><th>Last runs</th></tr></thead><tbody>\n{rows}\n</tbody></table>"
    )


def _row(item: Check, points: Sequence[tuple[float, bool]]) -> str:
    state = _state(item)
    mark = {"error": "✗ failed (error)", "warn": "! failed (warn)"}.get(state, "✓ passed")
    if item.success and item.reason:
        mark = "✓ explained"
    where = f"{item.table}.{item.column}" if item.column else item.table
    expected = item.expected + (f". Explained: {item.reason}" if item.reason else "")
    cells = (where, item.check, item.observed, expected)
    return (
        f'<tr><td class="{state}">{mark}</td>'
        + "".join(f"<td>{html.escape(text)}</td>" for text in cells)
        + f"<td>{sparkline(points)}</td></tr>"
    )


def _state(item: Check) -> str:
    return "ok" if item.success else item.severity

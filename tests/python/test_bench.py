"""The benchmark of nights at a tiny size: its tables, and that nights and a full build agree."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from small_company import REPOSITORY

BENCH = REPOSITORY / "scripts" / "bench" / "nights.py"


def tables(text: str) -> list[list[list[str]]]:
    """The Markdown tables of a text, as rows of cells."""
    found: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


def test_nights_are_measured_and_compared_with_a_build_from_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCH), "--deals", "300", "--nights", "2", "--dir", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    steps, totals, models, others = tables(done.stdout)
    assert steps[0] == ["CPU s of the step", "full", "night 1", "night 2"]
    assert [row[0] for row in steps[2:]] == [
        "land",
        "check landing",
        "build",
        "check marts",
        "publish",
        "report",
        "start and end",
    ]
    assert all(float(row[1]) > 0 for row in steps[2:])
    figures = {row[0]: row[1:] for row in totals[2:]}
    assert figures["share of the full one"][0] == "1.00"
    assert figures["share of the full build"][0] == "1.00"
    full, *nights = (int(rows.replace(",", "")) for rows in figures["rows landed"])
    assert all(0 < night < full / 5 for night in nights)
    # The steps are all of the process but its start, before Python measures.
    whole = float(figures["whole refresh, CPU s"][0])
    assert 0.8 * whole < sum(float(row[1]) for row in steps[2:]) <= whole + 0.5
    assert len(models[2:]) == 20
    assert [row[0] for row in others[2:]] == [
        "sample",
        "build from nothing, after the nights",
        "notebook: win rate and time in stage with pandas",
    ]
    agreed = re.search(r"All (\d+) marts are those of a build from nothing\.", done.stdout)
    assert agreed is not None
    assert int(agreed[1]) >= 58

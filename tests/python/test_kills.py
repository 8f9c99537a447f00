"""The soak test in short: one `kill -9` in each of six steps while four readers read."""

import json
import subprocess
import sys
from pathlib import Path

from small_company import write_landing, write_project

SOAK = Path(__file__).parents[1] / "soak" / "kills.py"
STEPS = ("landing", "build", "checks of the marts", "publish", "report", "switch")


def test_a_kill_in_any_step_loses_nothing_and_readers_see_whole_releases(tmp_path: Path) -> None:
    deals = "select deal_id, amount from {{ source('raw_crm', 'deals') }}"
    project = write_project(tmp_path / "project", fct_landed=deals)
    directories = [
        write_landing(tmp_path / f"delta-2025-07-{day:02}", 3 + day, amount=f"{10 + day}")
        for day in range(1, 12)
    ]
    ran = subprocess.run(
        [
            *(sys.executable, str(SOAK), "--work", str(tmp_path / "work")),
            *("--project-dir", str(project), "--landing", *map(str, directories)),
            *("--tables", "fct_landed", "kpi_deals", "--forked"),
            *("--finish-every", "3", "--steps", *STEPS),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout, ran.stderr
    found = json.loads(ran.stdout)
    assert found["problems"] == [], ran.stderr
    assert ran.returncode == 0
    assert found["kills"] == len(STEPS) and found["killed_after_landing"] >= 4
    # A kill may come a moment late, but not all of them may.
    assert sum(found["kills_by_step"][step] > 0 for step in STEPS) >= 4, found
    for kind in ("duckdb", "pooled", "parquet", "page"):
        assert found["readers"][kind]["reads"] > 20, found

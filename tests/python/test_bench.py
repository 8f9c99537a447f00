"""The benchmarks at a tiny size: their tables, and that what they measure computes the same figures."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

import against_hubspot
from differences import counts, differences
from small_company import REPOSITORY

BENCH = REPOSITORY / "scripts" / "bench"


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
        [
            sys.executable,
            str(BENCH / "nights.py"),
            "--deals",
            "300",
            "--nights",
            "1",
            "--dir",
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    steps, totals, models, others = tables(done.stdout)
    assert steps[0] == ["CPU s of the step", "full", "night 1"]
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
    full, night = (int(rows.replace(",", "")) for rows in figures["rows landed"])
    assert 0 < night < full / 5
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


@dataclass(frozen=True)
class Measured:
    """A run of the benchmark against the floor: what it printed, and the two files."""

    output: str
    built: Path
    script: Path


@pytest.fixture(scope="module")
def against_floor(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    work = tmp_path_factory.mktemp("bench")
    done = subprocess.run(
        [
            *(sys.executable, str(BENCH / "against_floor.py"), "--short"),
            *("--deals", "600", "--memory", "1GB", "--floor-memory", "1GB", "--dir", str(work)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    files = work / "floor-600"
    return Measured(done.stdout, files / "home" / "warehouse.duckdb", files / "floor.duckdb")


def test_the_project_is_measured_against_the_plainest_script(against_floor: Measured) -> None:
    [costs] = tables(against_floor.output)
    cpu = {row[0]: float(row[1]) for row in costs[2:]}
    assert list(cpu) == [
        "sample",
        "the plainest script, every mart",
        "pandas: win rate and time in stage alone",
        "warehouse load, all 20 tables",
        "dbt seed",
        "dbt run, every mart",
    ]
    printed = re.search(r"every mart against the script: ([\d.]+)", against_floor.output)
    assert printed is not None
    project = cpu["warehouse load, all 20 tables"] + cpu["dbt run, every mart"]
    ratio = project / cpu["the plainest script, every mart"]
    assert float(printed[1]) == pytest.approx(ratio, rel=0.1)


def test_the_plainest_script_computes_every_mart_of_the_project(against_floor: Measured) -> None:
    counted = re.search(r"(\d+) of (\d+) tables of the script", against_floor.output)
    assert counted is not None
    assert counted[1] == counted[2]
    rows = counts(against_floor.built)
    assert len(rows) == int(counted[2]) >= 58
    assert counts(against_floor.script) == rows
    assert all(rows.values()), rows


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "update marts.kpi_win_rate set won_amount = won_amount + 0.01 where rowid = 7",
            {"kpi_win_rate": ["won_amount: 1 rows differ"]},
        ),
        (
            "update marts.kpi_win_rate set won_deals = won_deals + 1 where rowid = 7",
            {"kpi_win_rate": ["1 rows are missing, 1 are too many"]},
        ),
        (
            "update marts.kpi_win_rate set win_rate_low = null where rowid in (7, 8)",
            {"kpi_win_rate": ["win_rate_low: 2 rows differ"]},
        ),
        ("update marts.kpi_win_rate set win_rate = win_rate * (1 + 1e-12)", {}),
        (
            "delete from marts.dim_stage where rowid = 3",
            {"dim_stage": ["1 rows are missing, 0 are too many"]},
        ),
        ("drop table marts.kpi_clv", {"kpi_clv": ["it is in one of them alone"]}),
    ],
    ids=["an amount", "a count", "two nulls", "rounding", "a row", "a table"],
)
def test_what_the_script_has_otherwise_is_found(
    against_floor: Measured, tmp_path: Path, change: str, said: dict[str, list[str]]
) -> None:
    changed = tmp_path / "changed.duckdb"
    shutil.copyfile(against_floor.script, changed)
    with duckdb.connect(str(changed)) as connection:
        connection.execute(change)
    found = differences(against_floor.built, changed, as_typed=False, from_zero=1e-9, memory="1GB")
    assert found == said


def test_deals_are_written_as_the_connector_of_hubspot_writes_them(
    against_floor: Measured, tmp_path: Path
) -> None:
    beside = tmp_path / "beside.duckdb"
    written = against_hubspot.write(against_floor.built, beside)
    with duckdb.connect(str(beside), read_only=True) as connection:
        connection.execute(f"attach '{against_floor.built}' as landed (read_only)")
        [(deals, changes, closed)] = connection.execute("""
            select
                (select count(*) from landed.raw_crm.deals),
                (select count(*) from landed.raw_crm.deal_stage_history),
                (select count(closed_at) from landed.raw_crm.deals)
        """).fetchall()
        assert written["deal"] == deals == 600
        assert written["deal_stage"] == changes > 3000
        properties = written["deal_property_history"] - changes - deals
        assert 0.4 * closed < properties < 0.5 * closed
        # From the first to the last change of a deal its stages follow one another, 1,000 microseconds apart.
        stays = connection.execute("""
            select count(*), sum(epoch_us(_fivetran_end) - epoch_us(_fivetran_start))
            from hubspot.deal_stage
            where not _fivetran_active
            group by deal_id
        """).fetchall()
        gaps = connection.execute("""
            select epoch_us(max(changed_at)) - epoch_us(min(changed_at))
            from landed.raw_crm.deal_stage_history
            group by deal_id
            having count(*) > 1
        """).fetchall()
    assert sorted(stay + 1000 * rows for rows, stay in stays) == sorted(gap for (gap,) in gaps)

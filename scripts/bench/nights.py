"""A full refresh and the nights after it, by size: what a night costs of it, and whether both agree.

    python scripts/bench/nights.py [--deals 100000 1000000] [--nights 1] [--dir var/bench]

For each size the synthetic company is written once with what changes on the days after; a home is
refreshed in full and then with one day after the other. At the end the marts are built anew from
what has landed, and every one of them is compared with the one that the nights have made.
"""

import argparse
import itertools
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

import measure
import notebook
from measure import BIN, Cost

AS_OF = datetime(2026, 11, 1)
# The mart that says when it was built differs from run to run.
OWN = "release"
TOP = 20


@dataclass(frozen=True)
class Refresh:
    """One refresh: the whole process, CPU seconds per step, seconds per model, sizes in GB."""

    name: str
    cost: Cost
    steps: dict[str, float]
    models: dict[str, float]
    database: float
    release: float
    rows_landed: int


@dataclass(frozen=True)
class Size:
    """What was measured with one size of the company."""

    deals: int
    refreshes: list[Refresh]
    others: dict[str, Cost]
    # Marts that the nights and a build from nothing make differently, of so many.
    differing: list[str]
    compared: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deals", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--nights", type=int, default=1)
    parser.add_argument("--dir", type=Path, default=measure.REPOSITORY / "var" / "bench")
    parser.add_argument("--memory", default="4GB")
    chosen = parser.parse_args(arguments)
    sizes = []
    for deals in chosen.deals:
        sizes.append(measured(deals, chosen.nights, chosen.dir / f"nights-{deals}", chosen.memory))
        print(shown(sizes[-1], chosen.memory), flush=True)
    if len(sizes) > 1:
        print(growth(sizes), flush=True)
    if any(size.differing for size in sizes):
        sys.exit(1)


def measured(deals: int, nights: int, work: Path, memory: str) -> Size:
    """Everything with one size of the company."""
    landing, home = work / "landing", work / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    warehouse, settings = BIN / "warehouse", {"WAREHOUSE_MEMORY_LIMIT": memory}
    (home / "warehouse.yml").write_text(f"memory_limit: {memory}\n", encoding="utf-8")
    others = {}
    days = sorted(landing.glob("delta-*"))
    if len(days) < nights:
        shutil.rmtree(landing, ignore_errors=True)
        others["sample"] = measure.run(
            [
                warehouse,
                "sample",
                landing,
                "--deals",
                deals,
                "--as-of",
                AS_OF.isoformat(),
                "--delta-days",
                nights,
            ]
        )
        days = sorted(landing.glob("delta-*"))
    refreshes = [refresh("full", landing, AS_OF, home)]
    for number, day in enumerate(days[:nights], start=1):
        refreshes.append(refresh(f"night {number}", day, AS_OF + timedelta(days=number), home))
    anew = work / "anew"
    shutil.rmtree(anew, ignore_errors=True)
    anew.mkdir()
    shutil.copyfile(home / "warehouse.duckdb", anew / "warehouse.duckdb")
    others["build from nothing, after the nights"] = measure.run(
        [
            warehouse,
            "build",
            "--full-refresh",
            "--home",
            anew,
            "--as-of",
            (AS_OF + timedelta(days=nights)).isoformat(),
        ],
        **settings,
    )
    made, wanted = (fingerprints(path / "warehouse.duckdb") for path in (home, anew))
    others["notebook: win rate and time in stage with pandas"] = measure.run(
        [sys.executable, notebook.__file__, landing, AS_OF.isoformat()]
    )
    shutil.rmtree(anew)
    return Size(
        deals=deals,
        refreshes=refreshes,
        others=others,
        differing=sorted(
            name for name in made.keys() | wanted.keys() if made.get(name) != wanted.get(name)
        ),
        compared=len(wanted),
    )


def refresh(name: str, landing: Path, as_of: datetime, home: Path) -> Refresh:
    """Refresh the home, and read what the commands have recorded of it."""
    result = home.with_name("steps.json")
    log = home / "logs"
    shutil.rmtree(log, ignore_errors=True)
    cost = measure.run(
        [
            sys.executable,
            Path(__file__).with_name("steps.py"),
            result,
            "refresh",
            landing,
            "--as-of",
            as_of.isoformat(),
            "--home",
            home,
        ]
    )
    lines = [json.loads(line) for line in log_lines(log)]
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        [(rows,)] = connection.execute(
            "select sum(rows_landed)::bigint from ops.loads "
            "where run_id = (select max_by(run_id, started_at) from ops.runs)"
        ).fetchall()
    release = (home / "published" / "current").resolve()
    return Refresh(
        name=name,
        cost=cost,
        steps=json.loads(result.read_text(encoding="utf-8"))["steps"],
        models={
            line["node"].rsplit(".", 1)[-1]: line["seconds"]
            for line in lines
            if str(line.get("node", "")).startswith("model.")
        },
        database=(home / "warehouse.duckdb").stat().st_size / 1e9,
        release=sum(path.stat().st_size for path in release.rglob("*") if path.is_file()) / 1e9,
        rows_landed=rows or 0,
    )


def log_lines(log: Path) -> list[str]:
    """The JSON lines that a command has written."""
    files = [path for path in log.iterdir() if path.is_file()]
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if '"node"' in line]


def fingerprints(path: Path) -> dict[str, tuple[int, int]]:
    """Rows and an order-free sum of their hashes, of every mart."""
    with duckdb.connect(str(path), read_only=True) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'marts'"
        ).fetchall()
        return {
            name: connection.execute(
                f'select count(*), sum(hash(every))::hugeint from marts."{name}" as every'
            ).fetchone()
            for (name,) in names
            if name != OWN
        }


def shown(size: Size, memory: str) -> str:
    """What was measured with one size, ready for docs/performance.md."""
    full = size.refreshes[0]
    runs = size.refreshes
    steps = list(dict.fromkeys(step for run in runs for step in run.steps))
    totals = [
        ("whole refresh, CPU s", *(f"{run.cost.cpu:.1f}" for run in runs)),
        ("share of the full one", *(f"{run.cost.cpu / full.cost.cpu:.2f}" for run in runs)),
        (
            "share of the full build",
            *(f"{run.steps['build'] / full.steps['build']:.2f}" for run in runs),
        ),
        ("wall s", *(f"{run.cost.wall:.1f}" for run in runs)),
        ("peak GB", *(f"{run.cost.peak:.2f}" for run in runs)),
        ("rows landed", *(f"{run.rows_landed:,}" for run in runs)),
        ("warehouse.duckdb, GB", *(f"{run.database:.2f}" for run in runs)),
        ("release, GB", *(f"{run.release:.2f}" for run in runs)),
    ]
    rows = [(step, *(f"{run.steps.get(step, 0):.1f}" for run in runs)) for step in steps]
    models = sorted(full.models, key=lambda name: full.models[name], reverse=True)[:TOP]
    slow = [(name, *(f"{run.models.get(name, 0):.2f}" for run in runs)) for name in models]
    names = [run.name for run in runs]
    verdict = (
        f"All {size.compared} marts are those of a build from nothing."
        if not size.differing
        else f"Other than built from nothing: {', '.join(size.differing)}."
    )
    return "\n\n".join(
        [
            f"### {size.deals:,} deals, memory limit {memory}",
            measure.table(("CPU s of the step", *names), rows),
            measure.table(("", *names), totals),
            measure.table(("wall s of the model", *names), slow),
            measure.costs(size.others),
            verdict,
        ]
    )


def growth(sizes: list[Size]) -> str:
    """Exponents of growth from one size to the next: 1 is in proportion."""
    rows = []
    for small, large in itertools.pairwise(sizes):
        for before, after in zip(small.refreshes, large.refreshes, strict=False):
            cpu, peak = (
                measure.exponent(
                    (small.deals, getattr(before.cost, what)),
                    (large.deals, getattr(after.cost, what)),
                )
                for what in ("cpu", "peak")
            )
            rows.append(
                (f"{small.deals:,} to {large.deals:,}", after.name, f"{cpu:.2f}", f"{peak:.2f}")
            )
    return "\n\n".join(
        ["### Growth", measure.table(("deals", "refresh", "CPU exponent", "memory exponent"), rows)]
    )


if __name__ == "__main__":
    main()

"""The project against the floor: landing and building every mart, beside the plainest script.

    python scripts/bench/against_floor.py [--deals 1000000] [--dir var/bench] [--memory 4GB]

Writes the sample company once (or takes a `--landing` with its `--as-of`), then measures whole
processes: CPU seconds of user and system, wall time, peak memory. The floor is `floor.py`, which
reads the Parquet files and computes the same marts; then come `warehouse load` with a dbt run of
the pipeline marts and of every mart, `warehouse build`, and two KPIs in pandas. Prints a table and
the ratios, and fails unless every mart of the script is the one that the project has built.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import floor
import notebook
from differences import NEAR, counts, differences
from measure import BIN, PIPELINE_MARTS, REPOSITORY, Cost, costs, dbt, run, run_marts

AS_OF = "2026-11-01T00:00:00"
SCRIPT = "the plainest script, every mart"
LOAD = "warehouse load, all 20 tables"
PIPELINE = "dbt run, pipeline marts"
EVERY = "dbt run, every mart"
BUILD = "warehouse build, every mart and test"
NOTEBOOK = "pandas: win rate and time in stage alone"


def main() -> None:
    """Measure, print, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deals", type=int, default=1_000_000)
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "bench")
    parser.add_argument("--landing", type=Path, help="Parquet files instead of a sample")
    parser.add_argument("--as-of", default=AS_OF)
    parser.add_argument("--memory", default="4GB", help="memory limit of the project")
    parser.add_argument("--floor-memory", default="80%", help="memory limit of the script")
    parser.add_argument(
        "--short", action="store_true", help="of the builds only that of every mart"
    )
    chosen = parser.parse_args()
    work = chosen.dir / f"floor-{chosen.deals}"
    home = work / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    landing, out = chosen.landing or work / "landing", work / "floor.duckdb"
    out.unlink(missing_ok=True)
    found = {}
    for step, cost in measured(chosen, landing, out, home):
        found[step] = cost
        print(f"{step}: {cost.cpu:.1f} CPU s", file=sys.stderr, flush=True)
    after = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    print(f"### {chosen.deals:,} deals, memory limit {chosen.memory}\n")
    print(costs(found))
    print(f"\n{summary(found, after[floor.PARTS[0]])}", flush=True)
    compare(home / "warehouse.duckdb", out, chosen.memory)


def sample(landing: Path, deals: int, as_of: str) -> Cost:
    """Write the company, in Parquet whatever its size."""
    writing = (
        "import sys, datetime, pathlib; from warehouse import sample; "
        "sample.write(pathlib.Path(sys.argv[1]), deals=int(sys.argv[2]), file_format='parquet', "
        "as_of=datetime.datetime.fromisoformat(sys.argv[3]))"
    )
    return run([sys.executable, "-c", writing, landing, deals, as_of])


def measured(
    chosen: argparse.Namespace, landing: Path, out: Path, home: Path
) -> Iterator[tuple[str, Cost]]:
    """Every step as it ends; each build is one from nothing."""
    warehouse = BIN / "warehouse"
    settings = {"WAREHOUSE_HOME": str(home), "WAREHOUSE_MEMORY_LIMIT": chosen.memory}
    where = ["--home", home, "--project-dir", REPOSITORY]
    if not landing.exists():
        yield "sample", sample(landing, chosen.deals, chosen.as_of)
    script = [sys.executable, floor.__file__, landing, chosen.as_of, out]
    yield SCRIPT, run([*script, "--memory", chosen.floor_memory])
    yield NOTEBOOK, run([sys.executable, notebook.__file__, landing, chosen.as_of])
    yield LOAD, run([warehouse, "load", landing, *where], **settings)
    yield "dbt seed", dbt("seed", home, chosen.memory)
    if not chosen.short:
        yield PIPELINE, run_marts(home, chosen.memory, chosen.as_of, PIPELINE_MARTS)
    yield EVERY, run_marts(home, chosen.memory, chosen.as_of)
    if not chosen.short:
        build = [warehouse, "build", "--full-refresh", "--as-of", chosen.as_of, *where]
        yield BUILD, run(build, **settings)


def summary(found: dict[str, Cost], pipeline_of_script: float) -> str:
    """What the project takes of what the script takes."""
    pairs = (
        ("landing and the pipeline marts", PIPELINE, pipeline_of_script),
        ("landing and every mart", EVERY, found[SCRIPT].cpu),
        ("landing, every mart and test", BUILD, found[SCRIPT].cpu),
    )
    lines = [f"Of the script, the pipeline marts: {pipeline_of_script:.1f} CPU s.", ""]
    for what, step, script in pairs:
        if step in found:
            ratio = (found[LOAD].cpu + found[step].cpu) / script
            lines.append(f"- {what} against the script: {ratio:.2f}")
    return "\n".join(lines)


def compare(built: Path, script: Path, memory: str) -> None:
    """Say whether every mart of the project is in the script's file, with the same figures."""
    names = counts(built)
    found = differences(built, script, as_typed=False, from_zero=NEAR, memory=memory)
    same = len(names) - len(found)
    print(f"{same} of {len(names)} tables of the script are those of the project.", flush=True)
    if found:
        sys.exit(f"what differs: {found}")


if __name__ == "__main__":
    main()

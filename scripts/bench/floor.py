"""Run the floor: the plainest SQL that computes the marts from a landing directory of Parquet files.

    python scripts/bench/floor.py LANDING_DIR AS_OF OUT.duckdb [--memory 8GB]

`floor_pipeline.sql`, then `floor_rest.sql`, in one process with two threads. OUT.json gets the CPU
seconds that the process had taken after each.
"""

import argparse
import json
import time
from pathlib import Path

import duckdb

from warehouse.store import literal

HERE = Path(__file__).parent
PARTS = ("floor_pipeline.sql", "floor_rest.sql")


def compute(landing: Path, as_of: str, out: Path, *, memory: str = "80%") -> dict[str, float]:
    """Write the marts to a new DuckDB file; CPU seconds of this process after each part."""
    spent = {}
    with duckdb.connect(str(out)) as connection:
        connection.execute("set threads = 2")
        connection.execute("set enable_progress_bar = false")
        connection.execute(f"set memory_limit = {literal(memory)}")
        connection.execute(f"set variable landing = {literal(str(landing))}")
        in_parts = (landing / "deals").is_dir()
        connection.execute(
            f"set variable parts = {literal('/*.parquet' if in_parts else '.parquet')}"
        )
        connection.execute(f"set variable as_of = timestamp {literal(as_of)}")
        connection.execute(f"set variable seeds = {literal(str(HERE.parents[1] / 'seeds'))}")
        for part in PARTS:
            connection.execute((HERE / part).read_text(encoding="utf-8"))
            spent[part] = time.process_time()
    return spent


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("landing", type=Path)
    parser.add_argument("as_of")
    parser.add_argument("out", type=Path)
    parser.add_argument("--memory", default="80%")
    chosen = parser.parse_args()
    spent = compute(chosen.landing, chosen.as_of, chosen.out, memory=chosen.memory)
    chosen.out.with_suffix(".json").write_text(json.dumps(spent), encoding="utf-8")

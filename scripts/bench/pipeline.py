"""The whole way against the floor: landing and ten pipeline marts, beside the plainest script.

    python scripts/bench/pipeline.py [--deals 1000000] [--dir var/bench] [--memory 4GB]

Writes the sample company once, then measures whole processes (CPU seconds of user and system, wall
time, peak memory): `pipeline_floor.sql`, which reads the Parquet files and computes the same marts
(with all the memory it wants: at a million deals 4 GB are not enough for it),
and `warehouse load` with a dbt run of the pipeline marts. Prints a table and the ratio.
"""

import argparse
import sys
from datetime import datetime
from pathlib import Path

from measure import BIN, REPOSITORY, costs, run

AS_OF = "2026-11-01T00:00:00"
FLOOR = """
import duckdb, sys
from pathlib import Path
landing, as_of, memory = sys.argv[1:4]
connection = duckdb.connect(sys.argv[4])
connection.execute(f"set memory_limit = '{memory}'")
connection.execute("set threads = 2")
connection.execute("set enable_progress_bar = false")
connection.execute(f"set variable landing = '{landing}'")
parts = "/*.parquet" if Path(landing, "deals").is_dir() else ".parquet"
connection.execute(f"set variable parts = '{parts}'")
connection.execute(f"set variable as_of = timestamp '{as_of}'")
connection.execute(Path(sys.argv[5]).read_text())
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deals", type=int, default=1_000_000)
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "bench")
    parser.add_argument("--memory", default="4GB")
    chosen = parser.parse_args()
    work = chosen.dir / str(chosen.deals)
    landing, home = work / "landing", work / f"home-{datetime.now():%Y%m%d%H%M%S}"
    home.mkdir(parents=True)
    warehouse, dbt = str(BIN / "warehouse"), str(BIN / "dbt")
    found = {}
    if not landing.exists():
        call = [warehouse, "sample", str(landing), "--deals", str(chosen.deals), "--as-of", AS_OF]
        found["sample"] = run(call)
    floor_file = home / "floor.duckdb"
    found["floor: the plainest script, pipeline marts"] = run(
        [
            *(sys.executable, "-c", FLOOR, str(landing), AS_OF, "80%", str(floor_file)),
            str(Path(__file__).with_name("pipeline_floor.sql")),
        ]
    )
    floor_file.unlink()
    settings = {"WAREHOUSE_HOME": str(home), "WAREHOUSE_MEMORY_LIMIT": chosen.memory}
    paths = ["--project-dir", str(REPOSITORY), "--profiles-dir", str(REPOSITORY)]
    paths += ["--target-path", str(home / "dbt"), "--log-path", str(home / "dbt")]
    found["warehouse load, all 20 tables"] = run(
        [warehouse, "load", str(landing), "--home", str(home)], **settings
    )
    run([dbt, "seed", *paths], **settings)
    found["dbt run, pipeline marts"] = run(
        [
            *(dbt, "run", *paths, "--vars", f"{{as_of: '{AS_OF}'}}"),
            *("--select", "+path:models/marts/kpi/pipeline"),
        ],
        **settings,
    )
    found["dbt run, every mart"] = run(
        [dbt, "run", *paths, "--vars", f"{{as_of: '{AS_OF}'}}"], **settings
    )
    print(f"{chosen.deals:,} deals, memory limit {chosen.memory}\n")
    print(costs(found))
    ours = found["warehouse load, all 20 tables"].cpu + found["dbt run, pipeline marts"].cpu
    floor = found["floor: the plainest script, pipeline marts"].cpu
    size = (home / "warehouse.duckdb").stat().st_size / 1e9
    print(f"\nlanding and pipeline marts against the floor: {ours / floor:.2f}")
    print(f"warehouse.duckdb: {size:.2f} GB")


if __name__ == "__main__":
    main()

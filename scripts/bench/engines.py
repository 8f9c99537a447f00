"""The same company built by DuckDB and by a Spark cluster on this machine: CPU, memory, wall.

    .venv-spark/bin/python scripts/bench/engines.py --deals 100000 1000000 [--landing DIR]

Whole processes: of Spark the client and every Java process. Both build all models and run all tests. Prints a
Markdown row per size and engine, and between sizes the exponent by which the CPU seconds grow with the deals.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "spark"))

import cluster as cluster_of

WAREHOUSE = Path(sys.executable).parent / "warehouse"
AS_OF = datetime(2026, 6, 15, 8, 30)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What a build cost: CPU seconds of user and system, wall seconds, the most memory at one time."""

    cpu: float
    wall: float
    peak_gb: float


def main() -> None:
    """Measure each size on both engines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deals", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument(
        "--landing", type=Path, nargs="*", help="landing directories of these sizes"
    )
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    print("| deals | engine | CPU s | wall s | peak GB |\n|---|---|---|---|---|", flush=True)
    costs: dict[str, list[tuple[int, Cost]]] = {"duckdb": [], "spark": []}
    for number, deals in enumerate(given.deals):
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as place:
            home, landing = Path(place) / "home", Path(place) / "landing"
            if given.landing:
                landing = given.landing[number].resolve()
            else:
                call(home, "sample", landing, "--deals", deals, "--as-of", AS_OF.isoformat())
            call(home, "load", landing)
            for engine, measured in costs.items():
                cost = on_duckdb(home) if engine == "duckdb" else on_spark(home, given.workers)
                measured.append((deals, cost))
                print(
                    f"| {deals:,} | {engine} | {cost.cpu:.0f} | {cost.wall:.0f} | {cost.peak_gb:.1f} |",
                    flush=True,
                )
    for engine, measured in costs.items():
        for (few, small), (many, large) in pairwise(measured):
            exponent = math.log(large.cpu / small.cpu) / math.log(many / few)
            print(f"{engine}: CPU grows with deals to the power of {exponent:.2f}")


def call(home: Path, *arguments: object, port: int | None = None) -> None:
    """Run a command that must succeed."""
    environment = {**os.environ, **({"WAREHOUSE_SPARK_PORT": str(port)} if port else {})}
    subprocess.run(
        [*map(str, [WAREHOUSE, *arguments, "--home", home])],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
    )


def on_duckdb(home: Path) -> Cost:
    """A build in one process."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    call(home, "build", "--as-of", AS_OF.isoformat())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, time.monotonic() - begun, after.ru_maxrss / 1e6)


def on_spark(home: Path, workers: int) -> Cost:
    """A build on a cluster that has just started; its processes are watched from outside."""
    with cluster_of.running(home, size=cluster_of.Size(workers=workers)) as cluster:
        watched = _Watch(set(cluster.processes.values()))
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        call(home, "build", "--as-of", AS_OF.isoformat(), "--target", "spark", port=cluster.port)
        wall = time.monotonic() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        ours = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        java, peak = watched.stop()
    return Cost(ours + java, wall, peak)


class _Watch:
    """CPU seconds and memory of process groups, looked at every half second."""

    def __init__(self, groups: set[int]) -> None:
        self._groups = groups
        self._first = self._cpu()
        self._peak = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> tuple[float, float]:
        """CPU seconds since the beginning, peak GB of all together."""
        self._done.set()
        self._thread.join()
        last = self._cpu()
        return sum(last[pid] - self._first.get(pid, 0.0) for pid in last), self._peak

    def _look(self) -> None:
        while not self._done.wait(0.5):
            self._peak = max(self._peak, sum(_resident(pid) for pid in self._cpu()) / 1e9)

    def _cpu(self) -> dict[int, float]:
        found = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) in self._groups:
                found[int(path.parent.name)] = (int(fields[11]) + int(fields[12])) / _TICKS
        return found


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()

"""The same company built by DuckDB and by a Spark cluster on this machine: CPU, memory, wall.

    .venv-spark/bin/python scripts/bench/engines.py --deals 100000 1000000 [--landing DIR DIR]

Whole processes: of Spark the client and every Java process. Both build all models and run all tests, of rows
that have landed before. Prints a Markdown row per size and engine, and between sizes the exponents by which
CPU and wall seconds grow with the deals, and where the lines through both sizes cross.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "spark"))

import cluster as cluster_of
from measure import BIN, Cost, exponent, run

_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure each size on both engines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deals", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument(
        "--landing", type=Path, nargs="*", help="landing directories of these sizes"
    )
    parser.add_argument("--as-of", default="2026-06-15T08:30:00", help="fits the landings")
    parser.add_argument("--memory-limit", default="8GB", help="of DuckDB")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--executor-memory", default="4g")
    parser.add_argument("--driver-memory", default="3g")
    parser.add_argument("--shuffle-partitions", type=int, default=8)
    given = parser.parse_args()
    size = cluster_of.Size(
        workers=given.workers,
        worker_memory=given.executor_memory,
        executor_memory=given.executor_memory,
        driver_memory=given.driver_memory,
        shuffle_partitions=given.shuffle_partitions,
    )
    print("| deals | engine | CPU s | wall s | peak GB |\n|---|---|---|---|---|", flush=True)
    costs: dict[str, list[tuple[int, Cost]]] = {"DuckDB": [], "Spark": []}
    for number, deals in enumerate(given.deals):
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as place:
            home, landing = Path(place) / "home", Path(place) / "landing"
            if given.landing:
                landing = given.landing[number].resolve()
            else:
                run(
                    [BIN / "warehouse", "sample", landing, "--deals", deals, "--as-of", given.as_of]
                )
            run([BIN / "warehouse", "load", landing, "--home", home])
            build = [BIN / "warehouse", "build", "--as-of", given.as_of, "--home", home]
            for engine, measured in costs.items():
                if engine == "DuckDB":
                    cost = run(build, WAREHOUSE_MEMORY_LIMIT=given.memory_limit)
                else:
                    cost = on_spark(build, home, size)
                measured.append((deals, cost))
                print(
                    f"| {deals:,} | {engine} | {cost.cpu:.0f} | {cost.wall:.0f} | {cost.peak:.1f} |",
                    flush=True,
                )
    for first, second in pairwise(range(len(given.deals))):
        print(f"\n{given.deals[first]:,} to {given.deals[second]:,} deals:")
        for name in ("cpu", "wall"):
            for engine, measured in costs.items():
                (few, small), (many, large) = measured[first], measured[second]
                power = exponent((few, getattr(small, name)), (many, getattr(large, name)))
                print(f"  {engine}: {name} grows with deals to the power of {power:.2f}")
            print(f"  {name}: {crossing(costs, first, second, name)}")


def crossing(
    costs: Mapping[str, Sequence[tuple[int, Cost]]], first: int, second: int, name: str
) -> str:
    """Where straight lines through the costs of two sizes meet, in words."""
    lines = []
    for measured in costs.values():
        (few, small), (many, large) = measured[first], measured[second]
        slope = (getattr(large, name) - getattr(small, name)) / (many - few)
        lines.append((getattr(small, name) - slope * few, slope))
    (base, slope), (other_base, other_slope) = lines
    each = f"{slope * 1e6:.0f} s per million deals on DuckDB, {other_slope * 1e6:.0f} on Spark"
    if slope <= other_slope:
        return f"the lines do not cross ({each})"
    return f"the lines cross at {(other_base - base) / (slope - other_slope):,.0f} deals ({each})"


def on_spark(build: Sequence[object], home: Path, size: cluster_of.Size) -> Cost:
    """A build on a cluster that has just started; its processes are watched from outside."""
    with cluster_of.running(home, size=size) as cluster:
        watched = _Watch(set(cluster.processes.values()))
        ours = run([*build, "--target", "spark"], WAREHOUSE_SPARK_PORT=str(cluster.port))
        java, peak = watched.stop()
    return Cost(ours.cpu + java, ours.wall, ours.peak + peak)


class _Watch:
    """CPU seconds and memory of process groups, looked at every half second."""

    def __init__(self, groups: set[int]) -> None:
        self._groups = groups
        self._first = self._cpu()
        # The most of every process: one that has ended is no longer there to be asked.
        self._last = dict(self._first)
        self._peak = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> tuple[float, float]:
        """CPU seconds since the beginning, peak GB of all together."""
        self._done.set()
        self._thread.join()
        self._last |= self._cpu()
        return sum(self._last.values()) - sum(self._first.values()), self._peak

    def _look(self) -> None:
        before: set[int] = set()
        while not self._done.wait(0.5):
            now = self._cpu()
            self._last |= now
            seen = set(now)
            # A process that was only just forked shares the memory of the one that it came from.
            self._peak = max(self._peak, sum(_resident(pid) for pid in seen & before) / 1e9)
            before = seen

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

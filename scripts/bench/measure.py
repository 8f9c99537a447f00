"""Costs of whole processes, and the tables that show them."""

import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
# What dbt selects as the pipeline marts: with the facts that they are made from.
PIPELINE_MARTS = "+path:models/marts/kpi/pipeline"


@dataclass(frozen=True)
class Cost:
    """What a process took: CPU and wall seconds, peak memory in GB."""

    cpu: float
    wall: float
    peak: float


def run(arguments: Sequence[object], **environment: str) -> Cost:
    """Run a process to its end and measure it; a failure ends the benchmark."""
    words = [str(argument) for argument in arguments]
    started = time.monotonic()
    process = os.posix_spawn(
        words[0],
        words,
        {**os.environ, **environment},
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, used = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"failed: {' '.join(words)}")
    return Cost(
        used.ru_utime + used.ru_stime, time.monotonic() - started, used.ru_maxrss / 1024 / 1024
    )


def dbt(command: str, home: Path, memory: str, *arguments: object) -> Cost:
    """Run plain dbt on the project and the warehouse in `home`, and measure it."""
    return run(
        [
            *(BIN / "dbt", command, *arguments),
            *("--project-dir", REPOSITORY, "--profiles-dir", REPOSITORY),
            *("--target-path", home / "dbt", "--log-path", home / "dbt"),
        ],
        WAREHOUSE_HOME=str(home),
        WAREHOUSE_MEMORY_LIMIT=memory,
    )


def run_marts(home: Path, memory: str, as_of: str, *selected: str) -> Cost:
    """Make the marts that are selected, or all, from nothing; the seeds are there."""
    selection = ["--select", *selected] if selected else []
    given = ["--vars", f"{{as_of: '{as_of}'}}"]
    return dbt("run", home, memory, "--full-refresh", *given, *selection)


def costs(rows: Mapping[str, Cost]) -> str:
    """Costs as a table in Markdown."""
    return table(
        ("step", "CPU s", "wall s", "peak GB"),
        (
            (step, f"{cost.cpu:.1f}", f"{cost.wall:.1f}", f"{cost.peak:.2f}")
            for step, cost in rows.items()
        ),
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def exponent(small: tuple[float, float], large: tuple[float, float]) -> float:
    """The power of the size with which a cost grows, from two pairs of size and cost: 1 is linear."""
    return log(large[1] / small[1]) / log(large[0] / small[0])

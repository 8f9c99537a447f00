"""`warehouse` with the CPU seconds of each step: `steps.py RESULT.json refresh ...`.

The commands record wall time, which says little on a machine that does other things too.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse import cli, runs

plain = runs.Run.step
spent: dict[str, float] = {}


@contextmanager
def step(run: runs.Run, name: str, sentence: str) -> Iterator[None]:
    """A step as ever, with its CPU seconds beside it; landing is checked before, marts after."""
    key = f"check {'marts' if 'build' in spent else 'landing'}" if name == "check" else name
    begun = time.process_time()
    with plain(run, name, sentence):
        yield
    spent[key] = spent.get(key, 0.0) + time.process_time() - begun


if __name__ == "__main__":
    result = Path(sys.argv.pop(1))
    runs.Run.step = step
    try:
        cli.main()
    finally:
        total = time.process_time()
        rest = {"start and end": total - sum(spent.values())}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024
        result.write_text(json.dumps({"steps": {**spent, **rest}, "cpu": total, "peak": peak}))

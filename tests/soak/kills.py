"""Kill the nightly run again and again while people read; nothing may be lost, mixed or wrong.

    python tests/soak/kills.py --kills 100

writes a small company with a delta for every day, publishes it once, and then runs `warehouse
refresh` with the next delta over and over. Each run is killed (`kill -9`, the whole process group)
at a random moment of a random step; now and then one may finish. Some runs make everything anew,
as for a small company, and some what changed, as for a large one. Four readers query
`published/current` all the time. After each kill the raw tables have to be those of before or
those of after, all of them, and the release that readers see has to be whole. At the end a
refresh completes, and every raw table and mart equals a clean build from the same directories.

Prints what it found as one JSON object and exits with 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from warehouse import config as settings
from warehouse import load, publish, runs
from warehouse.contract import load_contract
from warehouse.store import quoted

HERE = Path(__file__).parent
AS_OF = datetime(2025, 6, 30, 6)
# A step begins with the line that starts so; of a hundred kills so many fall into it. Steps that
# take long, and those at the end of a long run, get fewer than their time would give them.
STEPS = {
    "start": ("", 8),
    "landing": ("Landing", 18),
    "checks of the landing": ("Checking", 8),
    "build": ("Building", 28),
    "checks of the marts": ("Checking", 9),
    "publish": ("Publishing", 10),
    "report": ("Writing the report", 8),
    "switch": ("Verifying", 11),
}
FINISH_EVERY = 10
# From so many landed rows on a build makes anew what changed: the company is large, or small.
FROM_ROWS = (0, 1_000_000_000)


@dataclass(frozen=True)
class Blow:
    """When to strike: within which step, and how far into it (0 to 1)."""

    step: str
    fraction: float


@dataclass
class Attempt:
    """One run of `warehouse refresh`: how far it came, when, and how it ended."""

    process: subprocess.Popen[str]
    began: float
    lines: list[str] = field(default_factory=list)
    reached: dict[str, float] = field(default_factory=dict)
    output: str = ""

    @property
    def step(self) -> str:
        """The last step that it began."""
        return list(self.reached)[-1]

    def watch(self) -> None:
        """Note when each step begins, from the lines that the command prints."""
        names = list(STEPS)
        for line in self.process.stderr or ():
            self.lines.append(line)
            following = names.index(self.step) + 1
            if following < len(names) and line.startswith(STEPS[names[following]][0]):
                self.reached[names[following]] = time.monotonic()


@dataclass
class Soak:
    """A home under attack and all that is known about it."""

    home: Path
    project_dir: Path | None
    directories: list[Path]
    dice: random.Random
    forked: bool = False
    problems: list[str] = field(default_factory=list)
    landed: int = 0
    killed: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    kills_by_step: Counter[str] = field(default_factory=Counter)
    released_before_killed: int = 0
    landed_before_killed: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the state that the raw tables have to be in."""
        self.config = settings.load(self.home, self.project_dir)
        self.clean = duckdb.connect()
        load.ensure_raw_tables(self.clean)
        self.states: list[dict] = [fingerprints(self.clean)]

    def state(self, number: int) -> dict:
        """The raw tables after the first so many directories, landed one by one elsewhere."""
        while len(self.states) <= number:
            load.load(
                self.clean,
                [self.directories[len(self.states) - 1]],
                run_id=f"clean-{len(self.states)}",
                loaded_at=AS_OF,
            )
            self.states.append(fingerprints(self.clean))
        return self.states[number]

    def refresh(self, blow: Blow | None, *, directories: slice) -> Attempt:
        """Run a refresh and strike as told; without a blow it may finish."""
        attempt = start(
            self.config,
            self.directories[directories],
            self.as_of(directories.stop),
            # Other projects do not have the var.
            from_rows=None if self.project_dir else self.dice.choice(FROM_ROWS),
            forked=self.forked,
        )
        watcher = threading.Thread(target=attempt.watch)
        watcher.start()
        if blow:
            self.strike(attempt, blow)
        attempt.output = attempt.process.stdout.read() if attempt.process.stdout else ""
        attempt.process.wait()
        watcher.join()
        ends = [*list(attempt.reached.values())[1:], time.monotonic()]
        for (name, begun), end in zip(attempt.reached.items(), ends, strict=True):
            if name != attempt.step or attempt.process.returncode == 0:
                self.seconds[name] = end - begun
        return attempt

    def strike(self, attempt: Attempt, blow: Blow) -> None:
        """Wait for the moment, then kill the process group."""
        while blow.step not in attempt.reached:
            if attempt.process.poll() is not None:
                return
            time.sleep(0.005)
        moment = attempt.reached[blow.step] + blow.fraction * self.seconds.get(blow.step, 1.0)
        time.sleep(max(0.0, moment - time.monotonic()))
        if attempt.process.poll() is None:
            os.killpg(attempt.process.pid, signal.SIGKILL)

    def as_of(self, landed: int) -> datetime:
        """The morning after the newest directory."""
        name = self.directories[landed - 1].name
        if not name.startswith("delta-"):
            return AS_OF
        return datetime.combine(date.fromisoformat(name.removeprefix("delta-")), AS_OF.time())

    def next_directories(self) -> slice:
        """The next delta; now and then the one before again, as somebody who repeats a call."""
        stop = min(self.landed + 1, len(self.directories))
        return slice(max(1, stop - self.dice.choice((1, 1, 2, 3))), stop)

    def judge(self, attempt: Attempt, directories: slice) -> bool:
        """Look at what a run left; True if it was killed."""
        newest = runs.history(self.config)[:1]
        run = newest[0] if newest and newest[0].run_id not in self.known else None
        code = attempt.process.returncode
        was_killed = False
        if code == 0 or (run and run.status == runs.PUBLISHED):
            # Also a run that was struck after it had written its end: it was done.
            self.finished.append(run.run_id if run else "nothing on record")
            if not run or run.status != runs.PUBLISHED:
                self.wrong(f"a run exited with 0, but its record is {run}")
            current = publish.current(self.config)
            if run and (current is None or current.run_id != run.run_id):
                self.wrong(f"run {run.run_id} is done, but readers see {current}")
        elif code == -signal.SIGKILL:
            was_killed = True
            self.kills_by_step[attempt.step] += 1
            if run:
                self.killed.append(run.run_id)
                if run.status != runs.RUNNING:
                    self.wrong(f"run {run.run_id} was killed and is on record as {run.status}")
        else:
            self.wrong(f"exit {code} in the step {attempt.step}: {''.join(attempt.lines)[-2000:]}")
        self.judge_raw(run.run_id if run else None, directories, was_killed=was_killed)
        self.judge_release(run.run_id if run else None, was_killed=was_killed)
        return was_killed

    def judge_raw(self, run_id: str | None, directories: slice, *, was_killed: bool) -> None:
        """Raw has to be as before the run or as after it, never between."""
        before, after = self.state(self.landed), self.state(directories.stop)
        with duckdb.connect(str(self.config.warehouse), read_only=True) as connection:
            found = fingerprints(connection)
            loads = connection.execute(
                "select count(distinct load_id) from ops.loads where run_id = ?", [run_id]
            ).fetchone()[0]
        expected = after if loads else before
        if loads not in (0, directories.stop - directories.start):
            self.wrong(f"run {run_id}: {loads} of the directories {directories} have landed")
        elif found != expected:
            differing = sorted(name for name in found if found[name] != expected[name])
            self.wrong(f"run {run_id}: raw is neither before nor after: {differing}")
        if loads:
            self.landed = directories.stop
            self.landed_before_killed += was_killed
        elif not was_killed:
            self.wrong(f"run {run_id} finished without landing")

    def judge_release(self, run_id: str | None, *, was_killed: bool) -> None:
        """What readers see has to be a whole release, whoever published it."""
        release = publish.current(self.config)
        if release is None:
            self.wrong("nothing is published any more")
            return
        try:
            publish.verify(self.config, release)
        except Exception as error:
            self.wrong(f"release {release.release_id}: {error}")
        self.released_before_killed += was_killed and release.run_id == run_id

    @property
    def known(self) -> set[str]:
        """The runs that have been judged."""
        return {*self.killed, *self.finished}

    def wrong(self, sentence: str) -> None:
        """Something that must not be."""
        self.problems.append(sentence)
        print(f"WRONG: {sentence}", file=sys.stderr, flush=True)


def start(
    config: settings.Config,
    directories: list[Path],
    as_of: datetime,
    *,
    from_rows: int | None = None,
    forked: bool = False,
) -> Attempt:
    """Start `warehouse refresh` as the leader of a process group of its own."""
    call = ["refresh", *map(str, directories)]
    call += ["--home", str(config.home), "--project-dir", str(config.project_dir)]
    call += ["--as-of", as_of.replace(tzinfo=UTC).isoformat()]
    if from_rows is not None:
        call += ["--vars", f"incremental_from_rows: {from_rows}"]
    began = time.monotonic()
    if forked:
        sys.path.append(str(HERE.parent / "python"))
        from forked import Command

        return Attempt(Command(call), began, reached={"start": began})
    process = subprocess.Popen(
        [sys.executable, "-m", "warehouse.cli", *call],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return Attempt(process, began, reached={"start": began})


def fingerprints(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple]:
    """Row count and checksum of every raw table: values, and the file and line they came from."""
    found = {}
    for table in load_contract().tables:
        columns = [*table.column_names, "_extra_columns", "_source_file", "_source_line"]
        listed = ", ".join(quoted(name) for name in columns)
        found[table.name] = connection.execute(
            f"select count(*), sum(hash({listed}, _vanished_at is null))"
            f" from {quoted(table.schema)}.{quoted(table.name)}"
        ).fetchone()
    return found


def blows(number: int, dice: random.Random, only: list[str]) -> list[Blow]:
    """Random moments, spread over the steps; within the build the early ones, which cost less."""
    if only:
        return [Blow(step, dice.random() * 0.6) for step in only]
    total = sum(weight for _, weight in STEPS.values())
    names = [name for name, (_, weight) in STEPS.items() for _ in range(weight)]
    chosen = [names[position * total // number] for position in range(number)]
    dice.shuffle(chosen)
    return [
        Blow(name, dice.random() ** 1.5 if name == "build" else dice.random() * 1.05)
        for name in chosen
    ]


@contextmanager
def reading(
    published: Path, tables: list[str], results: list[dict], *, hold: float
) -> Iterator[None]:
    """Four readers at work while the block runs; afterwards `results` holds what they saw."""
    stop = published.parent.parent / "stop"
    stop.unlink(missing_ok=True)
    readers = [
        subprocess.Popen(
            [
                *(sys.executable, str(HERE / "readers.py"), kind, str(published), str(stop)),
                *(*tables, "--hold", str(hold)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for kind in ("duckdb", "pooled", "parquet", "page")
    ]
    try:
        yield
    finally:
        stop.touch()
        for reader in readers:
            output, errors = reader.communicate(timeout=60)
            try:
                results.append(json.loads(output))
            except ValueError:
                results.append({"kind": "?", "reads": 0, "releases": 0, "errors": [errors]})


def compare_marts(found: Path, expected: Path) -> list[str]:
    """Marts of two published files that differ in names, columns, types or rows."""
    different = []
    with duckdb.connect() as connection:
        for path, name in ((found, "found"), (expected, "expected")):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        names = [
            {row[0] for row in connection.execute(f"show tables from {name}.marts").fetchall()}
            for name in ("found", "expected")
        ]
        if names[0] != names[1] or not names[0]:
            return [f"the marts are {names[0]} and {names[1]}"]
        for name in sorted(names[0]):
            # Which run it was, and when, is all that two releases may differ in.
            own = "exclude (run_id, built_at)" if name == "release" else ""
            sides = [f"select * {own} from {side}.marts.{name}" for side in ("found", "expected")]
            types = [connection.execute(f"describe {side}").fetchall() for side in sides]
            if types[0] != types[1]:
                different.append(f"{name}: the columns differ")
                continue
            lost, added = (
                connection.execute(
                    f"select count(*) from (({one}) except all ({other}))"
                ).fetchone()[0]
                for one, other in (sides[::-1], sides)
            )
            if lost or added:
                different.append(f"{name}: {lost} rows of the clean build are missing, {added} are"
                                 " there that it does not have")  # fmt: skip
    return different


def lost_versions(found: Path, expected: Path) -> list[str]:
    """Versions of rows that the clean build knows (raw and history) and the other has lost."""
    lost = []
    with duckdb.connect() as connection:
        for path, name in ((found, "found"), (expected, "expected")):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        for table in load_contract().tables:
            columns = ", ".join(quoted(name) for name in table.column_names)
            found_all, expected_all = (
                " union ".join(
                    f"select {columns} from {side}.{quoted(table.schema)}.{quoted(name)}"
                    for name in (table.name, f"{table.name}__history")
                )
                for side in ("found", "expected")
            )
            missing = connection.execute(
                f"select count(*) from (({expected_all}) except ({found_all}))"
            ).fetchone()[0]
            if missing:
                lost.append(f"{table.name}: {missing} versions of rows are lost")
    return lost


def leftovers(config: settings.Config) -> list[str]:
    """What killed runs left behind and nobody cleaned up."""
    kept = [path for path in config.releases.iterdir()]
    left = [path for path in kept if path.name.endswith(publish.PARTIAL)]
    left += config.published.glob(".current-*")
    left += [path for path in (config.home / "tmp", config.home / "warehouse.duckdb.tmp")
             if path.is_dir() and any(path.iterdir())]  # fmt: skip
    if len(kept) > config.keep_releases + 1:
        left += kept
    return [str(path.relative_to(config.home)) for path in left]


def judge_the_end(soak: Soak, results: list[dict]) -> None:
    """The last refresh is done: compare everything with a clean build, and ask `status`."""
    home = soak.home.parent / "clean"
    clean = settings.load(home, soak.project_dir)
    everything = soak.directories[: soak.landed]
    attempt = start(clean, everything, soak.as_of(soak.landed), forked=soak.forked)
    _, errors = attempt.process.communicate()
    if attempt.process.returncode != 0:
        soak.wrong(f"the clean build failed: {errors[-2000:]}")
        return
    with duckdb.connect(str(clean.warehouse), read_only=True) as connection:
        if fingerprints(connection) != soak.state(soak.landed):
            soak.wrong("one load of all directories is not the same as one after the other")
    name = "sales_kpi.duckdb"
    for sentence in [
        *compare_marts(soak.config.current / name, clean.current / name),
        *lost_versions(soak.config.warehouse, clean.warehouse),
        *(f"left behind: {path}" for path in leftovers(soak.config)),
    ]:
        soak.wrong(sentence)
    call = [sys.executable, "-m", "warehouse.cli", "status", "--last", "500", "--json"]
    shown = subprocess.run(
        [*call, "--home", str(soak.home), "--project-dir", str(soak.config.project_dir)],
        capture_output=True,
        text=True,
        check=True,
    )
    status_of = {run["run_id"]: run["status"] for run in json.loads(shown.stdout)["runs"]}
    with duckdb.connect(str(soak.config.warehouse), read_only=True) as connection:
        kept = dict(connection.execute("select run_id, status from ops.runs").fetchall())
    for run_id, wanted in [
        *((run_id, runs.KILLED) for run_id in soak.killed),
        *((run_id, runs.PUBLISHED) for run_id in soak.finished),
    ]:
        if status_of.get(run_id) != wanted or kept.get(run_id, wanted) != wanted:
            soak.wrong(
                f"run {run_id} was {wanted}: status shows {status_of.get(run_id)}, "
                f"ops.runs {kept.get(run_id)}"
            )
    for reader in results:
        for error in reader["errors"]:
            soak.wrong(f"reader {reader['kind']}: {error}")
        if reader["reads"] < 5 or reader["releases"] < min(2, len(soak.finished)):
            soak.wrong(f"reader {reader['kind']} hardly read: {reader}")


def write_company(directory: Path, *, deals: int, days: int, seed: int) -> list[Path]:
    """The company and what changed on each of the days after, in the order of landing."""
    from warehouse import sample

    sample.write(directory, deals=deals, seed=seed, as_of=AS_OF, delta_days=days)
    base = directory / "base"
    base.mkdir()
    deltas = sorted(directory.glob("delta-*"))
    for path in list(directory.iterdir()):
        if path.is_file():
            path.rename(base / path.name)
    return [base, *deltas]


def run(given: argparse.Namespace, work: Path) -> dict:
    """All of it; returns the summary."""
    begun = time.monotonic()
    dice = random.Random(given.seed)
    plan = blows(given.kills, dice, given.steps)
    directories = given.landing or write_company(
        work / "company", deals=given.deals, days=len(plan) + 20, seed=given.seed
    )
    soak = Soak(work / "home", given.project_dir, directories, dice, given.forked)
    results: list[dict] = []
    first = soak.refresh(None, directories=slice(0, 1))
    soak.judge(first, slice(0, 1))
    if soak.problems:
        return {"problems": soak.problems}
    # A pooled connection is held across a publish, and sees a later one when it is renewed.
    hold = 4.0 if given.forked else 20.0
    with reading(soak.config.published, given.tables, results, hold=hold):
        since = 0
        while plan:
            blow = None if since == given.finish_every else plan[-1]
            since = 0 if blow is None else since + 1
            which = soak.next_directories()
            attempt = soak.refresh(blow, directories=which)
            was_killed = soak.judge(attempt, which)
            if was_killed:
                plan.pop()
            elif blow:
                # It came too late (the last step includes the end of the process): much sooner next time.
                plan[-1] = Blow(blow.step, blow.fraction * 0.5)
            if given.verbose:
                print(
                    f"{len(plan):4} to go; {'killed' if was_killed else 'finished'} in "
                    f"{attempt.step} after {time.monotonic() - attempt.began:.1f} s, "
                    f"landed {soak.landed}",
                    file=sys.stderr,
                    flush=True,
                )
            if len(soak.problems) >= given.give_up_after:
                break
        which = soak.next_directories()
        soak.judge(soak.refresh(None, directories=which), which)
        time.sleep(hold)  # every connection that was held over the last publish is renewed
    judge_the_end(soak, results)
    return {
        "kills": sum(soak.kills_by_step.values()),
        "kills_by_step": {name: soak.kills_by_step[name] for name in STEPS},
        "killed_after_landing": soak.landed_before_killed,
        "killed_after_the_switch": soak.released_before_killed,
        "finished": len(soak.finished),
        "directories_landed": soak.landed,
        "readers": {item["kind"]: {k: item[k] for k in ("reads", "releases")} for item in results},
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "problems": soak.problems,
    }


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--steps", nargs="*", choices=STEPS, help="one kill in each of these")
    parser.add_argument("--deals", type=int, default=150, help="size of the company")
    parser.add_argument("--seed", type=int, default=1, help="of the company and the moments")
    parser.add_argument("--landing", nargs="*", type=Path, help="directories instead of a company")
    parser.add_argument("--tables", nargs=2, default=["fct_deals", "fct_activities"])
    parser.add_argument("--project-dir", type=Path)
    parser.add_argument("--finish-every", type=int, default=FINISH_EVERY)
    parser.add_argument("--give-up-after", type=int, default=10, help="so many problems")
    parser.add_argument("--work", type=Path, help="a new directory that is kept [default: none]")
    parser.add_argument(
        "--forked", action="store_true", help="runs do not import everything anew: a third the time"
    )
    parser.add_argument("--verbose", action="store_true", help="a line for every run")
    given = parser.parse_args()
    work = given.work or Path(tempfile.mkdtemp(prefix="warehouse-kills-"))
    work.mkdir(parents=True, exist_ok=True)
    try:
        summary = run(given, work)
    finally:
        if given.work is None:
            shutil.rmtree(work, ignore_errors=True)
    print(json.dumps(summary, indent=2))
    sys.exit(1 if summary["problems"] else 0)


if __name__ == "__main__":
    main()

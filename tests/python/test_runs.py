"""The lock, the record of the runs, and what is said when the warehouse cannot be opened."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from small_company import build_by_hand, config_of
from warehouse import lock, publish, runs, status, store
from warehouse.config import Config
from warehouse.errors import (
    ChecksFailedError,
    InputError,
    LockedError,
    StepError,
    WarehouseError,
)

HOLD = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from small_company import config_of
from warehouse import runs
with runs.recorded(config_of(Path(sys.argv[1])), "refresh") as run:
    with run.step("build", "Building"):
        print(run.run_id, flush=True)
        sys.stdin.readline()
"""

# A run that is killed as soon as one of the two records has its end.
KILLED_BETWEEN = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from small_company import config_of
from warehouse import runs

def deadly(write):
    def then_die(*arguments):
        write(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)
    return then_die

with runs.recorded(config_of(Path(sys.argv[1])), "refresh", success=runs.PUBLISHED) as run:
    with run.step("build", "Building"):
        run.release_id = "R1"
    runs._append, runs._store = deadly(runs._append), deadly(runs._store)
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_of(tmp_path / "home")


def other_run(config: Config) -> subprocess.Popen[str]:
    """A run in another process, in the middle of a step; it ends when its stdin is closed."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(config.home), str(Path(__file__).parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def in_warehouse(config: Config) -> list[tuple]:
    with duckdb.connect(str(config.warehouse)) as connection:
        return connection.execute(
            "select command, status, message, release_id, finished_at is not null "
            "from ops.runs order by started_at"
        ).fetchall()


def test_a_run_is_running_and_then_done(config: Config) -> None:
    with runs.recorded(config, "load", variables={"reporting_currency": "EUR"}) as run:
        assert [record.status for record in runs.history(config)] == ["running"]
        with run.step("land", "Landing"):
            pass
        run.message = "three tables"
    [record] = runs.history(config)
    assert (record.status, record.command, record.message) == ("done", "load", "three tables")
    assert record.vars == {"reporting_currency": "EUR"}
    assert list(record.seconds_per_step) == ["land"]
    assert in_warehouse(config) == [("load", "done", "three tables", None, True)]


@pytest.mark.parametrize(
    ("error", "outcome", "seen"),
    [
        (ChecksFailedError("a check"), "checks_failed", ChecksFailedError),
        (InputError("an input"), "input_error", InputError),
        (StepError("a step"), "failed", StepError),
        (ZeroDivisionError("oh"), "failed", StepError),
        (OSError(28, "No space left on device", "f"), "failed", StepError),
        (duckdb.Error("wrong\nstack"), "failed", StepError),
        (KeyboardInterrupt(), "killed", KeyboardInterrupt),
    ],
)
def test_a_failure_is_recorded_with_its_sentence(
    config: Config, error: BaseException, outcome: str, seen: type[BaseException]
) -> None:
    with (
        pytest.raises(seen) as caught,
        runs.recorded(config, "refresh") as run,
        run.step("build", "Building"),
    ):
        raise error
    assert "\n" not in str(caught.value)
    [record] = runs.history(config)
    assert (record.status, record.message) == (outcome, str(caught.value))
    assert in_warehouse(config) == [("refresh", outcome, str(caught.value), None, True)]


def test_what_was_unforeseen_has_its_traceback_in_the_log_only(config: Config) -> None:
    with (
        pytest.raises(StepError, match=r"step build broke unexpectedly \(ZeroDivisionError: oh\)"),
        runs.recorded(config, "refresh") as run,
        run.step("build", "Building"),
    ):
        raise ZeroDivisionError("oh")
    lines = [
        json.loads(line) for line in (config.logs / "warehouse.jsonl").read_text().splitlines()
    ]
    [line] = [line for line in lines if "traceback" in line]
    assert "ZeroDivisionError" in line["traceback"] and line["step"] == "build"
    assert (config.logs / "warehouse.jsonl").stat().st_mode & 0o777 == 0o600


def test_logs_are_rotated(tmp_path: Path) -> None:
    config = config_of(tmp_path / "home", log_megabytes=0.01, log_files=2)
    with runs.recorded(config, "refresh") as run:
        for number in range(200):
            run.warn(f"{number} {'x' * 200}")
    names = sorted(path.name for path in config.logs.iterdir() if "warehouse" in path.name)
    assert names == ["warehouse.jsonl", "warehouse.jsonl.1", "warehouse.jsonl.2"]


def test_a_second_run_is_told_who_holds_the_lock(config: Config) -> None:
    other = other_run(config)
    assert other.stdout is not None and other.stdin is not None
    run_id = other.stdout.readline().strip()
    with (
        pytest.raises(LockedError, match=rf"`warehouse refresh` \(process {other.pid} on"),
        runs.recorded(config, "load"),
    ):
        pass
    # The one that was turned away left no trace, and status works beside the running one.
    seen = status.status(config)
    assert seen.holder is not None and seen.holder.pid == other.pid
    assert [(record.run_id, record.status) for record in seen.runs] == [(run_id, "running")]
    other.communicate("\n")
    assert other.returncode == 0
    assert status.status(config).holder is None
    assert [record.status for record in status.status(config).runs] == ["done"]


def test_a_killed_run_becomes_killed_and_frees_the_lock(config: Config) -> None:
    other = other_run(config)
    assert other.stdout is not None
    killed = other.stdout.readline().strip()
    other.send_signal(signal.SIGKILL)
    other.communicate()
    assert [record.status for record in status.status(config).runs] == ["killed"]
    with runs.recorded(config, "load"):
        pass
    assert [(record.run_id == killed, record.status) for record in runs.history(config)] == [
        (False, "done"),
        (True, "killed"),
    ]
    assert [row[:3] for row in in_warehouse(config)] == [
        ("refresh", "killed", "the process ended before the run did"),
        ("load", "done", ""),
    ]


def test_a_kill_between_the_two_records_leaves_them_in_agreement(config: Config) -> None:
    call = [sys.executable, "-c", KILLED_BETWEEN, str(config.home), str(Path(__file__).parent)]
    assert subprocess.run(call, check=False).returncode == -signal.SIGKILL
    assert [record.status for record in runs.history(config)] == ["published"]
    with runs.recorded(config, "load"):
        pass
    assert [record.status for record in runs.history(config)] == ["done", "published"]
    # The next run copied all of it, not the word alone.
    assert in_warehouse(config) == [
        ("refresh", "published", "", "R1", True),
        ("load", "done", "", None, True),
    ]
    with duckdb.connect(str(config.warehouse)) as connection:
        [(seconds,)] = connection.execute(
            "select seconds_per_step from ops.runs where command = 'refresh'"
        ).fetchall()
    assert list(json.loads(seconds)) == ["build"]


def test_a_run_that_was_killed_after_its_publish_is_still_killed(config: Config) -> None:
    other = other_run(config)
    assert other.stdout is not None
    run_id = other.stdout.readline().strip()
    other.send_signal(signal.SIGKILL)
    other.communicate()
    build_by_hand(config, 1)
    release = publish.publish(config, report=False)
    note = release.path / "release.json"
    note.chmod(0o644)
    note.write_text(note.read_text().replace("run-1", run_id))
    with runs.recorded(config, "load"):
        pass
    record = runs.history(config)[1]
    assert (record.status, record.release_id) == ("killed", release.release_id)
    assert record.message.endswith(f"after release {release.release_id} had been published")


def test_a_line_that_was_cut_off_costs_that_line_only(config: Config) -> None:
    with runs.recorded(config, "load"):
        pass
    path = config.logs / "runs.jsonl"
    with path.open("a") as stream:
        stream.write('{"run_id": "torn", "comm')
    with runs.recorded(config, "build"):
        pass
    assert [record.command for record in runs.history(config)] == ["build", "load"]


def test_the_record_is_cut_to_its_newest_runs(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_COMPACT_BYTES", 1000)
    monkeypatch.setattr(runs, "_COMPACT_RUNS", 3)
    for _ in range(6):
        with runs.recorded(config, "load", in_warehouse=False):
            pass
    assert len(runs.history(config)) == 4
    assert {record.status for record in runs.history(config)} == {"done"}


def test_a_corrupt_warehouse_is_named_with_what_to_do(config: Config) -> None:
    config.home.mkdir()
    config.warehouse.write_bytes(b"no database" * 1000)
    with (
        pytest.raises(StepError, match=r"not a valid DuckDB.*Move warehouse.duckdb aside"),
        runs.recorded(config, "refresh"),
    ):
        pass
    assert [record.status for record in runs.history(config)] == ["failed"]


def test_a_warehouse_that_somebody_has_open_is_locked(config: Config) -> None:
    build_by_hand(config, 1)
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(config.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    other.stdout.readline()
    with (
        pytest.raises(LockedError, match=f"is open in process {other.pid}"),
        runs.recorded(config, "refresh"),
    ):
        pass
    other.communicate("\n")
    assert [record.status for record in runs.history(config)] == ["failed"]


def test_without_a_warehouse_nothing_can_be_read(config: Config) -> None:
    with (
        pytest.raises(InputError, match="Nothing has landed"),
        store.connect(config, read_only=True),
    ):
        pass


def test_the_private_files_are_private_whatever_the_umask(config: Config) -> None:
    with runs.recorded(config, "load"):
        pass
    modes = {
        path.name: path.stat().st_mode & 0o777
        for path in (config.home, config.warehouse, config.logs, config.target, config.releases)
    }
    assert modes == {
        "home": 0o755,
        "warehouse.duckdb": 0o600,
        "logs": 0o700,
        "target": 0o700,
        "releases": 0o755,
    }


def test_whoever_may_not_lock_believes_the_holder_that_lives(config: Config) -> None:
    other = other_run(config)
    assert other.stdout is not None
    other.stdout.readline()
    assert lock._alive(lock._read(config)) is not None
    other.communicate("\n")
    assert lock._alive(lock._read(config)) is None


def test_errors_of_the_system_come_with_a_remedy() -> None:
    error = store.os_failure(OSError(28, "No space left on device", "/a/b"), "It was not written")
    assert isinstance(error, WarehouseError) and error.exit_code == 4
    assert str(error) == (
        "It was not written (/a/b): the disk is full; "
        "free some space and run the same command again."
    )

"""The record of every run: in `ops.runs` of the warehouse, and as JSON lines beside it.

`status` reads the lines only, because nobody can open the warehouse while a run writes to it.
A run that never wrote its end was killed: the next run says so in both places.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse import lock, store
from warehouse.config import Config
from warehouse.errors import (
    ChecksFailedError,
    InputError,
    StepError,
    WarehouseError,
    interruption,
)
from warehouse.logs import logger, logging_to

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RUNNING = "running"
PUBLISHED = "published"
DONE = "done"
CHECKS_FAILED = "checks_failed"
INPUT_ERROR = "input_error"
FAILED = "failed"
KILLED = "killed"

KILLED_MESSAGE = "the process ended before the run did"
# The file of lines is cut to its newest runs when it has grown to this size.
_COMPACT_BYTES = 4_000_000
_COMPACT_RUNS = 500

_TABLE = """
create schema if not exists ops;
create table if not exists ops.runs (
    run_id varchar primary key,
    command varchar not null,
    started_at timestamp not null,
    finished_at timestamp,
    status varchar not null,
    as_of timestamp,
    message varchar,
    release_id varchar,
    vars varchar,
    seconds_per_step varchar
);
"""


@dataclass(frozen=True)
class Record:
    """One run as `status` shows it; instants are UTC in ISO 8601."""

    run_id: str
    command: str
    status: str
    started_at: str
    finished_at: str | None = None
    as_of: str | None = None
    message: str = ""
    release_id: str | None = None
    vars: dict[str, Any] = field(default_factory=dict)
    seconds_per_step: dict[str, float] = field(default_factory=dict)
    tables: list[dict[str, Any]] = field(default_factory=list)
    checks_failed: list[str] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    empty_marts: list[str] = field(default_factory=list)
    made_anew: list[str] = field(default_factory=list)


class Run:
    """A run in progress: collects what its record will say."""

    def __init__(
        self,
        config: Config,
        command: str,
        *,
        started_at: datetime,
        as_of: datetime | None,
        variables: dict[str, Any],
        progress: Callable[[str, str], None],
    ) -> None:
        """Begin to collect; nothing is written yet."""
        self.config = config
        self.command = command
        self.started_at = started_at
        self.run_id = f"{started_at:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        self.as_of = as_of
        self.variables = variables
        self.progress = progress
        self.step_name = "start"
        self.seconds: dict[str, float] = {}
        self.tables: list[dict[str, Any]] = []
        self.checks_failed: list[str] = []
        self.failures: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self.empty_marts: list[str] = []
        self.made_anew: list[str] = []
        self.release_id: str | None = None
        self.message = ""

    @contextmanager
    def step(self, name: str, sentence: str) -> Iterator[None]:
        """Name what is going on, time it, and tell whoever watches."""
        self.step_name = name
        self.progress("step", sentence)
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - begun, 3)
            logger.info(
                "step %s",
                name,
                extra={
                    "data": {"run_id": self.run_id, "step": name, "seconds": self.seconds[name]}
                },
            )

    def detail(self, text: str) -> None:
        """How far the step is."""
        self.progress("detail", text)

    def warn(self, sentence: str) -> None:
        """Something a person should know, though the run goes on."""
        self.warnings.append(sentence)
        self.progress("warning", sentence)
        logger.warning(sentence, extra={"data": {"run_id": self.run_id}})

    def note(self, sentence: str) -> None:
        """Something to know that needs nobody: shown and logged, but no warning."""
        self.progress("note", sentence)
        logger.info(sentence, extra={"data": {"run_id": self.run_id}})

    def failed(self, check: str, *, suite: str, sentence: str, **what: Any) -> None:
        """A check or test that did not pass: a sentence for people, its parts for programs."""
        self.checks_failed.append(sentence)
        self.failures.append({"suite": suite, "check": check, **what, "sentence": sentence})

    def record(self, status: str, *, finished_at: datetime | None = None) -> Record:
        """What is known about the run at this moment."""
        return Record(
            run_id=self.run_id,
            command=self.command,
            status=status,
            started_at=self.started_at.isoformat(),
            finished_at=finished_at.isoformat() if finished_at else None,
            as_of=self.as_of.isoformat() if self.as_of else None,
            message=self.message,
            release_id=self.release_id,
            vars=self.variables,
            seconds_per_step=dict(self.seconds),
            tables=list(self.tables),
            checks_failed=list(self.checks_failed),
            failures=list(self.failures),
            warnings=list(self.warnings),
            empty_marts=list(self.empty_marts),
            made_anew=list(self.made_anew),
        )


def now() -> datetime:
    """The clock: a naive UTC instant."""
    return datetime.now(UTC).replace(tzinfo=None)


def _silent(_kind: str, _text: str) -> None:
    """Nobody watches."""


@contextmanager
def recorded(
    config: Config,
    command: str,
    *,
    as_of: datetime | None = None,
    started_at: datetime | None = None,
    variables: dict[str, Any] | None = None,
    progress: Callable[[str, str], None] = _silent,
    in_warehouse: bool = True,
    success: str = DONE,
) -> Iterator[Run]:
    """Lock the home, record the run from start to end, turn every failure into one sentence.

    `in_warehouse=False` leaves the warehouse closed (a rollback works without it).
    """
    run = Run(
        config,
        command,
        started_at=started_at or now(),
        as_of=as_of,
        variables=variables or {},
        progress=progress,
    )
    store.prepare_home(config)
    with lock.hold(config, command), logging_to(config):
        status = FAILED
        begun = False
        try:
            _begin(config, run)
            begun = True
            store.sweep(config.scratch)
            if in_warehouse:
                is_new = not config.warehouse.exists()
                with store.connect(config) as connection:
                    # Now that it is open here, nobody else can have it open and need that.
                    store.sweep(config.spill)
                    _open(config, run, connection)
                if is_new and config.current.is_symlink():
                    run.warn(
                        f"{config.warehouse} was not there, though a release is published: "
                        "the new one holds nothing but what lands from now on."
                    )
            yield run
            status = success
        except BaseException as error:
            failure = _failure(run, error)
            status = _status(failure)
            run.message = str(failure)
            # Whoever prints the error can say what the run had done until then.
            failure.record = run.record(status)
            if failure is error:
                raise
            raise failure from error
        finally:
            if begun:
                _end(config, run, status, in_warehouse=in_warehouse)


def history(config: Config) -> list[Record]:
    """Every run on record, the newest first; a run without an end counts as running."""
    merged: dict[str, Record] = {}
    for line in _lines(config):
        merged[line.run_id] = line
    return list(reversed(merged.values()))


def _failure(run: Run, error: BaseException) -> BaseException:
    """The error as people may see it; anything unforeseen goes to the log with its traceback."""
    import duckdb

    published = run.release_id
    if isinstance(error, KeyboardInterrupt) or interruption():
        outcome = (
            f"release {published} had been published before"
            if published
            else "nothing was published, the last release stays readable"
        )
        sentence = f"Interrupted in the step {run.step_name}: {outcome}."
        logger.error(sentence, extra={"data": {"run_id": run.run_id}})
        return KeyboardInterrupt(sentence)
    if isinstance(error, WarehouseError):
        logger.error(str(error), extra={"data": {"run_id": run.run_id, "step": run.step_name}})
        return error
    if not isinstance(error, Exception):
        return error
    data = {"run_id": run.run_id, "step": run.step_name}
    logger.error("unexpected %s", type(error).__name__, exc_info=error, extra={"data": data})
    if isinstance(error, OSError):
        return store.os_failure(error, f"The step {run.step_name} broke")
    fact = store.first_line(error)
    if isinstance(error, duckdb.Error):
        remedy = store.remedy(str(error)) or "Details are in logs/warehouse.jsonl."
        return StepError(f"The step {run.step_name} broke: {fact}. {remedy}")
    return StepError(
        f"The step {run.step_name} broke unexpectedly ({type(error).__name__}: {fact}). "
        f"The traceback is in {run.config.logs / 'warehouse.jsonl'}; please report it."
    )


def _status(failure: BaseException) -> str:
    if isinstance(failure, ChecksFailedError):
        return CHECKS_FAILED
    if isinstance(failure, InputError):
        return INPUT_ERROR
    return KILLED if isinstance(failure, KeyboardInterrupt) else FAILED


def _begin(config: Config, run: Run) -> None:
    _compact(config)
    for earlier in history(config):
        if earlier.status == RUNNING:
            # The lock is ours, so whoever wrote that line is gone.
            _append(config, killed(earlier, released=_released_by(config, earlier)))
    _append(config, run.record(RUNNING))
    logger.info(
        "begin %s", run.command, extra={"data": {"run_id": run.run_id, "vars": run.variables}}
    )


def killed(record: Record, *, released: str | None = None) -> Record:
    """The record of a run whose process died, perhaps after its release had been published."""
    after = f", after release {released} had been published" if released else ""
    return replace(record, status=KILLED, message=KILLED_MESSAGE + after, release_id=released)


def _released_by(config: Config, record: Record) -> str | None:
    try:
        note = json.loads((config.current / "release.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return note.get("release_id") if note.get("run_id") == record.run_id else None


def _open(config: Config, run: Run, connection: DuckDBPyConnection) -> None:
    """Bring `ops.runs` in line with the lines and add the row of this run."""
    connection.execute(_TABLE)
    stale = connection.execute("select run_id from ops.runs where status = 'running'").fetchall()
    known = {record.run_id: record for record in history(config)}
    for (run_id,) in stale:
        end = known.get(run_id)
        if end and end.status != RUNNING:
            _store(connection, end)
        else:
            connection.execute(
                "update ops.runs set status = ?, message = ? where run_id = ?",
                [KILLED, KILLED_MESSAGE, run_id],
            )
    _store(connection, run.record(RUNNING))


def _store(connection: DuckDBPyConnection, record: Record) -> None:
    connection.execute(
        "insert or replace into ops.runs values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            record.run_id,
            record.command,
            record.started_at,
            record.finished_at,
            record.status,
            record.as_of,
            record.message,
            record.release_id,
            json.dumps(record.vars, default=str),
            json.dumps(record.seconds_per_step),
        ],
    )


def _end(config: Config, run: Run, status: str, *, in_warehouse: bool) -> None:
    """Write the end down: the lines first, since a run without an end there was killed."""
    record = run.record(status, finished_at=now())
    try:
        _append(config, record)
    except WarehouseError as error:
        logger.warning("runs.jsonl was not updated: %s", error)
    if in_warehouse:
        try:
            with store.connect(config) as connection:
                connection.execute(_TABLE)
                _store(connection, record)
        except Exception as error:
            # The lines above keep the end; the next run copies it into the warehouse.
            logger.warning("ops.runs was not updated: %s", store.first_line(error))
    logger.info("end %s: %s", run.command, status, extra={"data": asdict(record)})


def _path(config: Config) -> Path:
    return config.logs / "runs.jsonl"


def _append(config: Config, record: Record) -> None:
    """One line in one write, so that a reader sees all of it or nothing."""
    text = json.dumps(asdict(record), default=str, ensure_ascii=False) + "\n"
    # A file's name may be no UTF-8; that a run has ended is worth more than how it is spelt.
    line = text.encode("utf-8", errors="backslashreplace")
    try:
        descriptor = os.open(_path(config), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                # A line cut off by a full disk: end it, so that this one stands alone.
                line = b"\n" + line
            if os.write(descriptor, line) != len(line):
                raise OSError(28, "No space left on device", str(_path(config)))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise store.os_failure(error, f"{_path(config)} cannot be written") from error


def _lines(config: Config) -> list[Record]:
    try:
        text = _path(config).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise store.os_failure(error, f"{_path(config)} cannot be read") from error
    known = set(Record.__dataclass_fields__)
    records = []
    for line in text.split("\n"):
        try:
            content = json.loads(line)
            records.append(Record(**{k: v for k, v in content.items() if k in known}))
        except (ValueError, TypeError, AttributeError):
            continue
    return records


def _compact(config: Config) -> None:
    path = _path(config)
    if not path.exists() or path.stat().st_size < _COMPACT_BYTES:
        return
    kept = list(reversed(history(config)[:_COMPACT_RUNS]))
    fresh = path.with_suffix(".new")
    fresh.write_text(
        "".join(json.dumps(asdict(record), default=str) + "\n" for record in kept),
        encoding="utf-8",
    )
    fresh.chmod(0o600)
    fresh.replace(path)

"""Commands as processes of their own that do not import everything anew.

Of a small refresh five of seven CPU seconds are imports. A server process imports once what the
command needs, and each call is a fork of it: with its own id, files, limits, signals and exit
code, to be killed like any other. That the installed command works from nothing is shown by
test_cli.py.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

_IMPORTED_ONCE = [
    "__main__",
    "dbt.adapters.duckdb",
    "dbt.cli.main",
    "dbt.task.build",
    "duckdb",
    "great_expectations",
    "warehouse.cli",
    "warehouse.load",
    "warehouse.lock",
    "warehouse.notify",
    "warehouse.quality.gate",
    "warehouse.refresh",
]
_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(_IMPORTED_ONCE)


class Command:
    """A `warehouse` command that runs; has the parts of `subprocess.Popen` that are needed."""

    def __init__(
        self,
        arguments: Sequence[object],
        *,
        cwd: Path | None = None,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        """Start it, as the leader of a process group; `prepare` runs first, in the new process."""
        readers, writers = zip(*(_server.Pipe(duplex=False) for _ in range(2)), strict=True)
        self._process = _server.Process(
            target=_run,
            args=(list(map(str, arguments)), dict(os.environ), cwd, prepare, *writers),
            daemon=True,
        )
        self._process.start()
        for writer in writers:
            writer.close()
        self.stdout, self.stderr = (_stream(reader) for reader in readers)

    @property
    def pid(self) -> int:
        """The process, and its group."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code; below zero the signal that ended it; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        return self.returncode

    def wait(self) -> int | None:
        """Until it ends."""
        self._process.join()
        return self.returncode

    def communicate(self) -> tuple[str, str]:
        """All that it prints until it ends."""
        printed: list[str] = []
        reading = threading.Thread(target=lambda: printed.append(self.stdout.read()))
        reading.start()
        errors = self.stderr.read()
        reading.join()
        self.wait()
        self.stdout.close()
        self.stderr.close()
        return printed[0], errors


def run(
    arguments: Sequence[object],
    *,
    cwd: Path | None = None,
    prepare: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = Command(arguments, cwd=cwd, prepare=prepare)
    output, errors = command.communicate()
    return subprocess.CompletedProcess(list(arguments), command.returncode, output, errors)


def _stream(reader: Connection):
    """The reading end of a pipe as a text file."""
    descriptor = os.dup(reader.fileno())
    reader.close()
    return os.fdopen(descriptor, encoding="utf-8", errors="replace")


def _run(
    arguments: list[str],
    environment: dict[str, str],
    cwd: Path | None,
    prepare: Callable[[], None] | None,
    output: Connection,
    errors: Connection,
) -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, place in ((nothing, 0), (output.fileno(), 1), (errors.fileno(), 2)):
        os.dup2(descriptor, place)
    output.close()
    errors.close()
    os.close(nothing)
    os.environ.clear()
    os.environ.update(environment)
    if cwd:
        os.chdir(cwd)
    if prepare:
        prepare()
    from warehouse import cli

    sys.argv = ["warehouse", *arguments]
    cli.main(arguments)

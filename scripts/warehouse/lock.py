"""One writer at a time: the lock of a home, which the system frees when its holder dies."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from warehouse.config import Config
from warehouse.errors import LockedError
from warehouse.store import os_failure

# `status` looks at the lock by taking it for an instant; a writer that starts just then waits.
_PATIENCE_SECONDS = 0.5


@dataclass(frozen=True)
class Holder:
    """Who holds the lock."""

    pid: int
    host: str
    command: str
    since: str  # UTC, ISO 8601

    def sentence(self) -> str:
        """Who it is, for people."""
        return f"`warehouse {self.command}` (process {self.pid} on {self.host}) since {self.since}"


@contextmanager
def hold(config: Config, command: str) -> Iterator[None]:
    """Hold the lock of the home, or raise LockedError that names the holder."""
    from filelock import FileLock, Timeout

    lock = FileLock(config.lock_file, timeout=_PATIENCE_SECONDS, mode=0o600, poll_interval=0.02)
    try:
        lock.acquire()
    except Timeout:
        holder = _read(config)
        who = holder.sentence() if holder else "another process"
        raise LockedError(
            f"Another refresh is running: {who} works in {config.home}. Nothing was changed; "
            "try again when it has finished (`warehouse status` shows it)."
        ) from None
    except OSError as error:
        raise os_failure(error, f"{config.lock_file} cannot be written") from error
    try:
        _write(config, command)
        yield
    finally:
        lock.release()


def holder(config: Config) -> Holder | None:
    """Who is writing at this moment; None when nobody is. Never blocks a writer for long."""
    from filelock import FileLock, Timeout

    if not config.lock_file.exists():
        return None
    try:
        with FileLock(config.lock_file, timeout=0):
            return None
    except Timeout:
        return _read(config) or Holder(pid=0, host="unknown", command="refresh", since="unknown")
    except OSError:
        # A home that may only be read: whoever asks cannot lock, so believe the file of the holder.
        return _alive(_read(config))


def _write(config: Config, command: str) -> None:
    """Note the holder inside the lock file; filelock leaves its content alone while it is held."""
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    me = Holder(pid=os.getpid(), host=socket.gethostname(), command=command, since=now)
    try:
        config.lock_file.write_text(json.dumps(asdict(me)) + "\n", encoding="utf-8")
    except OSError as error:
        raise os_failure(error, f"{config.lock_file} cannot be written") from error


def _read(config: Config) -> Holder | None:
    try:
        return Holder(**json.loads(config.lock_file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _alive(found: Holder | None) -> Holder | None:
    if found is None or found.host != socket.gethostname():
        return None
    try:
        os.kill(found.pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return found

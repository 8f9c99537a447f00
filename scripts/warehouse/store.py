"""Opens the private database, and says in one sentence why it cannot be opened."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.config import Config
from warehouse.errors import InputError, LockedError, StepError, WarehouseError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PRIVATE_DIRECTORY = 0o700
_PUBLIC_DIRECTORY = 0o755
_PRIVATE_FILE = 0o600
_DAMAGED_REMEDY = (
    "Move warehouse.duckdb aside and refresh from the full landing directories, "
    "or bring back a backup of it."
)

_SPARK_REMEDY = (
    "Spark's Thrift server does not answer: start it (its log says why it went) and run the same "
    "command again."
)

# What an engine says, and what to do; the cause comes before what follows from it.
_REMEDIES = {
    "TTransportException": _SPARK_REMEDY,
    "Could not connect to any of": _SPARK_REMEDY,
    "Connection refused": _SPARK_REMEDY,
    "No space left": "The disk is full: free some space and run the same command again.",
    "File too large": "A file may not grow so large here (see `ulimit -f`).",
    "Out of Memory": "Free memory or disk space, or set memory_limit in warehouse.yml.",
    "Corrupt database file": _DAMAGED_REMEDY,
    "database has been invalidated": _DAMAGED_REMEDY,
}


def prepare_home(config: Config) -> None:
    """Create the directories of the home: readers may enter it, but only see `published/`."""
    for directory, mode in (
        (config.home, _PUBLIC_DIRECTORY),
        (config.logs, _PRIVATE_DIRECTORY),
        (config.target, _PRIVATE_DIRECTORY),
        (config.scratch, _PRIVATE_DIRECTORY),
        (config.published, _PUBLIC_DIRECTORY),
        (config.releases, _PUBLIC_DIRECTORY),
    ):
        try:
            made = not directory.exists()
            directory.mkdir(parents=True, exist_ok=True)
            if made:
                # Whatever the umask says; a directory that was there keeps its permissions.
                directory.chmod(mode)
        except OSError as error:
            raise os_failure(error, f"{directory} cannot be created") from error


def sweep(directory: Path) -> None:
    """Remove what a killed run left there: a disk may be full of it, and it holds landed rows."""
    for path in directory.glob("*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def os_failure(error: OSError, fact: str) -> WarehouseError:
    """A failure of the operating system as fact and remedy."""
    remedies = {
        errno.ENOSPC: "the disk is full; free some space and run the same command again",
        errno.EDQUOT: "the disk quota is used up; free some space and run the same command again",
        errno.EFBIG: "the file would be larger than is allowed here (see `ulimit -f`)",
        errno.EROFS: "the file system is read-only; mount it writable or choose another --home",
        errno.EACCES: "permission is missing; run as the owner of the home directory",
        errno.EPERM: "permission is missing; run as the owner of the home directory",
    }
    remedy = remedies.get(error.errno or 0, error.strerror or str(error))
    where = f" ({error.filename})" if error.filename and str(error.filename) not in fact else ""
    return StepError(f"{fact}{where}: {remedy}.")


@contextmanager
def connect(config: Config, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
    """A connection to the private database, closed at the end.

    No two connections of one process may differ in their options: close it before dbt opens one.
    """
    import duckdb

    path = config.warehouse
    if read_only and not path.exists():
        raise InputError(
            f"Nothing has landed in {config.home} yet: run `warehouse refresh LANDING_DIR` first."
        )
    try:
        if not read_only and not path.exists():
            _create(config)
        connection = duckdb.connect(
            str(path), read_only=read_only, config=config.database_options()
        )
        if not read_only and path.stat().st_mode & 0o077:
            path.chmod(_PRIVATE_FILE)
    except (duckdb.Error, OSError) as error:
        raise _unopened(path, error) from error
    try:
        yield connection
    finally:
        connection.close()


def _create(config: Config) -> None:
    """An empty database, whole from its first moment: a process may die while it is made."""
    import duckdb

    fresh = config.home / f".{config.warehouse.name}.new"
    for path in (fresh, fresh.with_name(f"{fresh.name}.wal")):
        path.unlink(missing_ok=True)
    # The log of a database that was moved away: it belongs to that one, and stops this one.
    log = config.home / f"{config.warehouse.name}.wal"
    if log.exists():
        log.replace(log.with_name(f"{log.name}.of-the-one-before"))
    duckdb.connect(str(fresh), config=config.database_options()).close()
    fresh.chmod(_PRIVATE_FILE)
    fresh.replace(config.warehouse)


def _unopened(path: Path, error: Exception) -> WarehouseError:
    if isinstance(error, OSError):
        return os_failure(error, f"{path} cannot be opened")
    text = str(error)
    if "Could not set lock" in text or "onflicting lock" in text:
        holder = re.search(r"PID (\d+)", text)
        who = f"process {holder[1]}" if holder else "another process"
        return LockedError(
            f"{path} is open in {who}: wait until it has finished, or close it. "
            "Nothing was changed; readers use published/current."
        )
    fact = first_line(error)
    for word, code in (
        ("Permission denied", errno.EACCES),
        ("Read-only file system", errno.EROFS),
        ("No space left", errno.ENOSPC),
    ):
        if word in text:
            return os_failure(OSError(code, word), f"{path} cannot be opened")
    return StepError(
        f"{path} cannot be opened ({fact}). The last release stays readable. {_DAMAGED_REMEDY}"
    )


def remedy(text: str) -> str | None:
    """What to do about what DuckDB says of the machine; None when it says nothing of it."""
    for words, sentence in _REMEDIES.items():
        if words in text:
            return sentence
    return None


def first_line(error: BaseException) -> str:
    """The sentence of an error without the hints and stack that follow it."""
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__


def quoted(name: str) -> str:
    """An identifier that is safe inside SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text literal that is safe inside SQL, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"

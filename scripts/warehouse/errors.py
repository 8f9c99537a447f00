"""One error type per kind of failure; each message states the fact and the remedy."""

import signal
from types import FrameType

_signals: list[signal.Signals] = []


def stop(number: int, _frame: FrameType | None) -> None:
    """What a signal to stop does: whatever fails from here on fails because of it.

    DuckDB makes a RuntimeError of what a handler raises while a query runs, and who checks data
    takes that for a check that broke.
    """
    _signals.append(signal.Signals(number))
    raise KeyboardInterrupt(interruption())


def interruption() -> str | None:
    """What stopped this process, for commands that publish nothing; None: nothing did."""
    return f"Interrupted by {_signals[-1].name}: nothing was published." if _signals else None


class WarehouseError(Exception):
    """A failure that a user can read; `exit_code` is what the command returns."""

    exit_code = 4


class ChecksFailedError(WarehouseError):
    """Data-quality checks or dbt tests failed: nothing was published."""

    exit_code = 1


class InputError(WarehouseError):
    """The input or the call is wrong: nothing was changed."""

    exit_code = 2


class LockedError(WarehouseError):
    """Another refresh holds the lock."""

    exit_code = 3


class StepError(WarehouseError):
    """A step broke; the message names the step."""

    exit_code = 4

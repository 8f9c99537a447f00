"""One error type per kind of failure; each message states the fact and the remedy."""


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

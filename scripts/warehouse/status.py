"""What happened, what is published and what was refused; only the last opens the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse import lock, publish, runs, store
from warehouse.config import Config
from warehouse.errors import InputError
from warehouse.lock import Holder
from warehouse.publish import Release
from warehouse.runs import Record

if TYPE_CHECKING:
    from warehouse.load import Reject


@dataclass(frozen=True)
class Status:
    """The newest runs, whoever is writing now, and the releases, the newest first."""

    holder: Holder | None
    runs: Sequence[Record]
    releases: Sequence[Release]

    @property
    def current(self) -> Release | None:
        """The release that readers see."""
        return next((release for release in self.releases if release.is_current), None)


def status(config: Config, *, last: int = 5) -> Status:
    """Read the record of the runs; a run that says running while nobody writes was killed."""
    holder = lock.holder(config)
    found = []
    for record in runs.history(config)[:last]:
        # Only the newest run can be the one that holds the lock.
        is_alive = holder is not None and not found
        found.append(record if record.status != runs.RUNNING or is_alive else runs.killed(record))
    return Status(holder=holder, runs=tuple(found), releases=tuple(publish.releases(config)))


def rejects(config: Config, table: str | None = None) -> Sequence[Reject]:
    """The rows that landing refused, of one table or of all; LockedError while a run is writing."""
    import duckdb

    from warehouse import load
    from warehouse.contract import load_contract

    known = [item.name for item in load_contract().tables]
    # A table of a source carries the source's name, such as hubspot.deal.
    if table is not None and table not in known and "." not in table:
        raise InputError(f"There is no table {table!r}; known are {', '.join(known)}.")
    with store.connect(config, read_only=True) as connection:
        try:
            return load.rejects(connection, table)
        except duckdb.CatalogException:
            # Made by a run that did not get as far as landing.
            return ()

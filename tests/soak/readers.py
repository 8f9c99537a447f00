"""Four kinds of reader, as people and BI tools read a release; each a process of its own.

    python readers.py KIND PUBLISHED STOP_FILE TABLE TABLE [--pause SECONDS] [--hold SECONDS]

reads `PUBLISHED/current` again and again until STOP_FILE exists, and prints one JSON object: how
often it read, how many releases it saw, and everything that was wrong. Wrong is an error, and
also an answer that is not of one release: run id, row counts and contents have to go together.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

MOST_ERRORS = 20


class Reader:
    """What a reader has learnt of the releases: their notes, and what each table held."""

    def __init__(self, published: Path, tables: tuple[str, str], hold: float) -> None:
        """Begin to read what is published there; `tables` are two marts that grow with the data."""
        self.hold = hold
        self.current = published / "current"
        self.releases = published / "releases"
        self.tables = tables
        self.notes: dict[str, dict] = {}
        self.contents: dict[tuple[str, str], object] = {}
        self.seen: set[str] = set()
        self.pool: duckdb.DuckDBPyConnection | None = None
        self.pooled_run: str | None = None
        self.renew_at = 0.0

    def duckdb(self) -> None:
        """A connection per query, as a BI tool without a pool does it."""
        with duckdb.connect(str(self.current / "sales_kpi.duckdb"), read_only=True) as connection:
            self.is_of_one_release(self.three_tables(connection))

    def pooled(self) -> None:
        """A connection that is held for seconds and then renewed: it stays with its release."""
        if self.pool is None or time.monotonic() > self.renew_at:
            if self.pool is not None:
                self.pool.close()
            self.pool = duckdb.connect(str(self.current / "sales_kpi.duckdb"), read_only=True)
            self.pooled_run = None
            self.renew_at = time.monotonic() + random.uniform(0.5, self.hold)
        run_id = self.is_of_one_release(self.three_tables(self.pool))
        if self.pooled_run not in (None, run_id):
            raise AssertionError(f"one connection saw {self.pooled_run} and then {run_id}")
        self.pooled_run = run_id

    def parquet(self) -> None:
        """Several files; whoever resolves the link once stays within one release."""
        release = self.current.resolve()
        with duckdb.connect() as connection:
            for name in ("release", *self.tables):
                path = release / "parquet" / f"{name}.parquet"
                connection.read_parquet(str(path)).create_view(name)
            self.is_of_one_release(self.three_tables(connection, schema="main"))

    def page(self) -> None:
        """The note and the page, through the link as a web server reads them, and resolved."""
        json.loads((self.current / "release.json").read_text(encoding="utf-8"))
        whole = (self.current / "report" / "index.html").read_bytes()
        if not whole.rstrip().endswith(b"</html>"):
            raise AssertionError("the page is cut off")
        release = self.current.resolve()
        note = json.loads((release / "release.json").read_text(encoding="utf-8"))
        page = (release / "report" / "index.html").read_bytes()
        if hashlib.sha256(page).hexdigest() != note["sha256"]["report/index.html"]:
            raise AssertionError(f"the page is not that of release {note['release_id']}")
        self.seen.add(note["run_id"])

    def three_tables(
        self, connection: duckdb.DuckDBPyConnection, schema: str = "sales_kpi.marts"
    ) -> tuple:
        """Run id, and row count and checksum of two tables, in one query."""
        first, second = (
            f"(select {{'rows': count(*), 'sum': sum(hash({name}))::varchar}} from {schema}.{name})"
            for name in self.tables
        )
        rows = connection.execute(
            f"select run_id, {first}, {second} from {schema}.release"
        ).fetchall()
        if len(rows) != 1:
            raise AssertionError(f"the table release has {len(rows)} rows")
        return rows[0]

    def is_of_one_release(self, answer: tuple) -> str:
        """Compare an answer with the note of its release and with earlier answers."""
        run_id, *found = answer
        counts = self.note_of(run_id)["row_counts"]
        for name, content in zip(self.tables, found, strict=True):
            if content["rows"] != counts[name]:
                raise AssertionError(
                    f"{name} has {content['rows']} rows, that of run {run_id} has {counts[name]}"
                )
            if self.contents.setdefault((run_id, name), content) != content:
                raise AssertionError(f"{name} of run {run_id} changed after it was published")
        self.seen.add(run_id)
        return run_id

    def note_of(self, run_id: str) -> dict:
        """The note of the release that a run published."""
        if run_id not in self.notes:
            for path in self.releases.glob("*/release.json"):
                try:
                    note = json.loads(path.read_text(encoding="utf-8"))
                except (OSError, ValueError):
                    continue  # an unfinished or removed one, not what was read
                self.notes[note["run_id"]] = note
        if run_id not in self.notes:
            raise AssertionError(f"run {run_id} has no release")
        return self.notes[run_id]


KINDS: dict[str, Callable[[Reader], None]] = {
    "duckdb": Reader.duckdb,
    "pooled": Reader.pooled,
    "parquet": Reader.parquet,
    "page": Reader.page,
}


def main() -> None:
    """Read until told to stop, then say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("published", type=Path)
    parser.add_argument("stop", type=Path)
    parser.add_argument("tables", nargs=2)
    parser.add_argument("--pause", type=float, default=0.1)
    parser.add_argument("--hold", type=float, default=20.0, help="of a pooled connection, at most")
    given = parser.parse_args()
    reader = Reader(given.published, tuple(given.tables), given.hold)
    reads = 0
    errors: list[str] = []
    while not given.stop.exists():
        try:
            KINDS[given.kind](reader)
        except Exception as error:
            if len(errors) < MOST_ERRORS:
                errors.append(f"read {reads}: {type(error).__name__}: {error}")
        reads += 1
        time.sleep(given.pause)
    print(
        json.dumps(
            {"kind": given.kind, "reads": reads, "releases": len(reader.seen), "errors": errors}
        )
    )


if __name__ == "__main__":
    main()

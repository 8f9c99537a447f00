"""A synthetic B2B company in the landing contract: any size, the same for the same seed.

Every entity gets its whole life at once, later than `as_of` too, from pseudo-random numbers that
hang on the seed and the entity's number alone (`samples/*.sql`). A landing directory is then what
was known of those lives at an instant (`samples/known/<table>.sql`); a delta is what became known
on a day. That is why a base with its deltas continues as the same company, and why neither the
number of threads nor the size of the chunks in which big companies are made changes anything.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Literal

import duckdb

from warehouse.config import path_kind
from warehouse.errors import InputError

SQL = Path(__file__).parent / "samples"
TABLES = tuple(sorted(path.stem for path in (SQL / "known").glob("*.sql")))
"""The tables of the landing contract; each has its `known/<table>.sql`."""

MANIFEST = ".sample.json"
"""Lists what a sample wrote: only a directory that holds nothing else is ever replaced."""

HISTORY_MONTHS = 30
PARQUET_FROM_DEALS = 50_001
CHUNK = 250_000
# Numbers of different kinds of entities do not overlap, so neither do their chances.
GROWTH_FROM = 500_000_000
LEADS_FROM = 700_000_000
EARLY_CUSTOMERS_FROM = 900_000_000
SHOPPERS_FROM = 950_000_000
# A lead is at most 25 business days older than its deal, and notice is given up to four weeks
# ahead: what was known at an instant depends on what begins so long after it.
FORESIGHT = timedelta(days=45)
MOST_DEALS = 100_000_000
MOST_DELTA_DAYS = 3660

# Lives that are made chunk by chunk; what a later delta needs of them is kept.
CHUNKED_LIVES = ("life_deals", "life_accounts", "life_leads", "life_activities", "life_orders")

UNCHUNKED_FIRST = (
    "users",
    "products",
    "pipeline_stages",
    "locations",
    "promotions",
    "fx_rates",
)
UNCHUNKED_LAST = (
    "subscriptions",
    "spend",
    "account_costs",
    "competitor_prices",
    "nps_responses",
    "employee_responses",
    "quotas",
)

Progress = Callable[[str], None]
FileFormat = Literal["csv", "parquet"]


@dataclass(frozen=True)
class SampleResult:
    """What was written: rows per table of the base, and the delta directories in order."""

    out_dir: Path
    rows: dict[str, int]
    delta_dirs: tuple[Path, ...] = field(default=())


def write(
    out_dir: Path,
    *,
    deals: int = 2000,
    seed: int = 1,
    as_of: datetime | None = None,
    delta_days: int = 0,
    known_at: datetime | None = None,
    file_format: FileFormat | None = None,
    threads: int | None = None,
    memory_limit: str = "4GB",
    progress: Progress | None = None,
) -> SampleResult:
    """Write the company as it was known at `as_of` to the landing directory `out_dir`.

    `as_of` is naive UTC, by default the beginning of the current day. `deals` is the number of
    deals up to `as_of`, deleted ones included. With `delta_days` the directories
    `out_dir/delta-<date>/` hold the new and changed rows of the days after `as_of`, each day ending
    at the time of day of `as_of`. `known_at` (up to `delta_days` after `as_of`) writes instead the
    same company as it was known then: what the base and the deltas up to there amount to.

    Small companies are written as CSV, those of more than 50,000 deals as Parquet, those of more
    than 250,000 in part files. An earlier sample in `out_dir` is replaced; a directory that holds
    anything else raises `InputError`. `memory_limit` bounds DuckDB, which spills beyond it.
    """
    if as_of is None:
        as_of = datetime.combine(datetime.now(UTC).date(), time())
    _validate(deals=deals, delta_days=delta_days, as_of=as_of, known_at=known_at)
    out_dir = Path(out_dir)
    _refuse_foreign_files(out_dir)
    chosen = file_format or ("parquet" if deals >= PARQUET_FROM_DEALS else "csv")
    if chosen not in ("csv", "parquet"):
        raise InputError(f"Unknown file format {chosen!r}; use csv or parquet.")
    try:
        out_dir.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out_dir.parent} cannot be made: {error.strerror}.") from error
    # Built beside its place and moved there when complete: half a company is never landed.
    partial = Path(tempfile.mkdtemp(prefix=f".{out_dir.name}.", dir=out_dir.parent))
    try:
        with tempfile.TemporaryDirectory(prefix="warehouse-sample-") as scratch:
            company = _Company(
                deals=deals,
                seed=seed,
                as_of=as_of,
                delta_days=delta_days,
                file_format=chosen,
                threads=threads,
                memory_limit=memory_limit,
                scratch=Path(scratch),
                progress=progress or (lambda message: None),
            )
            try:
                rows = company.write_base(partial, cut_at=known_at or as_of)
                deltas = company.write_deltas(partial) if delta_days and not known_at else []
            finally:
                company.close()
        _write_manifest(partial, deals=deals, seed=seed, as_of=as_of, delta_days=delta_days)
        partial.chmod(0o755)
        if out_dir.exists():
            shutil.rmtree(out_dir)
        partial.rename(out_dir)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return SampleResult(
        out_dir=out_dir, rows=rows, delta_dirs=tuple(out_dir / name for name in deltas)
    )


def _validate(*, deals: int, delta_days: int, as_of: datetime, known_at: datetime | None) -> None:
    if not 1 <= deals <= MOST_DEALS:
        raise InputError(f"A sample has 1 to {MOST_DEALS:,} deals, not {deals:,}.")
    if not 0 <= delta_days <= MOST_DELTA_DAYS:
        raise InputError(f"A sample has 0 to {MOST_DELTA_DAYS} days of deltas, not {delta_days}.")
    if as_of.tzinfo is not None:
        raise InputError("as_of of a sample is a naive UTC instant; convert it to UTC first.")
    if not 1990 <= as_of.year <= 2100:
        raise InputError(f"as_of of a sample lies between 1990 and 2100, not in {as_of.year}.")
    if known_at and not as_of <= known_at <= as_of + timedelta(days=delta_days):
        raise InputError("known_at of a sample lies between as_of and the end of its delta days.")


def _refuse_foreign_files(out_dir: Path) -> None:
    kind = path_kind(out_dir)
    if kind is None:
        return
    if kind == "file":
        raise InputError(f"{out_dir} is a file; name a directory for the sample.")
    entries = {path.name for path in out_dir.iterdir()}
    if not entries:
        return
    manifest = out_dir / MANIFEST
    written = set(json.loads(manifest.read_text())["entries"]) if manifest.is_file() else set()
    foreign = sorted(entries - written - {MANIFEST})
    if foreign:
        raise InputError(
            f"{out_dir} holds {foreign[0]}, which no sample wrote; "
            "name a new or empty directory for the sample."
        )


def _write_manifest(
    directory: Path, *, deals: int, seed: int, as_of: datetime, delta_days: int
) -> None:
    content = {
        "deals": deals,
        "seed": seed,
        "as_of": as_of.isoformat(),
        "delta_days": delta_days,
        "entries": sorted(path.name for path in directory.iterdir()),
    }
    (directory / MANIFEST).write_text(json.dumps(content, indent=2) + "\n")


class _Company:
    """The lives of one company in a scratch database, and the directories written from them."""

    def __init__(
        self,
        *,
        deals: int,
        seed: int,
        as_of: datetime,
        delta_days: int,
        file_format: FileFormat,
        threads: int | None,
        memory_limit: str,
        scratch: Path,
        progress: Progress,
    ) -> None:
        self.deals = deals
        self.as_of = as_of
        self.delta_days = delta_days
        self.file_format = file_format
        self.progress = progress
        # One file per table is what people expect; part files only where one would be too big.
        self.in_parts = deals > CHUNK
        self.parts: dict[str, int] = {}
        self.rows: dict[str, int] = dict.fromkeys(TABLES, 0)
        self.con = duckdb.connect(
            str(scratch / "company.duckdb") if self.in_parts else ":memory:",
            config={
                "memory_limit": memory_limit,
                "temp_directory": str(scratch),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        if threads is not None:
            self.con.execute(f"set threads = {int(threads)}")
        self._set_variables(seed)

    def close(self) -> None:
        self.con.close()

    def _set(self, name: str, value: object) -> None:
        self.con.execute(f"set variable {name} = ?", [value])

    def _value(self, query: str) -> object:
        row = self.con.execute(query).fetchone()
        assert row is not None
        return row[0]

    def _run(self, name: str) -> None:
        self.con.execute((SQL / f"{name}.sql").read_text(encoding="utf-8"))

    def _set_variables(self, seed: int) -> None:
        as_of, deals = self.as_of, self.deals
        first_month = date(
            as_of.year + (as_of.month - 1 - HISTORY_MONTHS) // 12,
            (as_of.month - 1 - HISTORY_MONTHS) % 12 + 1,
            1,
        )
        start_on = first_month - timedelta(days=first_month.weekday())
        horizon_at = as_of + timedelta(days=self.delta_days) + FORESIGHT
        # Deals that begin at the horizon may take three years.
        last_day_no = ((horizon_at.date() - start_on).days // 7 + 160) * 5
        growth_deals = round(0.27 * deals)
        size = deals / 2000
        orders = round(6000 * size**0.8)
        stores = min(60, 6 + deals // 20_000)
        values = {
            "seed": f" {seed}",
            "as_of": as_of,
            "start_on": start_on,
            "start_second": (start_on - date(1970, 1, 1)).days * 86_400,
            "horizon_at": horizon_at,
            "last_day_no": last_day_no,
            "last_second": last_day_no * 36_000,
            "deals": deals,
            "size": size,
            "new_deals": deals - growth_deals,
            "growth_deals": growth_deals,
            "growth_from_no": GROWTH_FROM,
            "open_leads": round(1.12 * deals),
            "lead_from_no": LEADS_FROM,
            "early_customers": max(6, round(0.03 * deals)),
            "early_from_no": EARLY_CUSTOMERS_FROM,
            "shoppers": max(5, round(0.015 * deals)),
            "shopper_from_no": SHOPPERS_FROM,
            "orders": orders,
            "promoted_from_no": GROWTH_FROM,
            "stores": stores,
            "orders_per_store_day": orders * 0.66 / stores / 780,
            "rate_weeks": ((horizon_at.date() - start_on).days + 400) // 7 + 1,
            "spend_share": 1.0,
        }
        for name, value in values.items():
            self._set(name, value)
        for name in ("macros", "calendar"):
            self._run(name)
        for series, table, weight in (
            ("new", "days", "new_weight"),
            ("growth", "days", "growth_weight"),
            ("trade", "trade_days", "weight"),
        ):
            self._set(
                f"{series}_past_weight",
                self._value(f"select sum({weight})::bigint from {table} where is_past"),
            )
        self.new_deals = deals - growth_deals
        self.growth_deals = growth_deals
        self.open_leads = round(1.12 * deals)
        self.orders = orders

    def _numbers(self, total: int, table: str, weight: str) -> Iterator[tuple[int, int]]:
        """Chunks of the numbers 1 to the last one that begins before the horizon."""
        reached = self._value(
            f"""
            select
                (sum({weight}) filter (where on_date <= getvariable('horizon_at')::date))::double
                / sum({weight}) filter (where is_past)
            from {table}
            """
        )
        last = int(total * reached) + 16 if total else 0
        for first in range(1, last + 1, CHUNK):
            self._set("first_no", first)
            self._set("end_no", min(first + CHUNK, last + 1))
            yield first, last

    # Writing

    def _known(self, table: str) -> str:
        return (SQL / "known" / f"{table}.sql").read_text(encoding="utf-8")

    def _between(self, after_at: datetime | None, cut_at: datetime) -> None:
        if after_at is None:
            self.con.execute("set variable after_at = '-infinity'::timestamp")
        else:
            self._set("after_at", after_at)
        self._set("cut_at", cut_at)

    def _copy(self, query: str, target: Path) -> int:
        options = {"csv": "format csv, header", "parquet": "format parquet, compression zstd"}
        path = str(target).replace("'", "''")
        row = self.con.execute(
            f"copy ({query}) to '{path}' ({options[self.file_format]})"
        ).fetchone()
        assert row is not None
        return row[0]

    def _add(self, table: str, directory: Path) -> None:
        """Write what the lives at hand add to a table of the base."""
        if self.in_parts:
            part = self.parts.get(table, 0) + 1
            folder = directory / table
            folder.mkdir(exist_ok=True)
            target = folder / f"part-{part:04d}.{self.file_format}"
            written = self._copy(self._known(table), target)
            if written:
                self.parts[table] = part
            else:
                target.unlink()
            self.rows[table] += written
        elif self.parts.get(table):
            self.con.execute(f"insert into base_{table} {self._known(table)}")
        else:
            self.con.execute(f"create table base_{table} as {self._known(table)}")
            self.parts[table] = 1

    def _keep_for_deltas(self, life: str) -> None:
        """Keep the lives at hand about which something becomes known in the days of the deltas."""
        if not self.delta_days:
            return
        end_at = self.as_of + timedelta(days=self.delta_days)
        begins = "known_at" if life in ("life_activities", "life_orders") else "created_at"
        ends = {
            "life_activities": "greatest(known_at, settled_at)",
            "life_orders": "known_at",
        }.get(life, "last_news_at")
        self._collect(
            f"later_{life}",
            f"select * from {life} where {ends} > ? and {begins} <= ?",
            [self.as_of, end_at],
        )
        if life == "life_deals":
            self._collect(
                "later_deal_moves",
                "select * from deal_moves where deal_no in ("
                "select deal_no from life_deals where last_news_at > ? and created_at <= ?)",
                [self.as_of, end_at],
            )

    def _collect(self, target: str, query: str, parameters: list[object]) -> None:
        exists = self._value(f"select count(*) from duckdb_tables() where table_name = '{target}'")
        verb = f"insert into {target}" if exists else f"create table {target} as"
        self.con.execute(f"{verb} {query}", parameters)

    def write_base(self, directory: Path, *, cut_at: datetime) -> dict[str, int]:
        """Make the company and write what is known at `cut_at`; returns the rows per table."""
        self._between(None, cut_at)
        for name in ("catalogue", "people", "results"):
            self._run(name)
        for table in (
            "users",
            "products",
            "pipeline_stages",
            "locations",
            "promotions",
            "fx_rates",
        ):
            self._add(table, directory)
        for first, last in self._numbers(self.new_deals, "days", "new_weight"):
            self.progress(f"deals with new customers, {first:,} of {last:,}")
            self._run("deals_new")
            self._write_deals(directory)
            self._run("accounts")
            self._write_accounts(directory)
            self._run("leads_converted")
            self._write_leads(directory)
        for first, last in self._numbers(self.open_leads, "days", "new_weight"):
            self.progress(f"leads, {first:,} of {last:,}")
            self._run("leads_open")
            self._write_leads(directory)
        self.progress("customers")
        for name in ("customers", "customer_counts"):
            self._run(name)
        self._write_accounts(directory)
        for first, last in self._numbers(self.growth_deals, "days", "growth_weight"):
            self.progress(f"renewals and expansions, {first:,} of {last:,}")
            self._run("deals_growth")
            self._write_deals(directory)
        self._run("customer_activities")
        self._write_activities(directory)
        for first, last in self._numbers(self.orders, "trade_days", "weight"):
            self.progress(f"orders, {first:,} of {last:,}")
            self._run("orders")
            self._add("orders", directory)
            self._keep_for_deltas("life_orders")
        self.progress("subscriptions, finance, surveys, quotas")
        for name in ("subscriptions", "finance", "surveys", "quotas"):
            self._run(name)
        for table in UNCHUNKED_LAST:
            self._add(table, directory)
        if not self.in_parts:
            self._write_collected(directory)
        return self.rows

    def _write_deals(self, directory: Path) -> None:
        for name in ("deals_life", "deal_results"):
            self._run(name)
        for table in ("deals", "deal_stage_history"):
            self._add(table, directory)
        self._keep_for_deltas("life_deals")
        self._run("deal_activities")
        self._write_activities(directory)

    def _write_accounts(self, directory: Path) -> None:
        for table in ("accounts", "contacts"):
            self._add(table, directory)
        self._keep_for_deltas("life_accounts")

    def _write_leads(self, directory: Path) -> None:
        for name in ("leads_life", "lead_results"):
            self._run(name)
        self._add("leads", directory)
        self._keep_for_deltas("life_leads")
        self._run("lead_activities")
        self._write_activities(directory)

    def _write_activities(self, directory: Path) -> None:
        self._add("activities", directory)
        self._keep_for_deltas("life_activities")

    def _write_collected(self, directory: Path) -> None:
        for table in TABLES:
            query = f"select * from base_{table} order by all"
            target = directory / f"{table}.{self.file_format}"
            self.rows[table] = self._copy(query, target)
            self.con.execute(f"drop table base_{table}")

    def write_deltas(self, directory: Path) -> list[str]:
        """Write what became known on each day after `as_of`; returns the directories' names."""
        for life in (*CHUNKED_LIVES, "deal_moves"):
            self.con.execute(f"drop table {life}")
            self.con.execute(f"alter table later_{life} rename to {life}")
        names = []
        for day in range(1, self.delta_days + 1):
            after_at = self.as_of + timedelta(days=day - 1)
            cut_at = self.as_of + timedelta(days=day)
            self.progress(f"changes of day {day} of {self.delta_days}")
            self._between(after_at, cut_at)
            name = f"delta-{cut_at.date().isoformat()}"
            (directory / name).mkdir()
            for table in TABLES:
                target = directory / name / f"{table}.{self.file_format}"
                # A day without any change still lands: as a table without rows.
                if not self._copy(self._known(table), target) and table != "deals":
                    target.unlink()
            names.append(name)
        return names

"""A small company full of corner cases, written in the landing contract.

About a hundred deals over two years in every format and spelling that landing accepts, and a
delta of the days after. Ids speak: what is odd about a row stands in its id. Nothing is random
between runs, nothing is rejected.

`write_edge_company(out)` writes `out/landing` and `out/delta`; the figures are those of
`oracle.compute`, never literals of this file.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import count
from pathlib import Path

import pyarrow
import pyarrow.parquet

AS_OF = datetime(2025, 5, 15, 12, 30)
AS_OF_AFTER_DELTA = datetime(2025, 6, 2)  # a Monday at midnight: May and a week end right then
FIRST_DAY = datetime(2023, 7, 3)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class EdgeCompany:
    """Where the company was written, and the instants at which to look at it."""

    landing: Path
    delta: Path
    as_of: datetime
    as_of_after_delta: datetime


def write_edge_company(out: Path) -> EdgeCompany:
    """Write the company below `out` and say where it is."""
    out = Path(out)
    landing, delta = Tables(), Tables()
    _Story(landing).tell()
    _later(landing, delta)
    landing.write(out / "landing", FORMATS)
    delta.write(out / "delta", DELTA_FORMATS)
    return EdgeCompany(out / "landing", out / "delta", AS_OF, AS_OF_AFTER_DELTA)


def at(text: str) -> datetime:
    """An instant, naive UTC."""
    return datetime.fromisoformat(text)


def on(text: str) -> date:
    """A date."""
    return date.fromisoformat(text)


# --- files in every format and spelling ----------------------------------------------------------

FORMATS = {
    "users": "csv",
    "accounts": "csv.gz",
    "contacts": "parquet",
    "leads": "jsonl.gz",
    "products": "jsonl",
    "pipeline_stages": "csv",
    "deals": "parts",
    "deal_stage_history": "parts",
    "activities": "parts",
    "quotas": "ndjson",
    "subscriptions": "csv",
    "orders": "parquet.gz",
    "locations": "jsonl",
    "nps_responses": "csv.gz",
    "employee_responses": "parquet",
    "spend": "csv",
    "account_costs": "ndjson.gz",
    "fx_rates": "csv",
    "competitor_prices": "parquet",
    "promotions": "csv",
}
DELTA_FORMATS = {
    **FORMATS,
    "leads": "parquet",
    "orders": "jsonl",
    "accounts": "parquet.gz",
    "subscriptions": "jsonl.gz",
    "employee_responses": "csv",
}
PART_FORMATS = ("csv", "jsonl.gz", "parquet", "csv.gz", "jsonl", "parquet.gz")


class Tables:
    """Rows of every table, in file order."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict]] = {}
        self.without: dict[str, set[str]] = {}

    def add(self, table: str, **values: object) -> dict:
        """Append a row and return it."""
        self.rows.setdefault(table, []).append(values)
        return values

    def write(self, directory: Path, formats: dict[str, str]) -> None:
        """One entry per table."""
        directory.mkdir(parents=True, exist_ok=True)
        for table, rows in self.rows.items():
            columns = list(dict.fromkeys(column for row in rows for column in row))
            kept = [name for name in columns if name not in self.without.get(table, ())]
            even = [{name: row.get(name) for name in kept} for row in rows]
            if formats[table] != "parts":
                _write_file(directory / f"{table}.{formats[table]}", even)
                continue
            (directory / table).mkdir(exist_ok=True)
            size = -(-len(even) // len(PART_FORMATS))
            for number, ending in enumerate(PART_FORMATS):
                part = even[number * size : (number + 1) * size]
                if part:
                    _write_file(directory / table / f"part-{number:03}.{ending}", part)


def _write_file(path: Path, rows: list[dict]) -> None:
    ending = path.name.split(".", 1)[1].removesuffix(".gz")
    content = {"csv": _csv, "parquet": _parquet}.get(ending, _json_lines)(rows)
    if path.name.endswith(".gz"):
        content = gzip.compress(content, mtime=0)
    path.write_bytes(content)


def _csv(rows: list[dict]) -> bytes:
    spell = Spelling()
    lines = io.StringIO(newline="")
    # Column order is free: turn it round, to catch whoever reads by position.
    columns = list(reversed(rows[0]))
    has_newlines = any("\n" in str(value) for row in rows for value in row.values())
    writer = csv.writer(lines, lineterminator="\n" if has_newlines else "\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([spell.text(row[column]) for column in columns])
    if not has_newlines:
        writer.writerow([])  # a blank line is no row
    return b"\xef\xbb\xbf" + lines.getvalue().encode()


def _json_lines(rows: list[dict]) -> bytes:
    spell = Spelling()
    lines = []
    for row in rows:
        pairs = (f"{json.dumps(name)}: {_json(value, spell)}" for name, value in row.items())
        lines.append("{" + ", ".join(pairs) + "}\n")
    return "".join(lines).encode()


def _json(value: object, spell: Spelling) -> str:
    """Numbers as the digits they have (json itself knows no decimals), what else has a literal as
    that, the rest as text."""
    if isinstance(value, Decimal):
        return str(value)
    if value is None or isinstance(value, int):
        return json.dumps(value)
    return json.dumps(spell.text(value), ensure_ascii=False)


def _parquet(rows: list[dict]) -> bytes:
    columns = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        if any(isinstance(value, datetime) for value in values):
            # Half of the instants with a zone, half without: both are UTC.
            zone = "UTC" if len(name) % 2 else None
            values = [value and value.replace(tzinfo=UTC if zone else None) for value in values]
            columns[name] = pyarrow.array(values, pyarrow.timestamp("us", tz=zone))
        elif any(isinstance(value, Decimal) for value in values):
            columns[name] = pyarrow.array(values, pyarrow.decimal128(28, 8))
        elif all(value is None for value in values):
            columns[name] = pyarrow.array(values, pyarrow.string())
        else:
            columns[name] = pyarrow.array(values)
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), sink)
    return sink.getvalue()


class Spelling:
    """Every allowed spelling of a value, one after the other."""

    def __init__(self) -> None:
        self.turn = count()

    def text(self, value: object) -> str:
        """The value as one of the texts that mean it."""
        turn = next(self.turn)
        if value is None:
            return ""
        if isinstance(value, bool):
            yes, no = ("true", "T", "1", "Yes"), ("false", "f", "0", "NO")
            return (yes if value else no)[turn % 4]
        if isinstance(value, datetime):
            return self._instant(value, turn % 7)
        if isinstance(value, date):
            spellings = (
                value.isoformat(),
                f"{value}T00:00:00Z",
                f"{value + DAY} 01:30:00+02:00",  # 23:30 UTC of the day meant
                f" {value} ",
            )
            return spellings[turn % 4]
        if isinstance(value, Decimal):
            return (str(value), f" {value} ", f"{value:e}")[turn % 3]
        if isinstance(value, int):
            return (str(value), f"{value}.0")[turn % 2]
        return str(value)

    @staticmethod
    def _instant(value: datetime, turn: int) -> str:
        zone = timezone(timedelta(hours=-3, minutes=-30))
        elsewhere = value.replace(tzinfo=UTC).astimezone(zone)
        if turn == 0:
            return value.isoformat() + "Z"
        if turn == 1:
            return value.isoformat(sep=" ")
        if turn == 2:
            return value.isoformat() + "+00:00"
        if turn == 3:
            return elsewhere.isoformat()
        if turn == 4:
            return elsewhere.isoformat(sep=" ", timespec="microseconds")
        if turn == 5 and not value.second and not value.microsecond:
            return value.isoformat(timespec="minutes")
        if turn == 6 and value == datetime(value.year, value.month, value.day):
            return value.date().isoformat()
        return value.isoformat(timespec="microseconds")


# --- the company ---------------------------------------------------------------------------------

SOURCES = ("web", "web ", "partner", "cold call", None)
PATH = ("qualify", "demo", "offer", "contract")
TEAMS = ("North", "South", 'Süd "Ost"')


class _Story:
    """Tells the company's two years, table by table."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.dice = random.Random(20250515)
        self.ids = count(1)

    def tell(self) -> None:
        self.things()
        self.people()
        self.accounts()
        self.ordinary_deals()
        self.odd_deals()
        self.odd_customers()
        self.recurring_revenue()
        self.leads()
        self.activities()
        self.quotas()
        self.shops()
        self.promotions()
        self.competitors()
        self.surveys()
        self.spend_and_costs()
        self.copies()

    def money(self, low: int, high: int) -> Decimal:
        return Decimal(self.dice.randrange(low * 100, high * 100)) / 100

    def moment(self, first: datetime = FIRST_DAY, last: datetime = AS_OF) -> datetime:
        seconds = self.dice.randrange(int((last - first).total_seconds()))
        return first + timedelta(seconds=seconds)

    # --- lists ---

    def things(self) -> None:
        add = self.tables.add
        for stage in (
            ("sell", "qualify", 1, "open"),
            ("sell", "demo", 2, "open"),
            ("sell", "offer", 3, "open"),
            ("sell", "contract", 3, "open"),
            ("sell", "won", 90, "won"),
            ("sell", "lost", 91, "lost"),
            ("renew", "offer", 1, "open"),
            ("renew", "demo", 5, "open"),
            ("renew", "won", 10, "won"),
            ("renew", "lost", 11, "lost"),
            ("dormant", "sleep", 1, "open"),
        ):
            add("pipeline_stages", **dict(zip(STAGE_COLUMNS, stage, strict=True)))
        for product in (
            ("p1", "Base", "platform", "400", "USD"),
            ("p2", "Plus", "platform", "99.50", "EUR"),
            ("p3", 'Gadget, "small"', "hardware", "10", None),
            ("003", "Zeros first", "hardware", "10", "JPY"),
            ("3", "No zeros", None, None, "USD"),
            ("p-no-rate", "Franc", "service", "55", "CHF"),
        ):
            product_id, name, category, price, currency = product
            add(
                "products",
                product_id=product_id,
                name=name,
                category=category,
                list_price=price and Decimal(price),
                currency=currency,
            )
        for location in (
            ("01", "Graz", "EU", "store"),
            ("1", "Lyon", "EU", "store"),
            ("flat", "Flat", "EU", "store"),
            ("flat-control", "Flat control", "EU", "store"),
            ("web", "Shop", None, "online"),
        ):
            add("locations", **dict(zip(LOCATION_COLUMNS, location, strict=True)))
        for week in range(90):  # EUR misses the first deals, JPY the first year, CHF everything
            day = on("2023-10-02") + timedelta(days=7 * week)
            add("fx_rates", currency="EUR", rate_on=day, rate=Decimal("1.05") + week % 9 / CENT)
            if week > 30:
                add("fx_rates", currency="JPY", rate_on=day, rate=Decimal("0.0065"))
        # Not of this world: the reporting currency is worth 1 whatever a table says.
        add("fx_rates", currency="USD", rate_on=on("2023-10-02"), rate=Decimal("1.5"))
        add("fx_rates", currency="EUR", rate_on=on("2025-05-16"), rate=Decimal("9"))

    def people(self) -> None:
        people = [
            # id, role, team, region, leads a day, deals a day, hired, left
            ("m1", "manager", "North", "EU", None, None, "2022-01-01", None),
            ("7", "ae", "North", "EU", None, 2, "2022-01-01", None),
            ("007", "ae", "South", "EU", None, 1, "2023-11-15", None),
            ("ae-left", "ae", "South", "US", None, 1, "2022-01-01", "2024-10-31"),
            ("ae-later", "ae", "South", "US", None, 5, "2025-05-20", None),
            ("ae-no-limit", "ae", TEAMS[2], "US", None, None, "2024-01-01", None),
            ("ae-one-day", "ae", "Guests", "US", None, 1, "2024-09-04", "2024-09-04"),
            ("ae-two-days", "ae", "Visitors", "EU", None, 1, "2024-09-04", "2024-09-05"),
            ("am", "am", "Care", "EU", None, None, None, None),
            ("b1", "bdr", "North", "EU", 1, None, "2022-01-01", None),
            ("b2", "bdr", "South", "US", 3, None, "2022-01-01", None),
            ("b-weekend", "bdr", "Weekend", "US", 3, None, "2024-06-01", "2024-06-02"),
            ("b-no-hire", "bdr", None, None, 1, None, None, "2024-03-29"),
            ("b-leaves-later", "bdr", "South", "EU", 1, None, "2023-08-01", "2025-05-30"),
            # Ten working days at one lead a day: 9, 10 and 11 leads are all "matched".
            ("b-nine", "bdr", "Nine", None, 1, None, "2024-10-07", "2024-10-18"),
            ("b-ten", "bdr", "Ten", None, 1, None, "2024-10-07", "2024-10-20"),
            ("b-eleven", "bdr", "Eleven", None, 1, None, "2024-10-05", "2024-10-18"),
            ("b-twelve", "bdr", "Twelve", None, 1, None, "2024-10-07", "2024-10-18"),
            ("b-minus", "bdr", "Minus", None, -1, None, "2024-10-07", "2024-10-18"),
            ("a-minus", "ae", "Minus", None, None, -1, "2024-10-07", "2024-10-18"),
            ("other", "sdr\nlead", "North", "EU", 9, 9, "2022-01-01", None),
            ("no-team", "am", None, "EU", None, None, "2022-01-01", None),
        ]
        people += [
            (f"q{n}", "am", "Tenfold", "EU", None, None, "2022-01-01", None) for n in range(10)
        ]
        for user_id, role, team, region, leads, deals, hired, left in people:
            self.tables.add(
                "users",
                user_id=user_id,
                full_name=f"Name of {user_id}",
                email=f"{user_id}@example.com",
                role=role,
                team=team,
                region=region,
                manager_id=None if user_id == "m1" else "m1",
                max_daily_leads=leads,
                max_daily_deals=deals,
                hired_on=hired and on(hired),
                left_on=left and on(left),
            )

    def accounts(self) -> None:
        for n in range(1, 41):
            self.account(
                f"a{n:02}",
                industry=("retail", "software", None)[n % 3],
                segment=("smb", "enterprise", "mid", None)[n % 4],
                region=("EU", "US", None)[n % 3],
                owner_id=("am", "7", "no-team", "nobody", None)[n % 5],
            )
        self.account("a-late", created_at=AS_OF + DAY)
        self.account("a-at-as-of", created_at=AS_OF)
        self.account("a-no-date", created_at=None)

    def account(self, account_id: str, **values: object) -> str:
        """An account with a contact of its own."""
        values = {
            "account_id": account_id,
            "name": f"{account_id} Ltd",
            "industry": "software",
            "segment": "smb",
            "region": "EU",
            "owner_id": "am",
            "created_at": at("2023-07-01T08:00"),
            "updated_at": at("2024-01-01"),
        } | values
        self.tables.add("accounts", **values)
        self.tables.add(
            "contacts",
            contact_id=f"c-{account_id}",
            account_id=account_id,
            email=None,
            created_at=values["created_at"],
            updated_at=None,
        )
        return account_id

    # --- deals ---

    def deal(self, deal_id: str, moves: list[tuple[str, datetime]], **values: object) -> None:
        """A deal with its stage history."""
        stage = moves[-1][0] if moves else "qualify"
        created_at = moves[0][1] if moves else at("2024-05-06T07:00")
        values = {
            "deal_id": deal_id,
            "account_id": "a01",
            "name": f'Deal "{deal_id}",\nsecond line',
            "pipeline": "sell",
            "stage": stage,
            "deal_type": "new_business",
            "source": "web",
            "product_id": "p1",
            "owner_id": "7",
            "region": None,
            "amount": Decimal("1000"),
            "currency": "USD",
            "created_at": created_at,
            "closed_at": moves[-1][1] if stage in ("won", "lost") and moves else None,
            "expected_close_on": None,
            "lost_reason": "preis zu hoch 💸" if stage == "lost" else None,
            "is_deleted": (None, False)[len(deal_id) % 2],
            "updated_at": at("2025-05-01"),
        } | values
        self.tables.add("deals", **values)
        for stage, changed_at in moves:
            self.tables.add(
                "deal_stage_history",
                change_id=f"h{next(self.ids):05}",
                deal_id=deal_id,
                stage=stage,
                changed_at=changed_at,
                changed_by=values["owner_id"],
            )

    def ordinary_deals(self) -> None:
        for n in range(70):
            begin = self.moment(last=AS_OF - 5 * DAY)
            moves, now = [(PATH[0], begin)], begin
            place = 0
            while place < 3 and self.dice.random() < 0.75:
                now += timedelta(hours=self.dice.randrange(1, 500))
                place += self.dice.choice((1, 1, 1, 2, -1)) if place else 1
                place = max(0, min(place, 3))
                moves.append((PATH[place], now))
            if self.dice.random() < 0.8:
                now += timedelta(hours=self.dice.randrange(1, 500))
                moves.append((self.dice.choice(("won", "won", "lost")), now))
            moves = [move for move in moves if move[1] <= AS_OF]
            kind = self.dice.choice(("new_business", "renewal", "upsell", "cross_sell", None))
            renews = kind == "renewal"
            if renews:
                stages = {"qualify": "offer", "contract": "demo"}
                moves = [(stages.get(stage, stage), when) for stage, when in moves]
            self.deal(
                f"{n:03}",
                moves,
                account_id=f"a{self.dice.randrange(1, 31):02}",
                pipeline="renew" if renews else "sell",
                deal_type=kind,
                source=self.dice.choice(SOURCES),
                product_id=self.dice.choice(("p1", "p2", "p3", "003", "3", None)),
                owner_id=self.dice.choice(("7", "007", "ae-left", "ae-no-limit", "am", None)),
                region=self.dice.choice(("EU", "US", "APAC", None, None)),
                amount=self.dice.choice(
                    (self.money(100, 9000), self.money(9000, 300000), self.money(500, 60000), None)
                ),
                currency=self.dice.choice(("USD", "EUR", "JPY", None)),
            )

    def odd_deals(self) -> None:
        deal, day = self.deal, at("2024-03-04T09:00")
        deal(
            "reopened-twice",
            [
                *(("qualify", day), ("lost", day + 10 * DAY), ("demo", day + 20 * DAY)),
                *(("won", day + 30 * DAY), ("contract", day + 40 * DAY)),
                ("won", day + 50 * DAY),
            ],
            closed_at=day + 10 * DAY,
        )
        for deal_id, gap in (("closed-again-in-a-day", DAY), ("closed-again-later", DAY + SECOND)):
            again = day + 3 * DAY + gap
            deal(
                deal_id,
                [
                    *(("qualify", day), ("won", day + 3 * DAY), ("offer", day + 3 * DAY + HOUR)),
                    ("won", again),
                ],
                closed_at=again - gap,
                deal_type="renewal",
            )
        deal("two-moves-at-once", [("qualify", day), ("demo", day + DAY), ("offer", day + DAY)])
        deal("all-at-once", [("qualify", day), ("demo", day), ("lost", day)])
        deal(
            "repeats",
            [
                *(("qualify", day), ("qualify", day + DAY), ("demo", day + 2 * DAY)),
                *(("demo", day + 3 * DAY), ("qualify", day + 4 * DAY)),
                ("demo", day + 14 * DAY + timedelta(microseconds=1)),
            ],
        )
        deal("lateral", [("offer", day), ("contract", day + DAY), ("offer", day + 3 * DAY)])
        month = at("2024-07-01")
        deal("month-boundary", [("qualify", month - DAY), ("demo", month), ("won", month + DAY)])
        monday = at("2024-07-08")
        deal("week-boundary", [("qualify", monday - SECOND), ("lost", monday)])
        deal("won-at-as-of", [("qualify", AS_OF - DAY), ("won", AS_OF)])
        deal("won-after-as-of", [("qualify", AS_OF - DAY), ("won", AS_OF + SECOND)])
        deal("closed-date-later", [("qualify", AS_OF - DAY), ("won", AS_OF)], closed_at=AS_OF + DAY)
        deal(
            "history-after-as-of",
            [("qualify", AS_OF + HOUR), ("demo", AS_OF + DAY)],
            created_at=AS_OF - DAY,
        )
        deal("created-at-as-of", [("qualify", AS_OF)])
        deal("created-after-as-of", [("qualify", AS_OF + DAY)])
        deal("unlisted-pipeline", [("one", day), ("two", day + DAY)], pipeline="nowhere")
        deal("unlisted-stage", [("qualify", day), ("pause", day + DAY), ("demo", day + 9 * DAY)])
        deal("won-to-lost", [("qualify", day), ("won", day + DAY), ("lost", day + 9 * DAY)])
        deal("lost-to-won", [("qualify", day), ("lost", day + DAY), ("won", day + 9 * DAY)])
        deal(
            "lost-to-won-no-date",
            [("qualify", day), ("lost", day + DAY), ("won", day + 9 * DAY)],
            closed_at=None,
        )
        deal("begins-won", [("won", day), ("demo", day + DAY), ("lost", day + 2 * DAY)])
        deal("only-won", [("won", day)], closed_at=None)
        deal("no-account", [("qualify", day), ("won", day + DAY)], account_id=None, owner_id=None)
        deal("account-nowhere", [("demo", day), ("won", day + DAY)], account_id="a-nowhere")
        deal("account-later", [("demo", day), ("won", day + DAY)], account_id="a-late")
        deal("owner-nowhere", [("demo", day), ("lost", day + DAY)], owner_id="nobody")
        deal("deleted", [("demo", day), ("won", day + DAY)], is_deleted=True)
        deal("42", [("demo", day), ("won", day + DAY)], source="numbers")
        deal("0042", [("demo", day), ("lost", day + 2 * DAY)], source="numbers")
        deal("no-history", [])
        deal("no-history-with-date", [], closed_at=day + 90 * DAY)
        deal("no-history-won", [], stage="won", closed_at=day + 90 * DAY, product_id="p2")
        deal("no-history-won-no-date", [], stage="won")
        deal("no-history-lost-later", [], stage="lost", closed_at=AS_OF + DAY)
        for outcome in ("won", "lost"):
            deal(
                f"{outcome}-before-created",
                [("qualify", day), (outcome, day + DAY)],
                closed_at=day - DAY,
                source="backwards",
            )
        deal("won-in-no-time", [("qualify", day), ("won", day)])
        deal("open-with-date", [("qualify", day), ("offer", day + DAY)], closed_at=day + DAY)
        deal("history-first", [("qualify", day), ("demo", day + DAY)], created_at=day + 5 * DAY)
        for amount in ("-5", "0", "9999.99", "10000", "50000", "250000", None):
            deal(
                f"amount-{amount}",
                [("offer", day), ("won", day + 20 * DAY)],
                amount=amount and Decimal(amount),
                deal_type="other text",
            )
        for currency in ("CHF", "eur", "JPY"):
            deal(
                f"currency-{currency}",
                [("offer", at("2024-01-02")), ("won", at("2024-01-31"))],
                currency=currency,
                account_id="a02",
            )
        self.tables.add(
            "deal_stage_history",
            change_id="h-of-no-deal",
            deal_id="no-such-deal",
            stage="won",
            changed_at=day,
            changed_by=None,
        )

    # --- customers ---

    def odd_customers(self) -> None:
        deal, account = self.deal, self.account
        close = at("2024-06-03")  # at midnight, so that whole days can be hit exactly

        def buys(name: str, when: datetime = close, **values: object) -> str:
            account(name, segment="odd", industry="odd")
            deal(f"d-{name}", [("demo", when - 9 * DAY), ("won", when)], account_id=name, **values)
            return name

        for days in (0, 182, 183):
            self.subscription(buys(f"left-after-{days}"), "2024-05-01", close + days * DAY)
        self.subscription(buys("left-before"), "2024-05-01", close - DAY)
        self.subscription(buys("never-paid"), "2024-05-01", close + DAY, mrr="0")
        buys("no-subscription")
        exactly = AS_OF - 182 * DAY
        self.subscription(buys("matured-now", exactly), "2024-12-01", None)
        self.subscription(buys("not-matured", exactly + SECOND), "2024-12-01", None)

        account("upsell-first")
        deal(
            "uf-1",
            [("demo", close - DAY), ("won", close)],
            account_id="upsell-first",
            deal_type="upsell",
            product_id="p2",
        )
        for number, kind in enumerate(("upsell", "cross_sell", "cross_sell")):
            deal(
                f"uf-more-{number}",
                [("demo", close), ("won", at("2024-07-01") + number * 40 * DAY)],
                account_id="upsell-first",
                deal_type=kind,
                product_id=("p1", "3", None)[number],
                amount=Decimal("777.77"),
            )
        for number in range(2):  # one path taken twice
            deal(
                f"uf-again-{number}",
                [("demo", close), ("won", close + (number + 1) * 100 * DAY)],
                account_id="upsell-first",
                deal_type="upsell",
                product_id="p3",
            )
        account("tie", industry=None)
        for deal_id, product in (("tie-b", "p2"), ("tie-a", "003")):
            deal(
                deal_id,
                [("demo", close - DAY), ("won", close)],
                account_id="tie",
                product_id=product,
            )
        deal(
            "tie-more",
            [("demo", close), ("won", close + 61 * DAY)],
            account_id="tie",
            deal_type="upsell",
        )
        deal(
            "upsell-nowhere",
            [("demo", close), ("won", close + DAY)],
            account_id="a-nowhere",
            deal_type="upsell",
        )
        deal(
            "upsell-no-account",
            [("demo", close), ("won", close + DAY)],
            account_id=None,
            deal_type="cross_sell",
        )
        # Customers without a deal: by the first paid subscription or the first order line.
        self.subscription(account("by-subscription", segment="hobby"), "2024-02-01", None)
        self.subscription("by-subscription", "2024-01-01", None, mrr="0")
        account("by-order", segment="hobby")
        self.order("o-by-order", "by-order", at("2024-02-10T10:00"), "15")
        account("by-order-without-rate", segment="hobby")
        self.order("o-no-rate", "by-order-without-rate", at("2024-02-10"), "15", currency="CHF")
        self.subscription(account("both", segment="hobby"), "2024-04-01", None)
        self.order("o-both", "both", at("2024-03-31T23:59:59"), "15")
        account("only-costs", segment="hobby")
        # Bought on top, by a deal's account that got its first won deal later.
        deal(
            "upsell-before-quarter",
            [("demo", close), ("won", at("2024-10-01"))],
            account_id="by-order",
            deal_type="upsell",
        )

    def subscription(
        self,
        account_id: str,
        started: str,
        ended: str | datetime | None,
        mrr: str = "100",
        currency: str | None = "USD",
    ) -> None:
        if isinstance(ended, str):
            ended = at(ended)
        self.tables.add(
            "subscriptions",
            subscription_id=f"s{next(self.ids):05}",
            account_id=account_id,
            product_id="p1",
            deal_id=None,
            mrr=Decimal(mrr),
            currency=currency,
            started_on=on(started),
            ended_on=ended and ended.date(),
        )

    def recurring_revenue(self) -> None:
        stories = {
            "one-month": [("2024-02-05", "2024-02-20", "50")],
            "same-day": [("2024-02-05", "2024-02-05", "50")],
            "to-month-end": [("2024-02-05", "2024-02-29", "50")],
            "on-boundaries": [
                *(("2024-02-01", "2024-05-01", "50"), ("2024-05-01", "2024-07-01", "80")),
                ("2024-07-01", None, "30"),
            ],
            "comes-back": [("2024-02-05", "2024-04-10", "50"), ("2024-08-02", None, "60")],
            "short-gap": [("2024-02-05", "2024-04-10", "50"), ("2024-04-20", None, "50")],
            "split": [
                *(("2024-02-05", "2024-06-01", "60.3"), ("2024-06-01", None, "40.2")),
                ("2024-06-01", None, "20.1"),
            ],
            "free": [("2024-02-05", None, "0")],
            "discounted-away": [("2024-02-05", None, "90"), ("2024-05-05", "2024-09-09", "-90")],
            "ends-at-as-of": [("2024-02-05", "2025-05-15", "45")],
            "ends-after-as-of": [("2024-02-05", "2025-05-16", "45")],
            "starts-after-as-of": [("2025-05-16", None, "45")],
        }
        for name, spans in stories.items():
            self.account(name, segment="mid")
            for started, ended, mrr in spans:
                self.subscription(name, started, ended, mrr)
        # A discount of all of it in another currency, and one that outlives what it is a discount of.
        name = self.account("given-away", segment="given-away")
        for mrr in ("33.33", "66.67", "-100"):
            self.subscription(name, "2024-02-05", None, mrr, "EUR")
        name = self.account("owes-us", segment="owes-us")
        self.subscription(name, "2024-01-10", "2024-03-01", "100")
        self.subscription(name, "2024-01-10", "2024-05-10", "-20")
        self.subscription(name, "2024-05-10", None, "-10")
        for currency in ("EUR", "JPY", "CHF", None):
            name = self.account(f"pays-{currency}", segment="enterprise", region="US")
            self.subscription(name, "2023-08-15", None, "1000", currency)
        # A moving currency and a real expansion in one month.
        self.subscription("pays-EUR", "2024-06-10", None, "250", "EUR")
        self.subscription("a-nowhere", "2024-02-05", None, "33")
        self.subscription("a-late", "2024-03-05", None, "34")
        for n in range(1, 25):
            start = self.moment(at("2024-01-01"), at("2025-01-01")).date()
            end = start + timedelta(days=self.dice.randrange(20, 400))
            self.subscription(
                f"a{n:02}",
                start.isoformat(),
                datetime(end.year, end.month, end.day) if n % 3 else None,
                str(self.money(20, 900)),
                self.dice.choice(("USD", "EUR", "JPY", None)),
            )

    # --- leads and activities ---

    def lead(self, lead_id: str, created_at: datetime, **values: object) -> str:
        self.tables.add(
            "leads",
            **{
                "lead_id": lead_id,
                "created_at": created_at,
                "source": "web",
                "campaign": None,
                "owner_id": "b1",
                "region": "EU",
                "became_mql_at": None,
                "became_sql_at": None,
                "disqualified_at": None,
                "converted_at": None,
                "converted_account_id": None,
                "converted_contact_id": None,
                "converted_deal_id": None,
                "updated_at": at("2025-05-01"),
            }
            | values,
        )
        return lead_id

    def activity(self, kind: str, occurred_at: datetime, **values: object) -> None:
        self.tables.add(
            "activities",
            **{
                "activity_id": f"x{next(self.ids):06}",
                "activity_type": kind,
                "direction": "outbound",
                "user_id": "b1",
                "lead_id": None,
                "contact_id": None,
                "account_id": None,
                "deal_id": None,
                "created_at": occurred_at,
                "occurred_at": occurred_at,
                "reply_sentiment": None,
                "meeting_status": None,
            }
            | values,
        )

    def leads(self) -> None:
        dice = self.dice
        for n in range(90):
            created = self.moment()
            mql = created + timedelta(hours=dice.randrange(1, 400)) if n % 2 else None
            sql = mql + timedelta(hours=dice.randrange(1, 400)) if mql and n % 3 else None
            lead_id = self.lead(
                f"{n:03}",
                created,
                source=dice.choice(SOURCES),
                campaign=dice.choice(("spring", "fair", None)),
                owner_id=dice.choice(("b1", "b2", "b-leaves-later", "b-no-hire", None)),
                region=dice.choice(("EU", "US", None)),
                became_mql_at=mql,
                became_sql_at=sql,
                converted_deal_id=f"{n % 70:03}" if n % 4 == 1 else None,
                converted_contact_id=f"c-a{n % 40 + 1:02}" if n % 4 == 1 else None,
                converted_account_id=f"a{n % 40 + 1:02}" if n % 8 == 1 else None,
            )
            user = dice.choice(("b1", "b2", "b-leaves-later", "7", "nobody", None))
            now = created + timedelta(minutes=dice.randrange(1, 2000))
            for _ in range(dice.randrange(0, 7)):
                kind = dice.choice(("call", "email", "email", "chat"))
                self.activity(kind, now, lead_id=lead_id, user_id=user)
                if dice.random() < 0.3:
                    mood = dice.choice(("positive", "negative", "neutral", None))
                    self.activity(
                        *(dice.choice(("email", "call", "chat")), now + 3 * HOUR),
                        lead_id=lead_id,
                        user_id=user,
                        direction="inbound",
                        reply_sentiment=mood,
                    )
                if dice.random() < 0.25:
                    self.meeting(now + 5 * HOUR, lead_id=lead_id, user_id=user)
                now += timedelta(hours=dice.randrange(2, 300))
        created = at("2024-05-06T10:00")
        self.lead("touched-before", created)
        self.activity("email", created - DAY, lead_id="touched-before", user_id="7")
        self.activity("email", created, lead_id="touched-before")
        for name, wait in (("in-5-minutes", 5 * MINUTE), ("a-moment-late", 5 * MINUTE + SECOND)):
            self.lead(name, created)
            self.activity("call", created + wait, lead_id=name)
        for name, age in (("young", 4), ("due-now", 5), ("due", 6)):
            self.lead(name, AS_OF - age * MINUTE)
        self.lead("young-but-answered", AS_OF - 2 * MINUTE)
        self.activity("chat", AS_OF, lead_id="young-but-answered")
        self.lead("sql-first", created, became_mql_at=created + DAY, became_sql_at=created)
        self.lead("sql-at-once", created, became_mql_at=created, became_sql_at=created)
        self.lead("sql-later", created, became_mql_at=created, became_sql_at=AS_OF + DAY)
        self.lead("mql-later", created, became_mql_at=AS_OF + SECOND)
        self.lead("after-as-of", AS_OF + HOUR, converted_contact_id="c-a01")
        self.activity("email", AS_OF - HOUR, lead_id="after-as-of")
        self.lead("at-as-of", AS_OF)
        won_at = at("2024-03-05T09:00")  # when deal 42 was won
        for name, deal_id in (
            *(("to-won", "42"), ("to-lost", "0042"), ("to-deleted", "deleted")),
            *(("to-missing", "no-such-deal"), ("to-open", "no-history")),
        ):
            self.lead(name, won_at - 30 * DAY, converted_deal_id=deal_id, converted_at=won_at)
            for day in range(3):
                self.activity("email", won_at - day * DAY, lead_id=name, user_id="b2")
        self.lead("won-untouched", won_at - DAY, converted_deal_id="42")
        self.activity("call", won_at + DAY, lead_id="won-untouched")
        for touches in (19, 20, 25):
            for deal_id in (None, "42"):
                name = self.lead(f"{touches}-touches-{deal_id}", created, converted_deal_id=deal_id)
                for n in range(touches):
                    self.activity("email", won_at - (n + 1) * HOUR, lead_id=name, user_id="b2")
        for owner, mqls in (
            *(("b-nine", 9), ("b-ten", 10), ("b-eleven", 11), ("b-twelve", 12)),
            ("b-no-hire", 2),
        ):
            for n in range(mqls):
                when = at("2024-10-10T12:00") + n * HOUR
                self.lead(f"{owner}-{n}", when - DAY, owner_id=owner, became_mql_at=when)
        for user, kind in (("ae-one-day", "won"), ("ae-two-days", "won")):
            for n in range(2):
                day = at("2024-09-10") + n * DAY
                self.deal(f"{user}-{n}", [("demo", day - DAY), (kind, day)], owner_id=user)

    def meeting(self, occurred_at: datetime, **values: object) -> None:
        self.activity(
            self.dice.choice(("meeting", "video_meeting")),
            occurred_at,
            **{
                "created_at": occurred_at - 4 * HOUR,
                "direction": self.dice.choice(("outbound", "inbound", None)),
                "meeting_status": self.dice.choice(("held", "accepted", "no_show", None)),
            }
            | values,
        )

    def activities(self) -> None:
        activity = self.activity
        when = at("2024-11-05T10:00")
        statuses = ("scheduled", "accepted", "declined", "held", "no_show", "cancelled", None)
        for kind in ("meeting", "video_meeting"):
            for direction in ("outbound", "inbound", None):
                for status in statuses:
                    activity(
                        *(kind, when),
                        direction=direction,
                        meeting_status=status,
                        contact_id="c-a03",
                        user_id="7",
                    )
                    when += HOUR
        activity("call", when, direction=None, contact_id="c-a03")
        activity("call", when, meeting_status="cancelled", contact_id="c-a03")
        # Booked before as_of, takes place after; logged after as_of, took place before.
        activity("meeting", AS_OF + DAY, created_at=AS_OF, contact_id="c-a04")
        activity("email", AS_OF + DAY, created_at=AS_OF - HOUR, contact_id="c-a04")
        activity("email", AS_OF + DAY, created_at=AS_OF, direction="inbound", contact_id="c-a04")
        activity("email", AS_OF - DAY, created_at=AS_OF + SECOND, contact_id="c-a04")
        activity("email", AS_OF, contact_id="c-a04")
        activity("call", when, created_at=None, contact_id="c-a05")
        activity("call", AS_OF + SECOND, created_at=None, contact_id="c-a05")
        # Whose account is it?
        self.tables.add("contacts", contact_id="c-none", account_id=None, created_at=None)
        self.tables.add(
            "contacts", contact_id="c-first", account_id="a05", created_at=at("2019-11-15T08:00")
        )
        self.tables.add(
            "contacts",
            contact_id="c-later",
            account_id="a05",
            created_at=AS_OF + DAY,
            updated_at=AS_OF + DAY,
        )
        self.lead("to-account", at("2024-01-01"), converted_account_id="a06")
        self.lead("no-source", at("2024-01-01"), source=None)
        for chain in (
            {"account_id": "a07", "deal_id": "42", "contact_id": "c-a08"},
            {"account_id": "a-nowhere", "deal_id": "42"},
            {"deal_id": "42", "contact_id": "c-a08", "lead_id": "to-account"},
            {"deal_id": "deleted", "contact_id": "c-a08"},
            {"deal_id": "no-account", "contact_id": "c-a08"},
            {"deal_id": "created-after-as-of", "contact_id": "c-a08"},
            {"deal_id": "account-nowhere", "contact_id": "c-a08"},
            {"contact_id": "c-none", "lead_id": "to-account"},
            {"contact_id": "c-later", "lead_id": "to-account"},
            {"contact_id": "no-such-contact", "lead_id": "to-account"},
            {"lead_id": "to-account"},
            {"lead_id": "no-source", "deal_id": "0042"},
            {"lead_id": "no-such-lead"},
            {"lead_id": "after-as-of"},
            {"user_id": "nobody"},
            {"user_id": None, "deal_id": "001"},
        ):
            activity("call", when, **chain)
            activity("email", when, direction="inbound", reply_sentiment="positive", **chain)
        # Four weeks with outreach suggest a number, three do not.
        for user, weeks in (("q0", 5), ("q1", 4)):
            for week in range(weeks):
                monday = at("2024-08-05T08:00") + week * 7 * DAY
                for n in range(week + 2):
                    activity("email", monday, user_id=user, contact_id=f"person-{n}")
                    activity("chat", monday + HOUR, user_id=user, contact_id=f"person-{n}")
                for n in range(week):
                    self.meeting(monday + DAY, user_id=user, contact_id=f"person-{n}")
        # Outreach, appointment and replies around a period's first outreach, to one person each.
        first = at("2024-12-03T12:00")
        for n, gap in enumerate((-SECOND, timedelta(0), SECOND, 7 * DAY, 31 * DAY)):
            name = self.lead(f"gap-{n}", first - DAY, owner_id="q2", source="gaps")
            activity("email", first, lead_id=name, user_id="q2")
            activity("call", first + 2 * DAY, lead_id=name, user_id="q3")
            self.meeting(first + gap + DAY, created_at=first + gap, lead_id=name, user_id="q4")
            for mood in ("positive", "negative")[: n % 2 + 1]:
                activity(
                    *("email", first + gap),
                    direction="inbound",
                    reply_sentiment=mood,
                    lead_id=name,
                    user_id="q2",
                )
        # Touches of deals and of customers, around the closing and the 90 days.
        closed = at("2024-03-05T09:00")
        for gap in (-DAY, timedelta(0), DAY):
            for kind in ("call", "email", "chat", "meeting", "video_meeting"):
                activity(kind, closed + gap, deal_id="42", user_id="7", meeting_status=None)
        for gap in (-SECOND, timedelta(0), SECOND):
            activity("call", AS_OF - 90 * DAY + gap, account_id="by-subscription")
            activity("call", at("2024-02-01") + gap, account_id="by-subscription")
        for n in range(60):
            activity(
                self.dice.choice(("call", "email", "meeting")),
                self.moment(),
                account_id=f"a{self.dice.randrange(1, 41):02}",
                deal_id=f"{self.dice.randrange(70):03}" if n % 2 else None,
                user_id=self.dice.choice(("am", "7", "007")),
            )

    def quotas(self) -> None:
        def quota(user_id, metric, grain, start, target):
            self.tables.add(
                "quotas",
                user_id=user_id,
                metric=metric,
                period_grain=grain,
                period_start=on(start),
                target=Decimal(target),
            )

        for month in ("2024-01-01", "2024-04-01", "2024-07-01", "2025-05-01", "2025-06-01"):
            for user_id in ("7", "007", "ae-left"):
                quota(user_id, "won_amount", "month", month, "9000")
                quota(user_id, "won_amount", "quarter", month, "40000")
                quota(user_id, "new_deals", "quarter", month, "3")
        quota("7", "new_deals", "month", "2024-03-01", "0")
        quota("007", "new_deals", "month", "2024-03-15", "1")  # inside the month: counts for it
        quota("007", "new_deals", "month", "2024-03-01", "1.5")
        quota("nobody", "new_leads", "month", "2024-03-01", "2")
        quota("no-team", "new_leads", "month", "2024-03-01", "1")
        # Exactly 3 and 9 of 10 reach it: both are "ok", neither too high nor too low.
        for month, reached in (("2024-02-01", 3), ("2024-03-01", 9), ("2024-04-01", 10)):
            for n in range(10):
                quota(f"q{n}", "new_leads", "month", month, "1")
                if n < reached:
                    self.lead(f"{month}-{n}", at(month) + 5 * DAY, owner_id=f"q{n}")

    # --- shops ---

    def order(
        self, order_id: str, account_id: str | None, when: datetime, amount: str, **values: object
    ) -> None:
        self.tables.add(
            "orders",
            **{
                "order_id": order_id,
                "line_number": 1,
                "account_id": account_id,
                "location_id": "01",
                "channel": "in_store",
                "product_id": "p3",
                "quantity": Decimal(1),
                "amount": Decimal(amount),
                "currency": "USD",
                "ordered_at": when,
                "promotion_id": None,
            }
            | values,
        )

    def shops(self) -> None:
        dice = self.dice
        for n in range(260):
            self.order(
                f"o{n // 2:04}",
                dice.choice((None, None, "a31", "a32", "a33", "a-nowhere")),
                self.moment(),
                str(self.money(5, 300)),
                line_number=n % 2 + 1,
                location_id=dice.choice(("01", "1", "web", "nowhere", None)),
                channel=dice.choice(("in_store", "online", None)),
                product_id=dice.choice(("p3", "003", "3", "no-such-product", None)),
                quantity=dice.choice((Decimal(1), Decimal("2.5"), None)),
                currency=dice.choice(("USD", "EUR", "JPY", "CHF", None)),
                promotion_id="whole-store" if n % 50 == 0 else None,
            )
        self.order("o-return", "a31", at("2024-04-10"), "-50", quantity=Decimal(-2))
        # Two locations share the first place; what they sold cancels out with a third.
        quiet = at("2023-07-05T08:00")
        for location, amount in (("01", "70"), ("1", "70"), ("web", "-140")):
            self.order(f"o-tie-{location}", None, quiet, amount, location_id=location)
        self.order("o-at-as-of", None, AS_OF, "12")
        self.order("o-after", None, AS_OF + SECOND, "999")
        # Sold and taken back: no units, no price of our own.
        for amount, pieces in (("20", 2), ("-20", -2)):
            self.order(
                *(f"o-net-{pieces}", None, at("2025-02-04"), amount),
                product_id="p2",
                quantity=Decimal(pieces),
            )

    def promotions(self) -> None:
        add = self.tables.add

        def promotion(promotion_id, product, place, control, starts, ends):
            add(
                "promotions",
                promotion_id=promotion_id,
                name=f'"{promotion_id}"',
                product_id=product,
                location_id=place,
                control_location_id=control,
                starts_on=on(starts),
                ends_on=on(ends),
            )

        promotion("one-day", "p3", "01", "1", "2024-04-10", "2024-04-10")
        promotion("two-days", None, "01", "1", "2024-04-10", "2024-04-11")
        promotion("no-control", None, "web", None, "2024-05-01", "2024-06-30")
        promotion("whole-store", None, "01", "1", "2024-05-01", "2024-07-31")
        promotion("no-such-control", "003", "1", "nowhere", "2024-05-01", "2024-06-15")
        promotion("ends-at-as-of", None, "01", "1", "2025-05-01", "2025-05-15")
        promotion("running", None, "01", "1", "2025-05-01", "2025-05-16")
        promotion("not-begun", None, "01", "1", "2025-05-16", "2025-05-20")
        promotion("silent", "p-no-rate", "01", "1", "2024-05-01", "2024-05-09")
        promotion("flat", "p1", "flat", "flat-control", "2024-02-06", "2024-02-10")
        promotion("new-store", "p2", "flat", "flat-control", "2024-03-06", "2024-03-12")
        promotion("long", "3", "flat", "flat-control", "2024-07-01", "2024-10-31")
        for n in range(10):
            day = at("2024-02-01T10:00") + n * DAY
            self.order(
                *(f"flat-{n}", None, day, "140" if n >= 5 else "100"),
                location_id="flat",
                product_id="p1",
            )
        for n in range(5):
            day = at("2024-03-06T10:00") + n * DAY
            self.order(
                *(f"new-{n}", None, day, str(10 + n * n)), location_id="flat", product_id="p2"
            )
        # As noisy before as during: more than 200 degrees of freedom, so the normal 1.96.
        for n in range(246):
            day = at("2024-02-29T10:00") + n * DAY
            self.order(
                *(f"long-{n}", None, day, str(100 + (n * 37) % 50)),
                location_id="flat",
                product_id="3",
            )
            if n % 3 == 0:
                self.order(
                    *(f"long-c-{n}", None, day, str(20 + (n * 11) % 30)),
                    location_id="flat-control",
                    product_id="3",
                )

    def competitors(self) -> None:
        def price(competitor, product_id, day, value, currency="USD"):
            self.tables.add(
                "competitor_prices",
                competitor=competitor,
                product_id=product_id,
                observed_on=on(day),
                price=Decimal(value),
                currency=currency,
            )

        for n in range(60):
            day = self.moment().date().isoformat()
            price(f"rival {n % 3}", ("p3", "003", "3")[n % 2], day, str(self.money(2, 90)))
        # p1 is not sold in shops in 2025, its list price is 400. One week each: no gap, a hair of
        # one, 5 % to a hair, more than that, cheaper than they are, a price of nothing.
        for day, value in (
            *(("2025-01-06", "400"), ("2025-01-13", "399.99999998"), ("2025-01-20", "380.9523808")),
            *(("2025-01-27", "380.952"), ("2025-02-03", "500"), ("2025-02-10", "0")),
            *(("2025-03-03", "390"), ("2025-05-14", "395")),
        ):
            price("list", "p1", day, value)
        price("no rate", "p1", "2025-01-06", "400", "CHF")
        price("net of returns", "p2", "2025-02-05", "90", "EUR")
        price("no list price", "3", "2023-07-07", "9")
        price("no list rate", "p-no-rate", "2024-05-05", "50")
        price("unlisted", "no-such-product", "2024-05-05", "50")
        price("future", "p1", "2025-05-16", "1")

    # --- surveys and spend ---

    def surveys(self) -> None:
        numbers = count(1)

        def nps(account_id, sent_at, responded_at, score, wave="odd"):
            self.tables.add(
                "nps_responses",
                response_id=f"n{next(numbers):03}",
                account_id=account_id,
                contact_id=account_id and f"c-{account_id}",
                wave=wave,
                sent_at=sent_at,
                responded_at=responded_at,
                score=score,
                comment=None if score is None else 'said "so",\nand left',
            )

        for n in range(60):
            sent = at("2024-03-01T09:00") + (n % 5) * 91 * DAY
            answered = n % 3 != 0
            nps(
                f"a{n % 40 + 1:02}",
                sent,
                sent + timedelta(hours=n * 20) if answered else None,
                n % 11 if answered else None,
                f"wave {n % 5}",
            )
        began = at("2024-02-01")  # when by-subscription became a customer
        for gap in (90 * DAY, 90 * DAY - SECOND, -DAY):
            nps("by-subscription", began + gap - HOUR, began + gap, 9)
        for account_id in (None, "a-nowhere", "only-costs"):
            nps(account_id, at("2024-09-01"), at("2024-10-01"), 10)
        nps("by-order", AS_OF - DAY, AS_OF + SECOND, 3)
        nps("by-order", AS_OF, None, None)
        nps("by-order", AS_OF + SECOND, None, None)
        nps("both", at("2023-07-05"), at("2023-07-05"), 10)  # one answer: no margin of error

        answers = count(1)

        def employees(wave, when, question, teams):
            for team, people in teams.items():
                for n in range(people):
                    self.tables.add(
                        "employee_responses",
                        response_id=f"e{next(answers):04}",
                        wave=wave,
                        team=team,
                        responded_at=when + n * HOUR,
                        question=question,
                        rating=(n * 7 + people) % 5 + 1,
                        comment="so-so" if n % 2 else None,
                    )

        spring, autumn = at("2024-04-10T09:00"), at("2024-10-31T22:30")
        employees("w1", spring, "alone", {"North": 4, "South": 7, TEAMS[2]: 6, "Care": 6})
        employees("w1", spring, "pair", {"North": 4, "South": 3, "Care": 6})
        employees("w1", spring, "none", {"North": 5, "South": 6, None: 5})
        employees("w1", spring, "only", {"North": 4})
        employees("w1", spring, "nobody else", {"North": 1, "South": 5, None: 9})
        employees("w2", autumn, "alone", {"North": 9, None: 2, "South": 9})
        employees("w2", AS_OF - 2 * HOUR, "pair", {"North": 8, "South": 5})

    def spend_and_costs(self) -> None:
        numbers = count(1)

        def spend(day, amount, segment=None, department="marketing", currency="USD"):
            self.tables.add(
                "spend",
                spend_id=f"sp{next(numbers):03}",
                spent_on=on(day),
                department=department,
                source=("web", None)[len(day + amount) % 2],
                segment=segment,
                amount=Decimal(amount),
                currency=currency,
            )

        spend("2023-01-10", "500")  # nobody became a customer in that quarter
        spend("2023-01-10", "40", "smb")
        for quarter, amount in SPEND.items():
            for n, segment in enumerate(("smb", "enterprise", None, "nobody has it")):
                share = Decimal(amount) * (n + 1) / 10
                spend(quarter, str(share), segment, ("sales", "marketing")[n % 2])
        spend("2024-04-20", "-25.5", "smb")
        spend("2024-04-20", "99", "smb", currency="CHF")
        spend("2024-04-20", "10", currency="EUR")
        spend("2025-05-15", "77")
        spend("2025-05-16", "7777")

        def cost(account_id, day, kind, amount, currency="USD"):
            self.tables.add(
                "account_costs",
                account_id=account_id,
                incurred_on=on(day),
                cost_type=kind,
                amount=Decimal(amount),
                currency=currency,
            )

        for n in range(1, 31):
            cost(f"a{n:02}", f"2024-{n % 12 + 1:02}-15", "support", str(self.money(5, 90)))
            cost(f"a{n:02}", "2025-01-15", "onboarding", str(self.money(5, 90)), "EUR")
        cost("by-order", "2024-03-01", "support", "4")
        cost("only-costs", "2024-03-01", "support", "4")
        cost("a-nowhere", "2024-03-01", "support", "4")
        cost("both", "2024-05-01", "support", "9000")
        cost("both", "2024-05-01", "gifts", "10", "CHF")
        cost("both", "2025-05-16", "support", "9000")

    # --- more than once in one load ---

    def copies(self) -> None:
        rows = self.tables.rows
        for table in ("deals", "accounts", "leads", "activities", "orders", "spend"):
            rows[table] += [dict(rows[table][3]), dict(rows[table][5])]
        # An older version comes later in the file, a newer one earlier; a null is older than any.
        deals = rows["deals"]
        deals.append(deals[7] | {"amount": Decimal("-999"), "updated_at": at("2024-01-01")})
        deals.append(deals[8] | {"amount": Decimal("-998"), "updated_at": None})
        newest = deals[9] | {"amount": Decimal("1234.56"), "updated_at": at("2025-05-02")}
        deals.insert(0, newest)
        # Equal updated_at, or none at all: the last in file order.
        deals.append(deals[11] | {"amount": Decimal("4321.5")})
        orders = rows["orders"]
        orders.insert(0, orders[12] | {"amount": Decimal("-996")})
        for row in rows["deals"]:
            row["crm_url"] = f"https://crm.example/{row['deal_id']}"


STAGE_COLUMNS = ("pipeline", "stage", "position", "outcome")
LOCATION_COLUMNS = ("location_id", "name", "region", "kind")
CENT = Decimal(100)
# Chosen so that the magic number gives every signal (once exactly 1, which is still `efficient`);
# the third quarter of 2024 spends nothing.
SPEND = {
    "2023-07-20": "17200",
    "2023-10-20": "6000",
    "2024-01-20": "30000",
    "2024-04-20": "4000",
    "2024-10-20": "6500",
    "2025-01-20": "4000",
    "2025-04-20": "4000",
}


# --- the days after ------------------------------------------------------------------------------


def _later(landing: Tables, delta: Tables) -> None:
    """What a delta brings: new rows, changes, late history, and versions that are too old."""
    known = {
        table: {next(iter(row.values())): row for row in rows}
        for table, rows in landing.rows.items()
    }
    new, old = at("2025-05-20"), at("2023-12-31")
    deals, leads, users = known["deals"], known["leads"], known["users"]

    def move(change_id, deal_id, stage, changed_at):
        delta.add(
            "deal_stage_history",
            change_id=change_id,
            deal_id=deal_id,
            stage=stage,
            changed_at=changed_at,
            changed_by=None,
        )

    def deal(deal_id, **changes):
        row = {name: value for name, value in deals[deal_id].items() if name != "crm_url"}
        delta.add("deals", **row | {"updated_at": new} | changes)

    deal("won-after-as-of")
    deal("two-moves-at-once", stage="won", closed_at=at("2025-05-18T10:00"))
    move("d1", "two-moves-at-once", "won", at("2025-05-18T10:00"))
    move("d2", "lateral", "lost", at("2025-05-19T10:00"))
    deal("lateral", stage="lost", closed_at=at("2025-05-19T10:00"))
    move("d3", "no-history", "demo", at("2024-06-01"))  # late history of the past
    move("d4", "month-boundary", "offer", at("2024-07-01T12:00"))
    move("d5", "reopened-twice", "lost", at("2025-06-01T23:59:59"))
    move("d6", "only-won", "qualify", at("2024-03-01"))
    deal("42", is_deleted=True)
    deal("deleted", is_deleted=False)
    deal("0042", owner_id="007", amount=Decimal("5000"), source="renamed")
    deal("001", amount=Decimal("-995"), updated_at=old)
    deal("002", amount=Decimal("-994"), updated_at=None)
    tie = deals["003"]["updated_at"]  # equal: the later load wins
    deal("003", updated_at=tie, amount=Decimal("123.45"), currency=None)
    deal("004", updated_at=deals["004"]["updated_at"])
    delta.add(
        "deals",
        **{name: value for name, value in deals["005"].items() if name != "crm_url"}
        | {"deal_id": "new-deal", "created_at": at("2025-05-21"), "updated_at": new},
    )
    move("d7", "new-deal", "qualify", at("2025-05-21"))
    first_move = landing.rows["deal_stage_history"][0]
    delta.add("deal_stage_history", **first_move | {"changed_by": "somebody else"})

    # These two tables come without a column: its values stay.
    for account_id in ("a01", "a02", "a-late"):
        delta.add(
            "accounts",
            **known["accounts"][account_id]
            | {"owner_id": "007", "industry": "lost", "updated_at": new},
        )
    delta.add("accounts", **known["accounts"]["a03"] | {"segment": "stale", "updated_at": old})
    delta.without["accounts"] = {"industry"}
    delta.add("products", **known["products"]["p1"] | {"list_price": Decimal("410")})
    delta.without["products"] = {"category"}

    delta.add("users", **users["b2"] | {"team": "North"})
    delta.add("users", **users["7"] | {"left_on": on("2025-05-31")})
    delta.add("leads", **leads["young"] | {"became_mql_at": AS_OF + DAY, "updated_at": new})
    delta.add("leads", **leads["gap-0"] | {"source": "stale", "updated_at": old})
    delta.add("leads", **leads["to-open"] | {"converted_deal_id": "month-boundary"})
    for subscription in landing.rows["subscriptions"][-3:]:
        delta.add("subscriptions", **subscription | {"ended_on": on("2025-05-31")})
    delta.add("subscriptions", **landing.rows["subscriptions"][0])
    answers = landing.rows["nps_responses"]
    delta.add("nps_responses", **answers[0] | {"responded_at": new, "score": 10})
    delta.add("nps_responses", **answers[-3] | {"responded_at": new, "score": 0})
    orders = landing.rows["orders"]
    delta.add("orders", **orders[20] | {"amount": Decimal("64.25")})
    delta.add("orders", **orders[21])
    delta.add("orders", **orders[22] | {"order_id": "o-new", "ordered_at": at("2025-05-30")})
    activities = landing.rows["activities"]
    for n in range(6):
        when = at("2025-05-26T09:00") + n * HOUR
        delta.add(
            "activities",
            **activities[n] | {"activity_id": f"new-{n}", "created_at": when, "occurred_at": when},
        )
    booked = next(row for row in activities if row["meeting_status"] == "scheduled")
    delta.add("activities", **booked | {"meeting_status": "held"})
    delta.add("fx_rates", currency="EUR", rate_on=on("2024-05-06"), rate=Decimal("2"))
    delta.add("fx_rates", currency="CHF", rate_on=on("2025-05-20"), rate=Decimal("1.1"))
    delta.add("spend", **landing.rows["spend"][3] | {"segment": "mid"})
    delta.add("quotas", **landing.rows["quotas"][0] | {"target": Decimal("1")})
    delta.add("employee_responses", **landing.rows["employee_responses"][0] | {"rating": 5})

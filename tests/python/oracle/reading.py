"""Landing directories -> the current, typed rows of every table, following the upsert rules.

Rows that the contract rejects are left out and named in `Landing.rejects`. Only what a refresh
would accept is expected here: a file that cannot be read at all raises whatever it raises.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet

# table: column:kind, ...   `!` primary key, `*` required (a key is required too)
CONTRACT_TEXT = """
users: user_id:text! full_name:text email:text role:text* team:text region:text manager_id:text \
max_daily_leads:integer max_daily_deals:integer hired_on:date left_on:date
accounts: account_id:text! name:text industry:text segment:text region:text owner_id:text \
created_at:timestamp updated_at:timestamp
contacts: contact_id:text! account_id:text email:text created_at:timestamp updated_at:timestamp
leads: lead_id:text! created_at:timestamp* source:text campaign:text owner_id:text region:text \
became_mql_at:timestamp became_sql_at:timestamp disqualified_at:timestamp converted_at:timestamp \
converted_account_id:text converted_contact_id:text converted_deal_id:text updated_at:timestamp
products: product_id:text! name:text* category:text list_price:number currency:text
pipeline_stages: pipeline:text! stage:text! position:integer* outcome:text*
deals: deal_id:text! account_id:text name:text pipeline:text* stage:text* deal_type:text \
source:text product_id:text owner_id:text region:text amount:number currency:text \
created_at:timestamp* closed_at:timestamp expected_close_on:date lost_reason:text \
is_deleted:boolean updated_at:timestamp
deal_stage_history: change_id:text! deal_id:text* stage:text* changed_at:timestamp* changed_by:text
activities: activity_id:text! activity_type:text* direction:text user_id:text lead_id:text \
contact_id:text account_id:text deal_id:text created_at:timestamp occurred_at:timestamp* \
reply_sentiment:text meeting_status:text
quotas: user_id:text! metric:text! period_grain:text! period_start:date! target:number*
subscriptions: subscription_id:text! account_id:text* product_id:text deal_id:text mrr:number* \
currency:text started_on:date* ended_on:date
orders: order_id:text! line_number:integer! account_id:text location_id:text channel:text \
product_id:text quantity:number amount:number* currency:text ordered_at:timestamp* \
promotion_id:text
locations: location_id:text! name:text region:text kind:text
nps_responses: response_id:text! account_id:text contact_id:text wave:text sent_at:timestamp* \
responded_at:timestamp score:integer comment:text
employee_responses: response_id:text! wave:text* team:text responded_at:timestamp* question:text* \
rating:integer* comment:text
spend: spend_id:text! spent_on:date* department:text* source:text segment:text amount:number* \
currency:text
account_costs: account_id:text! incurred_on:date! cost_type:text! amount:number* currency:text
fx_rates: currency:text! rate_on:date! rate:number*
competitor_prices: competitor:text! product_id:text! observed_on:date! price:number* currency:text
promotions: promotion_id:text! name:text product_id:text location_id:text* \
control_location_id:text starts_on:date* ends_on:date*
"""

CLOSED_LISTS = {
    ("pipeline_stages", "outcome"): {"open", "won", "lost"},
    ("activities", "activity_type"): {"call", "email", "chat", "meeting", "video_meeting"},
    ("activities", "direction"): {"outbound", "inbound"},
    ("activities", "reply_sentiment"): {"positive", "negative", "neutral"},
    ("activities", "meeting_status"): {
        *("scheduled", "accepted", "declined", "held", "no_show", "cancelled")
    },
    ("quotas", "metric"): {"won_amount", "new_leads", "new_deals"},
    ("quotas", "period_grain"): {"month", "quarter"},
    ("orders", "channel"): {"in_store", "online"},
    ("locations", "kind"): {"store", "online"},
    ("spend", "department"): {"sales", "marketing"},
}

# A row is out of range when one of these holds for it; each skips rows that lack the value.
OUT_OF_RANGE = {
    "nps_responses": (
        lambda row: row.score is not None and not 0 <= row.score <= 10,
        lambda row: (row.score is None) != (row.responded_at is None),
        lambda row: row.responded_at is not None and row.responded_at < row.sent_at,
    ),
    "employee_responses": (lambda row: not 1 <= row.rating <= 5,),
    "fx_rates": (lambda row: row.rate <= 0,),
    "subscriptions": (lambda row: row.ended_on is not None and row.ended_on < row.started_on,),
    "promotions": (lambda row: row.ends_on < row.starts_on,),
}


@dataclass(frozen=True)
class Column:
    """One column of the landing contract."""

    name: str
    kind: str
    is_key: bool
    is_required: bool


def _read_contract() -> dict[str, tuple[Column, ...]]:
    contract = {}
    for line in CONTRACT_TEXT.strip().splitlines():
        table, _, columns = line.partition(":")
        contract[table] = tuple(
            Column(name, kind.rstrip("!*"), kind.endswith("!"), kind.endswith(("!", "*")))
            for name, kind in (column.split(":") for column in columns.split())
        )
    return contract


CONTRACT = _read_contract()


@dataclass
class Landing:
    """The current row of every key, and what was rejected on the way."""

    tables: dict[str, list[SimpleNamespace]]
    rejects: list[tuple[str, str, str]] = field(default_factory=list)

    def __getattr__(self, table: str) -> list[SimpleNamespace]:
        try:
            return self.tables[table]
        except KeyError:
            raise AttributeError(table) from None


def read(directories: list[Path], *, full_export: bool = False) -> Landing:
    """Land the directories in order. `full_export`: the last one is a full export, so rows of its
    tables that it does not hold have vanished."""
    landing = Landing({})
    current = {table: {} for table in CONTRACT}
    for number, directory in enumerate(directories):
        for table, columns in CONTRACT.items():
            files = _files_of(Path(directory), table)
            if not files:
                continue
            loaded = _winners(_typed_rows(table, columns, files, landing.rejects))
            if full_export and number == len(directories) - 1:
                current[table] = {key: row for key, row in current[table].items() if key in loaded}
            for key, row in loaded.items():
                current[table][key] = _merged(current[table].get(key), row, columns)
    landing.tables = {table: list(rows.values()) for table, rows in current.items()}
    return landing


def _winners(rows: list[tuple[tuple, SimpleNamespace]]) -> dict[tuple, SimpleNamespace]:
    """Of the rows of one load with one key: the newest updated_at, else the last in file order."""
    winners: dict[tuple, SimpleNamespace] = {}
    for key, row in rows:
        if key not in winners or not _is_older(row, winners[key]):
            winners[key] = row
    return winners


def _is_older(row: SimpleNamespace, known: SimpleNamespace) -> bool:
    """Null is older than any; equal is not older; without updated_at nothing is older."""
    never = datetime.min
    mine, theirs = getattr(row, "updated_at", None), getattr(known, "updated_at", None)
    return (mine or never) < (theirs or never)


def _merged(
    known: SimpleNamespace | None, row: SimpleNamespace, columns: tuple[Column, ...]
) -> SimpleNamespace:
    """The version that stands; columns that the newer file did not have keep their value."""
    if known is None:
        return row
    if _is_older(row, known):
        return known
    values = {
        column.name: getattr(row if column.name in row.columns_there else known, column.name)
        for column in columns
    }
    return SimpleNamespace(**values, columns_there=row.columns_there)


# --- files ---------------------------------------------------------------------------------------

SUFFIXES = (".csv", ".parquet", ".jsonl", ".ndjson")


def _files_of(directory: Path, table: str) -> list[Path]:
    names = [table + suffix + zipped for suffix in SUFFIXES for zipped in ("", ".gz")]
    files = [directory / name for name in names if (directory / name).is_file()]
    if (directory / table).is_dir():
        parts = (path for path in (directory / table).iterdir() if path.is_file())
        files += sorted((path for path in parts if _suffix(path)), key=lambda path: path.name)
    return files


def _suffix(path: Path) -> str | None:
    name = path.name.removesuffix(".gz")
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), None)


def _records(path: Path) -> tuple[set[str], list[dict]]:
    """The columns that a file has, and its rows as column -> value as it stands there."""
    content = path.read_bytes()
    if path.name.endswith(".gz"):
        content = gzip.decompress(content)
    suffix = _suffix(path)
    if suffix == ".parquet":
        rows = pyarrow.parquet.ParquetFile(io.BytesIO(content)).read()
        return set(rows.column_names), rows.to_pylist()
    text = content.decode("utf-8-sig")
    if suffix == ".csv":
        lines = csv.reader(io.StringIO(text, newline=""))
        header = next(lines)
        rows = [dict(zip(header, line, strict=True)) for line in lines if line]
        return set(header), rows
    rows = [
        json.loads(line, parse_float=Decimal, parse_int=Decimal)
        for line in text.split("\n")
        if line.strip()
    ]
    return {column for row in rows for column in row}, rows


def _typed_rows(
    table: str, columns: tuple[Column, ...], files: list[Path], rejects: list
) -> list[tuple[tuple, SimpleNamespace]]:
    rows = []
    for path in files:
        there, records = _records(path)
        for record in records:
            try:
                row = _typed(table, columns, record)
            except ValueError as error:
                rejects.append((table, path.name, str(error)))
                continue
            row.columns_there = there
            rows.append((tuple(getattr(row, c.name) for c in columns if c.is_key), row))
    return rows


def _typed(table: str, columns: tuple[Column, ...], record: dict) -> SimpleNamespace:
    row = SimpleNamespace()
    for column in columns:
        value = READERS[column.kind](record.get(column.name))
        if value is None and column.is_required:
            raise ValueError(f"{column.name} is missing")
        allowed = CLOSED_LISTS.get((table, column.name))
        if allowed and value is not None and value not in allowed:
            raise ValueError(f"{column.name} {value!r} is not in the list")
        setattr(row, column.name, value)
    if any(is_wrong(row) for is_wrong in OUT_OF_RANGE.get(table, ())):
        raise ValueError("out of range")
    return row


# --- values --------------------------------------------------------------------------------------

INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s*"
    r"(Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    return str(value)


def _timestamp(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    text = (_text(value) or "").strip()
    if not text:
        return None
    match = INSTANT.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is no instant")
    year, month, day, hour, minute, second, part, offset = match.groups()
    instant = datetime(
        *(int(each or 0) for each in (year, month, day, hour, minute, second)),
        int(((part or "") + "000000")[:6]),
    )
    if offset in (None, "Z"):
        return instant
    sign = -1 if offset[0] == "-" else 1
    digits = offset[1:].replace(":", "")
    return instant - sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))


def _date(value: object) -> date | None:
    instant = _timestamp(value)
    return None if instant is None else instant.date()


def _number(value: object) -> Fraction | None:
    text = (_text(value) or "").strip()
    if not text:
        return None
    try:
        if not NUMBER.fullmatch(text):
            raise InvalidOperation
        return Fraction(Decimal(text))
    except InvalidOperation:
        raise ValueError(f"{text!r} is no number") from None


def _integer(value: object) -> int | None:
    number = _number(value)
    if number is None:
        return None
    if number.denominator != 1:
        raise ValueError(f"{value!r} is no whole number")
    return int(number)


BOOLEANS = {
    **dict.fromkeys(("true", "t", "1", "yes"), True),
    **dict.fromkeys(("false", "f", "0", "no"), False),
}


def _boolean(value: object) -> bool | None:
    text = (_text(value) or "").strip().lower()
    if not text:
        return None
    if text not in BOOLEANS:
        raise ValueError(f"{value!r} is no boolean")
    return BOOLEANS[text]


READERS = {
    "text": _text,
    "timestamp": _timestamp,
    "date": _date,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
}

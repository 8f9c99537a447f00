"""How a value is read: SQL expressions from what a file holds to the type of the contract.

An expression gives null for an empty value and for one that cannot be read; `Reading.unreadable`
tells the two apart. Text is read by strict patterns first, because DuckDB's casts take far more
than the contract does ('1_000', '2025-3-1', 'epoch') and a cast to timestamp ignores an offset.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from warehouse.contract import Column, Kind
from warehouse.store import literal

_DAY = r"\d{4}-\d{2}-\d{2}"
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?"
_OFFSET = r"[+-](?:0\d|1[0-8])(?::?[0-5]\d)?"
_UTC_INSTANT = rf"{_DAY}(?:[T ]{_TIME}Z?)?"
_OFFSET_INSTANT = rf"{_DAY}[T ]{_TIME}{_OFFSET}"
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?"
_WHOLE = r"[+-]?\d{1,19}"
_BLANKS = "' \t'"  # a blank and a tab, inside a SQL literal

_WHOLE_TYPES = {
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT",
    "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
}  # fmt: skip
_INSTANT_TYPES = {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATE"}
_ZONED_TYPE = "TIMESTAMP WITH TIME ZONE"
_NESTED = re.compile(r"\[\d*\]$|^(?:STRUCT|MAP|UNION|VARIANT|BLOB|BIT\b|GEOMETRY)")

_EXPECTED = {
    Kind.INTEGER: "is no whole number",
    Kind.NUMBER: "is no number (a decimal point, no thousands separators, not too large)",
    Kind.BOOLEAN: "is no boolean (true/false, t/f, 1/0, yes/no)",
    Kind.DATE: "is no ISO 8601 date",
    Kind.TIMESTAMP: "is no ISO 8601 instant",
    Kind.TEXT: "is no text",
}


@dataclass(frozen=True)
class Reading:
    """How one column is read.

    `typed` gives the value in the contract's type, `text` what the file holds as text, and
    `unreadable` (over the alias `typed_name`) whether something was there that cannot be read;
    None: never.
    """

    typed: str
    text: str
    unreadable: str | None


def reading(column: Column, raw: str, file_type: str, *, typed_name: str) -> Reading:
    """How the column is read from the SQL expression `raw` of DuckDB type `file_type`."""
    if is_nested(file_type):
        return Reading(
            f"cast(null as {column.data_type})", as_text(raw, file_type), f"{raw} is not null"
        )
    if file_type == "VARCHAR":
        return _from_text(column, raw, raw, typed_name)
    native = _native(column, raw, file_type)
    if native is None:
        text = as_text(raw, file_type)
        return _from_text(column, text, text, typed_name)
    exact = column.kind in (Kind.TEXT, Kind.BOOLEAN)
    unreadable = None if exact else f"({typed_name} is null and {raw} is not null)"
    if column.kind in (Kind.DATE, Kind.TIMESTAMP):
        # Casts of these types do not fail; a year outside 1 to 9999 does.
        unreadable = _outside_years(column, typed_name)
    return Reading(native, as_text(raw, file_type), unreadable)


def expected(column: Column) -> str:
    """What is wrong with a value that cannot be read, to follow the value in a sentence."""
    return _EXPECTED[column.kind]


def is_nested(file_type: str) -> bool:
    """Whether a DuckDB type holds no single value that could be read."""
    return _NESTED.search(file_type) is not None


def kind_of(file_type: str) -> str:
    """What a DuckDB type holds, in a word: for telling that a column has changed its type."""
    if is_nested(file_type):
        return "nested"
    if file_type in _INSTANT_TYPES or file_type == _ZONED_TYPE:
        return "instant"
    if file_type in _WHOLE_TYPES or file_type.startswith(("DECIMAL", "FLOAT", "DOUBLE")):
        return "number"
    return "boolean" if file_type == "BOOLEAN" else "text"


def as_text(raw: str, file_type: str) -> str:
    """The value of any type as text; null stays null, an empty text becomes null."""
    if file_type == "VARCHAR":
        return f"nullif({raw}, '')"
    if file_type == _ZONED_TYPE:
        return f"cast({raw} at time zone 'UTC' as varchar)"
    if is_nested(file_type) and file_type not in ("BLOB", "BIT", "GEOMETRY"):
        return f"cast(to_json({raw}) as varchar)"
    return f"cast({raw} as varchar)"


def _native(column: Column, raw: str, file_type: str) -> str | None:
    """The typed value of a file's own type; None if it is better read as text."""
    kind = column.kind
    if kind is Kind.TEXT:
        return as_text(raw, file_type)
    if kind in (Kind.DATE, Kind.TIMESTAMP):
        if file_type == _ZONED_TYPE:
            raw = f"({raw} at time zone 'UTC')"
        elif file_type not in _INSTANT_TYPES:
            return None
        return f"cast({raw} as {column.data_type})"
    if kind is Kind.BOOLEAN:
        return raw if file_type == "BOOLEAN" else None
    exact = kind is Kind.NUMBER and file_type.startswith("DECIMAL")
    if exact or file_type in _WHOLE_TYPES:
        return f"try_cast({raw} as {column.data_type})"
    # Floating point goes through its shortest text: 1234567.89 and not 1234567.8899999999.
    return None


def _from_text(column: Column, raw: str, text: str, typed_name: str) -> Reading:
    trimmed = f"trim({raw}, {_BLANKS})"
    typed = {
        Kind.TEXT: lambda: f"nullif({raw}, '')",
        Kind.TIMESTAMP: lambda: _instant(raw, trimmed),
        Kind.DATE: lambda: _date(raw, trimmed),
        Kind.NUMBER: lambda: _number(trimmed, column.data_type),
        Kind.INTEGER: lambda: _integer(trimmed),
        Kind.BOOLEAN: lambda: _boolean(trimmed),
    }[column.kind]()
    if column.kind is Kind.TEXT:
        return Reading(typed, text, None)
    unreadable = f"({typed_name} is null and {raw} is not null and {trimmed} <> '')"
    if column.kind in (Kind.DATE, Kind.TIMESTAMP):
        unreadable = f"({unreadable} or {_outside_years(column, typed_name)})"
    if column.kind is Kind.NUMBER:
        unreadable = f"({unreadable} or {_too_large(column, typed_name)})"
    return Reading(typed, text, unreadable)


def _instant(raw: str, trimmed: str) -> str:
    # The first branch takes nearly every value without trimming it.
    utc, offset = literal(_UTC_INSTANT), literal(_OFFSET_INSTANT)
    return f"""case
        when regexp_full_match({raw}, {utc}) then try_cast({raw} as timestamp)
        when {raw} is null then null
        when regexp_full_match({trimmed}, {utc}) then try_cast({trimmed} as timestamp)
        when regexp_full_match({trimmed}, {offset})
            then try_cast({trimmed} as timestamptz) at time zone 'UTC'
    end"""


def _date(raw: str, trimmed: str) -> str:
    return f"""case
        when regexp_full_match({raw}, {literal(_DAY)}) then try_cast({raw} as date)
        when {raw} is null then null
        else cast({_instant(raw, trimmed)} as date)
    end"""


def _number(trimmed: str, data_type: str) -> str:
    return f"""case when regexp_full_match({trimmed}, {literal(_NUMBER)})
        then try_cast({trimmed} as {data_type}) end"""


def _integer(trimmed: str) -> str:
    # A cast to bigint would round 3.5; a decimal with a fraction is no whole number. It keeps ten
    # digits of the fraction: smaller ones show in a double.
    decimal, double = (f"try_cast({trimmed} as {kind})" for kind in ("decimal(38,10)", "double"))
    return f"""case
        when regexp_full_match({trimmed}, {literal(_WHOLE)}) then try_cast({trimmed} as bigint)
        when regexp_full_match({trimmed}, {literal(_NUMBER)})
            and {decimal} = trunc({decimal}) and {double} = trunc({double})
            then try_cast({decimal} as bigint)
    end"""


def _boolean(trimmed: str) -> str:
    return f"""case
        when lower({trimmed}) in ('true', 't', '1', 'yes') then true
        when lower({trimmed}) in ('false', 'f', '0', 'no') then false
    end"""


def _outside_years(column: Column, typed_name: str) -> str:
    return (
        f"coalesce({typed_name} < cast('0001-01-01' as {column.data_type})"
        f" or {typed_name} >= cast('10000-01-01' as {column.data_type}), false)"
    )


def _too_large(column: Column, typed_name: str) -> str:
    # DuckDB 2.0 casts '1.2345678901234567e+19' to a decimal(28,10) that has no room for it.
    precision, scale = (int(digits) for digits in re.findall(r"\d+", column.data_type))
    largest = f"cast('{'9' * (precision - scale)}.{'9' * scale}' as {column.data_type})"
    return f"coalesce({typed_name} > {largest} or {typed_name} < -{largest}, false)"

"""Tall slices: which (period, dimension, value) groups a record belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime

from .periods import Calendar

ALL = ("all", "all")
UNKNOWN = "unknown"


def known(value: str | None) -> str:
    """A missing attribute is `unknown` in a KPI mart."""
    return UNKNOWN if value is None else value


def slices_of(attributes: dict, dimensions: Iterable[str]) -> list[tuple[str, str]]:
    """The slices of a record: the total, and its value in each dimension."""
    return [ALL, *((name, known(attributes[name])) for name in dimensions)]


def grouped(records: Iterable, keys_of: Callable) -> dict[tuple, list]:
    """Records by each of their keys."""
    groups = defaultdict(list)
    for record in records:
        for key in keys_of(record):
            groups[key].append(record)
    return groups


def by_period(
    calendar: Calendar,
    records: Iterable,
    *,
    grains: str,
    when: Callable,
    slices: Callable,
) -> dict[tuple[str, date, tuple], list]:
    """Records by (grain, period start, slice); `grains` like "WMQ"; `when` gives an instant or
    a date; `slices` gives the slice keys of a record."""

    def keys(record):
        moment = when(record)
        day = calendar.day_of(moment) if isinstance(moment, datetime) else moment
        own = slices(record)
        return [
            (grain, calendar.start(grain, day), each) for grain in grains_of(grains) for each in own
        ]

    return grouped(records, keys)


def grains_of(letters: str) -> list[str]:
    """The grains of letters as the contract writes them."""
    names = {"W": "week", "M": "month", "Q": "quarter"}
    return [names[letter] for letter in letters]


def period_columns(calendar: Calendar, grain: str, start: date) -> dict:
    """The three columns that name a period."""
    return {
        "period_grain": grain,
        "period_start": start,
        "is_complete_period": calendar.is_complete(grain, start),
    }


def slice_columns(calendar: Calendar, grain: str, start: date, each: tuple[str, str]) -> dict:
    """The five columns that name a period and a slice."""
    return {
        **period_columns(calendar, grain, start),
        "dimension": each[0],
        "dimension_value": each[1],
    }

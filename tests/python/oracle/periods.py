"""Days, weeks, months and quarters in the reporting time zone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from .settings import Seeds, Settings

DAY = timedelta(days=1)


def add_months(day: date, months: int) -> date:
    """The first day of the month that many months away."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


class Calendar:
    """All questions about dates: which day an instant falls on, which period a day belongs to."""

    def __init__(self, settings: Settings, seeds: Seeds, as_of: datetime) -> None:
        self.zone = ZoneInfo(settings.reporting_timezone)
        self.fiscal_month = settings.fiscal_year_start_month
        self.holidays = seeds.holidays
        self.as_of = as_of
        self.today = self.day_of(as_of)

    @cache  # noqa: B019 - lives as long as one computation
    def day_of(self, instant: datetime) -> date:
        """The date of a naive UTC instant in the reporting time zone."""
        return instant.replace(tzinfo=UTC).astimezone(self.zone).date()

    @cache  # noqa: B019
    def midnight(self, day: date) -> datetime:
        """The naive UTC instant at which a day of the reporting time zone begins."""
        local = datetime.combine(day, time(), tzinfo=self.zone)
        return local.astimezone(UTC).replace(tzinfo=None)

    @cache  # noqa: B019
    def start(self, grain: str, day: date) -> date:
        """The first day of the week, month or quarter that holds the day."""
        if grain == "week":
            return day - timedelta(days=day.weekday())
        if grain == "month":
            return day.replace(day=1)
        return add_months(day, -((day.month - self.fiscal_month) % 3))

    def period_of(self, grain: str, instant: datetime) -> date:
        """The first day of the period that holds the instant."""
        return self.start(grain, self.day_of(instant))

    def shift(self, grain: str, start: date, periods: int) -> date:
        """The first day of the period that many periods away."""
        if grain == "week":
            return start + timedelta(days=7 * periods)
        return add_months(start, periods * (1 if grain == "month" else 3))

    def end(self, grain: str, start: date) -> date:
        """The first day after the period."""
        return self.shift(grain, start, 1)

    def previous(self, grain: str, start: date) -> date:
        """The first day of the calendar period before."""
        return self.shift(grain, start, -1)

    def is_complete(self, grain: str, start: date) -> bool:
        """Whether the whole period lies before as_of."""
        return self.midnight(self.end(grain, start)) <= self.as_of

    def series(self, grain: str, first: date, last: date) -> Iterator[date]:
        """The period starts from the period of `first` to the period of `last`."""
        start, stop = self.start(grain, first), self.start(grain, last)
        while start <= stop:
            yield start
            start = self.end(grain, start)

    def fiscal_year(self, day: date) -> int:
        """The calendar year in which the fiscal year of the day ends."""
        return day.year if self.fiscal_month == 1 or day.month < self.fiscal_month else day.year + 1

    def fiscal_quarter(self, day: date) -> int:
        """1 to 4, counted from the first month of the fiscal year."""
        return (day.month - self.fiscal_month) % 12 // 3 + 1

    def is_business_day(self, day: date) -> bool:
        """Monday to Friday and no holiday."""
        return day.weekday() < 5 and day not in self.holidays

    def days(self, first: date, last: date) -> Iterable[date]:
        """Every day from first to last, both included."""
        return (first + timedelta(days=n) for n in range((last - first).days + 1))

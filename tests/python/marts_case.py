"""A published file with the few marts that a test of the page needs, written row by row."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

AS_OF = datetime(2026, 3, 18, 9, 30)
TYPES = {
    "period_start": "date",
    "is_complete_period": "boolean",
    "new_deals": "bigint",
    "new_leads": "bigint",
    "won_deals": "bigint",
    "lost_deals": "bigint",
    "win_rate": "double",
    "win_rate_low": "double",
    "win_rate_high": "double",
    "won_amount": "decimal(38, 10)",
    "lost_amount": "decimal(38, 10)",
    "amount_win_rate": "double",
    "as_of": "timestamp",
    "built_at": "timestamp",
    "created_at": "timestamp",
    "value": "double",
    "previous_value": "double",
    "change": "double",
    "quarter_start": "date",
    "fiscal_year": "bigint",
    "fiscal_quarter": "bigint",
    "responses": "bigint",
    "nps": "double",
}


def write_marts(path: Path, **tables: Sequence[Mapping[str, Any]]) -> Path:
    """Write `marts.<name>` for each table; a row of nulls alone makes an empty table."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        for name, rows in tables.items():
            columns = list(rows[0])
            typed = ", ".join(f'"{column}" {TYPES.get(column, "varchar")}' for column in columns)
            connection.execute(f"create table marts.{name} ({typed})")
            filled = [row for row in rows if any(value is not None for value in row.values())]
            if filled:
                connection.executemany(
                    f"insert into marts.{name} values ({', '.join('?' * len(columns))})",
                    [[row[column] for column in columns] for row in filled],
                )
    return path


def release(as_of: datetime = AS_OF) -> list[dict]:
    return [{"as_of": as_of, "run_id": "a-run", "built_at": as_of + timedelta(minutes=2)}]


def catalogue(*names: str) -> list[dict]:
    return [
        {
            "kpi_id": name,
            "name": name.removeprefix("kpi_").replace("_", " ").capitalize(),
            "family": "pipeline",
            "question": "How many?",
            "formula": "a / b",
            "caveats": "Small numbers.",
            "not_for": "Bonuses.",
            "unit": "share",
            "direction": "up",
            "cadence": "month",
            "headline_column": "win_rate",
        }
        for name in names
    ]


def win_rates(
    periods: Sequence[date],
    slices: Sequence[tuple[str, str]] = (("all", "all"),),
    *,
    grain: str = "month",
    is_complete: bool = True,
) -> list[dict]:
    """Rows of kpi_win_rate; the last period is the running one when `is_complete` is false."""
    rows = []
    for number, start in enumerate(periods):
        for position, (dimension, value) in enumerate(slices):
            won, lost = 3 + number + position, 5
            rows.append(
                {
                    "period_grain": grain,
                    "period_start": start,
                    "is_complete_period": is_complete or start != periods[-1],
                    "dimension": dimension,
                    "dimension_value": value,
                    "won_deals": won,
                    "lost_deals": lost,
                    "win_rate": won / (won + lost),
                    "win_rate_low": won / (won + lost) / 2,
                    "win_rate_high": (1 + won / (won + lost)) / 2,
                    "won_amount": won * 1000.25,
                    "lost_amount": lost * 1000,
                    "amount_win_rate": won * 1000.25 / (won * 1000.25 + lost * 1000),
                }
            )
    return rows


def months(count: int, last: date = date(2026, 3, 1)) -> list[date]:
    """So many months up to the last one."""
    number = last.year * 12 + last.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(number - count + 1, number + 1)]


def weeks(count: int, last: date = date(2026, 3, 16)) -> list[date]:
    """So many weeks up to the last one."""
    return [last - timedelta(days=7 * back) for back in reversed(range(count))]

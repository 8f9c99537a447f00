"""A company that lands in random pieces, with repeats and late and old rows, has the same marts.

test_load_deltas.py says so of the raw tables, for many more histories.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from landing_case import rows_of, write_rows
from running import read, refresh
from warehouse import sample
from warehouse.contract import load_contract

AS_OF = datetime(2026, 6, 15, 8, 30)
LOADS = 4


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, to which older versions of rows have been added that must never show."""
    landing = tmp_path_factory.mktemp("company")
    sample.write(landing, deals=120, seed=11, as_of=AS_OF)
    dice = random.Random(11)
    for table in load_contract().tables:
        rows = rows_of(landing, table.name)
        if table.updated_at and rows:
            old = [stale(row, table.updated_at) for row in dice.sample(rows, len(rows) // 5)]
            write_rows(landing, table.name, rows + old)
    return landing


def stale(row: dict[str, str], updated_at: str) -> dict[str, str]:
    """What the row said before: a wrong amount and region, a year earlier."""
    instant = datetime.fromisoformat(row[updated_at].replace("Z", "")) if row[updated_at] else None
    before = {updated_at: (instant - timedelta(days=365)).isoformat() if instant else ""}
    wrong = {"amount": "-12345.67", "region": "nowhere", "source": "nobody"}
    return {**row, **{name: text for name, text in wrong.items() if name in row}, **before}


def cut(company: Path, root: Path, dice: random.Random) -> list[Path]:
    """Every row lands in one to three of the loads, in any order."""
    directories = [root / f"load-{number}" for number in range(LOADS)]
    for table in load_contract().tables:
        rows = rows_of(company, table.name)
        dice.shuffle(rows)
        pieces: list[list[dict[str, str]]] = [[] for _ in directories]
        for row in rows:
            for number in dice.sample(range(LOADS), dice.choice((1, 1, 2, 3))):
                pieces[number].append(row)
        for directory, piece in zip(directories, pieces, strict=True):
            if piece:
                write_rows(directory, table.name, piece)
    return directories


def test_a_history_in_random_pieces_ends_in_the_marts_of_one_load(
    company: Path, tmp_path: Path
) -> None:
    whole = refresh(tmp_path / "whole", company, as_of=AS_OF)
    pieces = cut(company, tmp_path, random.Random(7))
    parts = refresh(tmp_path / "parts", *pieces, as_of=AS_OF)
    with read(whole) as connection:
        marts = [name for (name,) in connection.execute("show tables from marts").fetchall()]
    assert len(marts) > 50
    empty = set()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{whole}' as one (read_only)")
        connection.execute(f"attach '{parts}' as many (read_only)")
        for mart in marts:
            own = "exclude (run_id, built_at)" if mart == "release" else ""
            one, many = (f"select * {own} from {side}.marts.{mart}" for side in ("one", "many"))
            rows, lost, added = connection.execute(
                f"select (select count(*) from ({one})), "
                f"(select count(*) from ({one} except all {many})), "
                f"(select count(*) from ({many} except all {one}))"
            ).fetchone()
            assert (lost, added) == (0, 0), mart
            if not rows:
                empty.add(mart)
        amounts = connection.execute("select min(amount) from one.marts.fct_deals").fetchone()
    assert len(empty) < 5, empty
    assert amounts[0] > 0

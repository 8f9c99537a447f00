"""An independent reference implementation of the marts in plain Python.

It follows the written definitions of the KPIs and shares nothing with the SQL: what both say is
worth believing. Slow, exact and readable, for companies of some hundred deals.
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from pathlib import Path

from . import customers, facts, market, pipeline, prospecting
from .compare import compare
from .marts import MARTS
from .reading import read
from .settings import Seeds, Settings

__all__ = ["MARTS", "Seeds", "Settings", "compare", "compute", "world_of"]


def world_of(
    landing_dirs: list[Path],
    as_of: datetime,
    settings: dict | None = None,
    seeds: Seeds | None = None,
    full_export: bool = False,
) -> facts.World:
    """Everything that is known at as_of (naive UTC) once the directories are landed in order."""
    landing = read(landing_dirs, full_export=full_export)
    return facts.World(landing, Settings.of(settings), seeds or Seeds(), as_of)


def compute(
    landing_dirs: list[Path],
    as_of: datetime,
    settings: dict | None = None,
    seeds: Seeds | None = None,
    full_export: bool = False,
) -> dict[str, list[dict]]:
    """Mart name -> rows with the contract's columns in the contract's types.

    `settings` holds the vars that differ from their defaults; `full_export` says that the last
    directory is a full export, so that what it lacks has vanished.
    """
    world = world_of(landing_dirs, as_of, settings, seeds, full_export)
    marts = {
        **facts.dimensions(world),
        **facts.facts(world),
        **pipeline.compute(world),
        **prospecting.compute(world),
        **customers.compute(world),
        **market.compute(world),
    }
    return {name: [_row(name, row) for row in marts[name]] for name in MARTS}


def _row(name: str, row: dict) -> dict:
    """The row's columns in the contract's order; only here do exact figures become floats."""
    if set(row) != set(MARTS[name].kinds):
        raise AssertionError(f"{name}: columns {sorted(set(row) ^ set(MARTS[name].kinds))}")
    return {column: _published(row[column]) for column in MARTS[name].kinds}


def _published(value: object) -> object:
    return float(value) if isinstance(value, Fraction) else value

"""The landing contract as values: read once from the dbt sources that declare it.

`models/staging/landing/_landing__sources.yml` is the only place where a landing table, column,
type, key or rule is written down; loading, dbt and the docs all read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from warehouse.errors import StepError

SOURCES_FILE = (
    Path(__file__).resolve().parents[2] / "models" / "staging" / "landing" / "_landing__sources.yml"
)


class Kind(StrEnum):
    """How a value of a column is read, whatever its precision."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


_KINDS = {
    "varchar": Kind.TEXT,
    "bigint": Kind.INTEGER,
    "decimal": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "timestamp": Kind.TIMESTAMP,
}
_TABLE_META = {"key", "updated_at", "rules", "kept_by_month"}
_COLUMN_META = {"required", "values", "known_values", "at_least", "at_most", "above"}


@dataclass(frozen=True)
class TechnicalColumn:
    """A column that landing adds to every raw table."""

    name: str
    data_type: str
    description: str


TECHNICAL_COLUMNS = (
    TechnicalColumn(
        "_extra_columns",
        "varchar",
        "Columns the contract does not know, as a JSON object of texts; null = none.",
    ),
    TechnicalColumn("_load_id", "varchar", "Load (ops.loads) that wrote this version."),
    TechnicalColumn("_loaded_at", "timestamp", "Instant of that load (UTC)."),
    TechnicalColumn(
        "_source_file",
        "varchar",
        "File the version came from, below the parent of its landing directory.",
    ),
    TechnicalColumn(
        "_source_line",
        "bigint",
        "Physical line in that file, the header being line 1; Parquet: row number from 1.",
    ),
    TechnicalColumn(
        "_vanished_at",
        "timestamp",
        "Load instant of the full export that no longer held the row; null = it is there.",
    ),
)
HISTORY_COLUMNS = (
    TechnicalColumn("_replaced_at", "timestamp", "Instant of the load that replaced the version."),
    TechnicalColumn("_replaced_by_load_id", "varchar", "Load that replaced the version."),
)


@dataclass(frozen=True)
class Column:
    """One column of a landing table; bounds are inclusive except `above`."""

    name: str
    data_type: str
    description: str
    required: bool = False
    values: tuple[str, ...] = ()
    known_values: tuple[str, ...] = ()
    at_least: int | None = None
    at_most: int | None = None
    above: int | None = None

    @property
    def kind(self) -> Kind:
        """How its values are read."""
        return _KINDS[self.data_type.split("(")[0]]


@dataclass(frozen=True)
class Rule:
    """A condition over one row; a row for which it is false is rejected with the reason."""

    check: str
    column: str
    reason: str


@dataclass(frozen=True)
class Table:
    """One landing table: one row per `key`."""

    schema: str
    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    updated_at: str | None = None
    # The instant by whose month the lake keeps the table (scripts/warehouse/lake.py); None: in one piece.
    kept_by_month: str | None = None
    rules: tuple[Rule, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """The contract's columns in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True)
class Contract:
    """All landing tables in the order of their declaration."""

    tables: tuple[Table, ...]
    schema_descriptions: dict[str, str]

    def table(self, name: str) -> Table | None:
        """The table of that name, or None."""
        return next((table for table in self.tables if table.name == name), None)


@cache
def load_contract(path: Path = SOURCES_FILE) -> Contract:
    """The contract declared in a dbt sources file; one that makes no sense is a StepError."""
    with path.open(encoding="utf-8") as file:
        # The C loader reads the file in a hundredth of the time.
        declared = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    tables = tuple(
        _table(source["schema"], table)
        for source in declared["sources"]
        for table in source["tables"]
    )
    _require(len({table.name for table in tables}) == len(tables), "a table is declared twice")
    return Contract(
        tables=tables,
        schema_descriptions={s["schema"]: s["description"] for s in declared["sources"]},
    )


def _table(schema: str, declared: dict[str, Any]) -> Table:
    name = declared["name"]
    meta = declared["config"]["meta"]
    _require(set(meta) <= _TABLE_META, f"{name} has an unknown meta key: {sorted(meta)}")
    columns = tuple(_column(name, column) for column in declared["columns"])
    table = Table(
        schema=schema,
        name=name,
        description=_text(declared, name),
        key=tuple(meta["key"]),
        columns=columns,
        updated_at=meta.get("updated_at"),
        kept_by_month=meta.get("kept_by_month"),
        rules=tuple(Rule(**rule) for rule in meta.get("rules", ())),
    )
    known = {column.name: column for column in columns}
    _require(len(known) == len(columns), f"{name} declares a column twice")
    _require(bool(table.key), f"{name} has no key")
    for column_name in table.key:
        _require(
            column_name in known and known[column_name].required,
            f"{name}.{column_name} is a key column and has to be a required column",
        )
    if table.updated_at is not None:
        _require(
            table.updated_at in known and known[table.updated_at].kind is Kind.TIMESTAMP,
            f"{name}.{table.updated_at} has to be a timestamp",
        )
    if table.kept_by_month is not None:
        _require(
            table.kept_by_month in known and known[table.kept_by_month].kind is Kind.TIMESTAMP,
            f"{name}.{table.kept_by_month} has to be a timestamp",
        )
    for rule in table.rules:
        _require(rule.column in known, f"{name} has a rule on an unknown column {rule.column}")
    return table


def _column(table: str, declared: dict[str, Any]) -> Column:
    name = f"{table}.{declared['name']}"
    meta = declared.get("config", {}).get("meta", {})
    _require(set(meta) <= _COLUMN_META, f"{name} has an unknown meta key: {sorted(meta)}")
    data_type = declared.get("data_type", "")
    _require(data_type.split("(")[0] in _KINDS, f"{name} has an unknown data_type {data_type!r}")
    lists = {key: tuple(meta[key]) for key in ("values", "known_values") if key in meta}
    return Column(
        name=declared["name"],
        data_type=data_type,
        description=_text(declared, name),
        **{**meta, **lists},
    )


def _text(declared: dict[str, Any], name: str) -> str:
    description = (declared.get("description") or "").strip()
    _require(bool(description), f"{name} has no description")
    return description


def _require(holds: bool, fact: str) -> None:
    if not holds:
        raise StepError(f"The landing contract is broken: {fact}. Correct {SOURCES_FILE.name}.")

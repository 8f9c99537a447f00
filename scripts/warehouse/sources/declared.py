"""What is read of a source, declared once in the dbt sources of its adapter.

`models/staging/<source>/_<source>__sources.yml` names the tables and columns. Nothing else is
fetched: a CRM's database also holds password hashes and the text of letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from warehouse.errors import InputError, StepError

TECHNICAL_COLUMNS = {
    "_load_id": "varchar",
    "_loaded_at": "timestamp",
}
# The contract's own sources: they are landed without --source.
_CONTRACT = "landing"
_TABLE_META = {"key", "cursor"}


@dataclass(frozen=True)
class SourceTable:
    """A table of a source: one row per `key`; `cursor` grows with every change of a row.

    Without a key a table is only ever replaced as a whole; without a cursor every load is a full
    snapshot of it.
    """

    schema: str
    name: str
    label: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    cursor: str | None = None
    description: str = ""


@dataclass(frozen=True)
class Source:
    """A CRM and the tables that are read of it, in the order of their declaration."""

    name: str
    schema: str
    description: str
    tables: tuple[SourceTable, ...]
    declared_in: Path

    @property
    def table_names(self) -> tuple[str, ...]:
        """The names of the tables as the source spells them."""
        return tuple(table.name for table in self.tables)

    def table(self, name: str) -> SourceTable:
        """The table of that name."""
        return next(table for table in self.tables if table.name == name)


def names(project_dir: Path) -> list[str]:
    """The sources that have an adapter."""
    found = (project_dir / "models" / "staging").glob("*/_*__sources.yml")
    return sorted(
        path.parent.name
        for path in found
        if path.parent.name != _CONTRACT and path.name == f"_{path.parent.name}__sources.yml"
    )


def load(project_dir: Path, name: str) -> Source:
    """The declaration of a source; an unknown name is an InputError."""
    known = names(project_dir)
    if name not in known:
        raise InputError(
            f"There is no source {name!r}; known are {', '.join(known) or 'none'}. "
            f"`warehouse new-source {name}` begins one."
        )
    path = project_dir / "models" / "staging" / name / f"_{name}__sources.yml"
    try:
        with path.open(encoding="utf-8") as file:
            declared = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        sources = declared["sources"]
        _require(path, len(sources) == 1, "declares not exactly one source")
        (source,) = sources
        schema = source["schema"]
        tables = tuple(_table(path, name, schema, table) for table in source["tables"])
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise StepError(f"{path} cannot be understood: {' '.join(str(error).split())}.") from error
    folded = [table.name.lower() for table in tables]
    _require(path, len(set(folded)) == len(folded), "declares a table twice")
    return Source(
        name=name,
        schema=schema,
        description=(source.get("description") or "").strip(),
        tables=tables,
        declared_in=path,
    )


def _table(path: Path, source: str, schema: str, declared: dict[str, Any]) -> SourceTable:
    # dbt's `identifier` is the table's own name where dbt calls it otherwise.
    name = declared.get("identifier") or declared["name"]
    meta = (declared.get("config") or {}).get("meta") or {}
    unknown = sorted(set(meta) - _TABLE_META)
    _require(path, not unknown, f"has unknown meta keys at {name}: {', '.join(unknown)}")
    columns = tuple(column["name"] for column in declared["columns"])
    key = meta.get("key") or ()
    table = SourceTable(
        schema=schema,
        name=name,
        label=f"{source}.{name}",
        columns=columns,
        key=(key,) if isinstance(key, str) else tuple(key),
        cursor=meta.get("cursor"),
        description=(declared.get("description") or "").strip(),
    )
    folded = [column.lower() for column in columns]
    _require(path, bool(columns), f"declares no column of {name}")
    _require(path, len(set(folded)) == len(folded), f"declares a column of {name} twice")
    ours = sorted(set(folded) & set(TECHNICAL_COLUMNS))
    _require(path, not ours, f"declares {', '.join(ours)} of {name}, which landing itself adds")
    used: Sequence[str] = (*table.key, *((table.cursor,) if table.cursor else ()))
    missing = [column for column in used if column not in columns]
    _require(path, not missing, f"uses {', '.join(missing)} of {name} without declaring it")
    _require(path, not table.cursor or bool(table.key), f"gives {name} a cursor without a key")
    return table


def _require(path: Path, holds: bool, fact: str) -> None:
    if not holds:
        raise StepError(f"{path} {fact}. Correct it.")

"""What an adapter makes of a CRM's tables, as tables for docs/sources.md: read from its own files."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from warehouse.contract import load_contract
from warehouse.sources import declared

_ROWS = re.compile(r"source_rows\('raw_\w+', '(\w+)'\)")
_REF = re.compile(r"ref\('(stg_\w+)'\)")
_NULL = re.compile(r"cast\(null as [\w(), ]+?\)\s+as (\w+)")


def sections(repository: Path) -> dict[str, str]:
    """For every source the tables of its section, by the name of the section."""
    return {f"{name} tables": _section(repository, name) for name in declared.names(repository)}


def _section(repository: Path, name: str) -> str:
    texts = {
        path.stem: path.read_text(encoding="utf-8")
        for path in sorted((repository / "models" / "staging" / name).glob("stg_*.sql"))
    }
    source = declared.load(repository, name)
    lines = ["| contract table | from | always null |", "|---|---|---|"]
    for table in load_contract().tables:
        model = f"stg_{name}__{table.name}"
        if model not in texts:
            continue
        nulls = [
            column
            for column in _NULL.findall(texts[model])
            if column in table.column_names and f" as {column}" in texts[model]
        ]
        always = [
            column
            for column in dict.fromkeys(nulls)
            if len(re.findall(rf"\bas {column}\b", texts[model])) == nulls.count(column)
        ]
        tables = sorted(_tables(model, texts))
        lines.append(
            f"| `{table.name}` | {_listed(tables) or 'built in'} | {_listed(always) or '-'} |"
        )
    given = {table.name for table in load_contract().tables if f"stg_{name}__{table.name}" in texts}
    others = [table.name for table in load_contract().tables if table.name not in given]
    lines += [
        "",
        f"Not given, so from the landing contract if at all: {_listed(others)}.",
        "",
        "| table read | what it holds | key | cursor |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{table.name}` | {table.description} | {_listed(table.key) or '-'} |"
        f" {_listed([table.cursor]) if table.cursor else '-'} |"
        for table in source.tables
    ]
    lines += _meanings(repository, name)
    return "\n".join(lines)


def _tables(model: str, texts: dict[str, str]) -> set[str]:
    """The source's tables that a model reads, itself or through other models of the adapter."""
    text = texts.get(model, "")
    found = set(_ROWS.findall(text))
    for other in _REF.findall(text):
        found |= _tables(other, texts)
    return found


def _meanings(repository: Path, name: str) -> list[str]:
    """What the source's own words mean, by field."""
    words: dict[str, dict[str, list[str]]] = {}
    with (repository / "seeds" / "source_values.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["source_system"] == name:
                meant = words.setdefault(row["field"], {})
                meant.setdefault(row["meaning"] or "nothing", []).append(row["source_value"])
    if not words:
        return []
    lines = ["", "| field | counts as | its own words |", "|---|---|---|"]
    for field, meant in words.items():
        lines += [f"| {field} | `{meaning}` | {', '.join(own)} |" for meaning, own in meant.items()]
    return lines


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)

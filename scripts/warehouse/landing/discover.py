"""Which files of a landing directory belong to which table."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from warehouse.config import path_kind
from warehouse.contract import Contract
from warehouse.errors import InputError

# A directory that is named after a day, such as delta-2025-07-01 or 20250701.
_NAMED_AFTER_A_DAY = re.compile(r"(?:^|\D)\d{4}-?[01]\d-?[0-3]\d(?:\D|$)")
FORMATS = {".csv": "csv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}


@dataclass(frozen=True)
class Part:
    """One file of a table; `label` says where it lies without naming the machine."""

    path: Path
    label: str
    format: str
    gzipped: bool


@dataclass(frozen=True)
class Landing:
    """A landing directory: the parts of each table in contract order, and what is not ours.

    `days` are directories in it that are landing directories of a day: theirs is another load.
    """

    directory: Path
    tables: dict[str, tuple[Part, ...]]
    ignored: tuple[str, ...]
    days: tuple[str, ...] = ()


def discover(
    directory: Path,
    contract: Contract,
    *,
    what: str = "the landing contract",
    page: str = "docs/landing.md",
    example: str = "deals",
) -> Landing:
    """The tables in a landing directory; a directory without any is an InputError.

    `what` names the layout, `page` where it is described, `example` one of its tables.
    """
    entries = _entries(directory)
    if not entries:
        raise InputError(
            f"{directory} is empty: put one file per table there, such as {example}.csv ({page})."
        )
    _check_name(directory.resolve())
    root = directory.resolve().name or "landing"
    found: dict[str, tuple[str, tuple[Part, ...]]] = {}
    ignored: list[str] = []
    days: list[str] = []
    names = [table.name for table in contract.tables]
    for entry in entries:
        if _is_of_a_day(entry, names):
            days.append(_shown(entry.name))
            continue
        table, parts, others = _entry(entry, root, names)
        ignored.extend(others)
        if table is None:
            continue
        if table in found:
            raise InputError(
                f"{directory} holds two entries for {table}: {found[table][0]} and {entry.name}. "
                "Keep one, or put both into one folder of parts."
            )
        found[table] = (entry.name, parts)
    if not found:
        raise InputError(
            f"{directory} holds no table of {what}"
            f" (found: {_short([*(f'{day}/' for day in days), *ignored])}): "
            + (
                f"name the directory of each day, such as {directory / days[0]}."
                if days
                else f"name the files after the tables, such as {example}.csv ({page})."
            )
        )
    return Landing(
        directory=directory,
        tables={name: found[name][1] for name in names if name in found},
        ignored=tuple(ignored),
        days=tuple(days),
    )


def _entries(directory: Path) -> list[Path]:
    kind = path_kind(directory)
    if kind is None:
        raise InputError(f"{directory} does not exist: name a directory with landing files.")
    if kind == "file":
        raise InputError(f"{directory} is no directory: name the directory that holds the file.")
    try:
        return sorted(directory.iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise InputError(
            f"{directory} cannot be read ({error.strerror}): allow reading it."
        ) from error


def _entry(
    entry: Path, root: str, names: list[str]
) -> tuple[str | None, tuple[Part, ...], list[str]]:
    """The table an entry holds, its parts, and what of it is ignored, with the reason."""
    name = _shown(entry.name)
    if entry.is_dir():
        if entry.name not in names:
            return None, (), [f"{name}/ ({_not_a_table(entry.name, names)})"]
        parts, ignored = _folder(entry, root)
        if not parts:
            return None, (), [*ignored, f"{entry.name}/ (holds no part files)"]
        return entry.name, tuple(parts), ignored
    split = _split_name(entry.name)
    if split is None:
        # Hidden files belong to the program that put them there, and hold no rows.
        is_hidden = entry.name.startswith(".")
        return None, (), [] if is_hidden else [f"{name} (neither csv nor parquet nor jsonl)"]
    stem, file_format, gzipped = split
    if stem not in names:
        return None, (), [f"{name} ({_not_a_table(stem, names)})"]
    _check_file(entry)
    return stem, (Part(entry, f"{root}/{entry.name}", file_format, gzipped),), []


def _is_of_a_day(entry: Path, names: list[str]) -> bool:
    """True for a directory that is named after a day and holds tables of its own."""
    if not entry.is_dir() or not _NAMED_AFTER_A_DAY.search(entry.name):
        return False
    try:
        inside = [path.name for path in entry.iterdir()]
    except OSError:
        return False
    return any((split[0] if (split := _split_name(name)) else name) in names for name in inside)


def _folder(folder: Path, root: str) -> tuple[list[Part], list[str]]:
    parts: list[Part] = []
    ignored: list[str] = []
    for path in _entries(folder):
        split = _split_name(path.name)
        if path.is_dir():
            ignored.append(f"{folder.name}/{_shown(path.name)}/ (a folder inside a table's folder)")
        elif split is None or path.name.startswith((".", "_")):
            ignored.append(f"{folder.name}/{_shown(path.name)} (no part file)")
        else:
            _check_file(path)
            parts.append(Part(path, f"{root}/{folder.name}/{path.name}", split[1], split[2]))
    return parts, ignored


def _split_name(name: str) -> tuple[str, str, bool] | None:
    """Stem, format and whether it is gzipped; None for a name of no landing format."""
    gzipped = name.endswith(".gz")
    plain = name.removesuffix(".gz")
    for suffix, file_format in FORMATS.items():
        if plain.endswith(suffix) and plain != suffix:
            return plain.removesuffix(suffix), file_format, gzipped
    return None


def _shown(name: str) -> str:
    """The name of a file; bytes that are no UTF-8, which nothing could be written with, as \\xe9."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")


def _check_name(path: Path) -> None:
    shown = _shown(str(path))
    if shown != str(path):
        raise InputError(f"The name of {shown} is not UTF-8, so DuckDB cannot open it: rename it.")


def _check_file(path: Path) -> None:
    _check_name(path)
    if not path.is_file():
        raise InputError(f"{path} is no readable file: replace it by a regular file.")
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): allow reading it.") from error


def _not_a_table(stem: str, names: list[str]) -> str:
    close = difflib.get_close_matches(stem.lower(), names, n=1, cutoff=0.75)
    return f"no table of the contract; meant {close[0]}?" if close else "no table of the contract"


def _short(texts: list[str], limit: int = 5) -> str:
    return ", ".join(texts[:limit]) + (", ..." if len(texts) > limit else "")

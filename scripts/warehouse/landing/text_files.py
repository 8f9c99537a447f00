"""Text files seen as bytes: what DuckDB's reader is blind to.

`scan` counts what the row count must agree with, cheaply. `rewrite_csv` and `rewrite_jsonl` read
a file that is irregular in any way (mixed line ends, blank lines, broken rows, broken encoding)
line by line, and write it again in one regular form with the physical line of each record, so
that every line of the file is either a row, a blank line or a reject.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from warehouse.errors import InputError

CHUNK = 1 << 20
# Longer lines are rejected: DuckDB's reader keeps whole lines in memory, per thread.
MAX_RECORD = 16 << 20
_UTF8_BOM = b"\xef\xbb\xbf"
_MAGIC = (
    (b"\x1f\x8b", "gzipped", "add .gz to its name"),
    (b"PAR1", "a Parquet file", "name it .parquet"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet", "export it as CSV"),
    (b"\xff\xfe", "UTF-16", "save it as UTF-8"),
    (b"\xfe\xff", "UTF-16", "save it as UTF-8"),
)


@dataclass(frozen=True)
class Scan:
    """Counts of a text file; `lines` are physical lines, the unended last one included."""

    size: int
    lines: int
    trailing_blank_lines: int
    has_mixed_line_ends: bool
    # Only carriage returns end lines; in any other file one alone belongs to the text.
    is_old_mac: bool
    has_quote: bool
    has_nul: bool
    has_bom: bool
    lines_ending_in_comma: int


@dataclass(frozen=True)
class Rewritten:
    """What a rewrite found: records written, and the longest of them in bytes."""

    records: int
    longest: int


def gunzip(path: Path, label: str, target: Path) -> None:
    """Decompress a gzipped file; a truncated or damaged one is an InputError."""
    try:
        if path.stat().st_size == 0:
            # Python takes no bytes for an empty text; even that takes a header.
            raise EOFError("it has no bytes")
        with gzip.open(path) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, CHUNK)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{label} is no complete gzip file ({error}): transfer or compress it again."
        ) from error


def scan(path: Path, label: str) -> Scan:
    """Count what the rows of a file must add up to; another format is an InputError."""
    size = line_ends = commas = returns = 0
    mixed = quote = nul = False
    start = tail = b""
    with path.open("rb") as file:
        # Chunks end with a line, so no pair of bytes is cut in two.
        while chunk := file.read(CHUNK) + file.readline():
            start = start or chunk[:4]
            size += len(chunk)
            line_feeds = chunk.count(b"\n")
            line_ends += line_feeds
            if b"\r" in chunk:
                returns += chunk.count(b"\r")
                mixed = mixed or chunk.count(b"\r\n") != line_feeds
            quote = quote or b'"' in chunk
            nul = nul or b"\0" in chunk
            commas += chunk.count(b",\r\n" if returns else b",\n")
            tail = (tail + chunk)[-4096:]
    for magic, what, remedy in _MAGIC:
        if start.startswith(magic):
            raise InputError(f"{label} is {what}, not a plain UTF-8 text file: {remedy}.")
    unended = bool(tail) and not tail.endswith(b"\n")
    commas += unended and tail.endswith(b",")
    # Line ends that differ, or stand alone, whether inside quotes or not: the rewriting tells.
    mixed = mixed or returns not in (0, line_ends)
    ends = tail.replace(b"\r", b"")
    blank = max(0, len(ends) - len(ends.rstrip(b"\n")) - 1)
    return Scan(
        size=size,
        lines=line_ends + unended,
        trailing_blank_lines=blank,
        has_mixed_line_ends=mixed,
        is_old_mac=returns > 0 and line_ends == 0,
        has_quote=quote,
        has_nul=nul,
        has_bom=start.startswith(_UTF8_BOM),
        lines_ending_in_comma=commas,
    )


def read_header(path: Path, label: str, *, old_mac: bool) -> tuple[list[str], int, int]:
    """The names in a CSV header, its first physical line (from 1) and how many lines it takes."""
    with _lines(path, old_mac=old_mac) as lines:
        record = next(_records(lines, label), None)
    if record is None:
        raise InputError(f"{label} is empty: the first line has to be the header.")
    if record.problem is not None or record.fields is None:
        raise InputError(
            f"{label} has an invalid header ({record.problem}): correct line {record.line}."
        )
    try:
        names = [_utf8(field).strip(" \t") for field in record.fields]
    except UnicodeDecodeError as error:
        raise InputError(
            f"{label} has a header that is not UTF-8: save the file as UTF-8."
        ) from error
    return names, record.line, record.raw.count("\n") + 1


def rewrite_csv(path: Path, label: str, target: Path, *, width: int, old_mac: bool) -> Rewritten:
    """Write every record below the header to `target`: line, problem, raw text, then the fields."""

    def rows(lines: Iterator[str]) -> Iterator[_Record]:
        records = _records(lines, label)
        next(records)
        for record in records:
            yield from (_fitted(piece, width) for piece in _pieces(record, width))

    return _rewrite(path, target, rows, width, old_mac=old_mac)


def _pieces(record: _Record, width: int) -> list[_Record]:
    """The record itself, or those of a line in which carriage returns end some of the rows."""
    fits = record.fields is not None and len(record.fields) == width
    if fits or "\r" not in record.raw or '"' in record.raw:
        return [record]
    return [
        _Record(record.line, text, text.split(","), None)
        for text in record.raw.split("\r")
        if text.strip(_BLANKS)
    ]


def _fitted(record: _Record, width: int) -> _Record:
    """The record, with a problem if it has more or fewer fields than the header."""
    if record.fields is None or len(record.fields) == width:
        return record
    many = "too many" if len(record.fields) > width else "too few"
    problem = f"{many} fields: {len(record.fields)}, the header has {width}"
    return _Record(record.line, record.raw, None, problem)


def rewrite_jsonl(path: Path, target: Path) -> Rewritten:
    """Write every line that is not blank to `target`: line, problem, raw text, then the line."""

    def rows(lines: Iterator[str]) -> Iterator[_Record]:
        for number, text in enumerate(lines, start=1):
            body = text.rstrip("\r\n")
            if body.strip(_BLANKS):
                yield _Record(number, body, [body], None)

    # Inside JSON a carriage return is only white space, so each of them may end a line.
    return _rewrite(path, target, rows, 1, old_mac=True)


class _Record(NamedTuple):
    """One record, its bytes kept as latin-1 characters; `fields` is None if it cannot be split."""

    line: int
    raw: str
    fields: list[str] | None
    problem: str | None


def _rewrite(
    path: Path,
    target: Path,
    rows: Callable[[Iterator[str]], Iterator[_Record]],
    width: int,
    *,
    old_mac: bool,
) -> Rewritten:
    count = longest = 0
    with (
        _lines(path, old_mac=old_mac) as lines,
        target.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for record in rows(lines):
            number, raw, fields, problem = record
            count += 1
            longest = max(longest, len(raw))
            if problem is None:
                problem = _unreadable(raw)
            if problem is not None:
                writer.writerow([number, problem, _shown(raw), *[""] * width])
            elif fields is not None and '"' not in raw and raw.isascii():
                # Nearly every line is as plain as this.
                values = '","'.join(fields)
                file.write(f'"{number}","","","{values}"\n')
            else:
                writer.writerow([number, "", "", *map(_utf8, fields or ())])
    return Rewritten(records=count, longest=longest)


def _shown(raw: str) -> str:
    """The raw text of a reject, with the bytes that are no UTF-8 spelt out."""
    text = raw[:MAX_RECORD].encode("latin-1").decode("utf-8", "backslashreplace")
    return text.replace("\0", "\\x00")


def _unreadable(raw: str) -> str | None:
    if len(raw) > MAX_RECORD:
        return f"the line is longer than {MAX_RECORD >> 20} MB"
    if "\0" in raw:
        return "contains a NUL byte"
    try:
        _utf8(raw)
    except UnicodeDecodeError:
        return "is not UTF-8"
    return None


def _utf8(text: str) -> str:
    return text if text.isascii() else text.encode("latin-1").decode("utf-8")


@contextmanager
def _lines(path: Path, *, old_mac: bool) -> Iterator[Iterator[str]]:
    """The physical lines with their ends, each byte as a latin-1 character."""
    with path.open("rb") as file:
        if file.read(3) != _UTF8_BOM:
            file.seek(0)
        with io.TextIOWrapper(file, encoding="latin-1", newline="" if old_mac else "\n") as text:
            yield text


# A plain field ends at a comma or the line's end; blanks around a quoted field do not count.
_PLAIN = re.compile(r"(?:[^,\r\n]|\r(?!$))*")
_OPENING = re.compile(r' *"')
_AFTER_QUOTE = re.compile(r" *(,|\r?$)")
_BLANKS = " \t"
_LINE_END = re.compile(r"\r?\n$|\r$")


def _records(lines: Iterator[str], label: str) -> Iterator[_Record]:
    """The records of a CSV file with their first physical line; blank lines are none.

    A quote that is still open at the end of the file, or whose end lies in a later line and is
    followed by text, would take other rows with it: that is an InputError.
    """
    number = 0
    for text in lines:
        number += 1
        body = _LINE_END.sub("", text)
        if not body.strip(_BLANKS):
            continue
        if '"' not in body:
            yield _Record(number, body, body.split(","), None)
            continue
        record, taken = _quoted_record(text, lines, number, label)
        yield record
        number += taken


def _quoted_record(text: str, lines: Iterator[str], number: int, label: str) -> tuple[_Record, int]:
    """A record with quotes, and how many further physical lines it takes."""
    fields: list[str] = []
    raw = [text]
    position = 0
    while True:
        opening = _OPENING.match(text, position)
        if opening is None:
            plain = _PLAIN.match(text, position)
            assert plain is not None
            fields.append(plain[0])
            position = plain.end()
            if text[position : position + 1] == ",":
                position += 1
                continue
            break
        opened_on = number + len(raw) - 1
        value: list[str] = []
        position = opening.end()
        while True:
            quote = text.find('"', position)
            if quote < 0:
                value.append(text[position:])
                text = next(lines, "")
                position = 0
                if not text:
                    raise InputError(
                        f"{label}, line {opened_on}: a quote is opened in field {len(fields) + 1} "
                        "and never closed; close it, or double it if it belongs to the text."
                    )
                raw.append(text)
            elif text[quote + 1 : quote + 2] == '"':
                value.append(text[position : quote + 1])
                position = quote + 2
            else:
                value.append(text[position:quote])
                position = quote + 1
                break
        after = _AFTER_QUOTE.match(text, position)
        if after is None:
            if len(raw) > 1:
                raise InputError(
                    f"{label}, line {opened_on}: the quote opened in field {len(fields) + 1} is"
                    f" not closed properly (the next one, in line {number + len(raw) - 1}, does"
                    " not end a value), so the rows between cannot be told apart; close it, or"
                    " double it if it belongs to the text."
                )
            problem = f"text after the closing quote of field {len(fields) + 1}"
            return _Record(number, _LINE_END.sub("", text), None, problem), 0
        fields.append("".join(value))
        position = after.end()
        if after[1] != ",":
            break
    return _Record(number, _LINE_END.sub("", "".join(raw)), fields, None), len(raw) - 1

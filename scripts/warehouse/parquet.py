"""Joins row groups of Parquet files byte by byte, so that what has not changed is not encoded anew.

A Parquet file is a row of column chunks and a footer that says where each of them begins. Row groups
of files of one schema can stand in one file as they are: the bytes are copied, the footer is written
anew with the new places. The footer is Thrift in its compact protocol; only its shape is read here,
and what this module has no name for is passed on as it is.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

_MAGIC = b"PAR1"
_CHUNK = 4 * 1024 * 1024
# Types of Thrift's compact protocol; a bool in a struct is its own type.
# (A map, the eleventh, does not occur in Parquet's footer.)
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET = range(1, 11)
_STRUCT = 12
# Places in the footer, by the numbers of Parquet's own definition.
_SCHEMA, _NUM_ROWS, _ROW_GROUPS = 2, 3, 4
_COLUMNS, _GROUP_ROWS, _GROUP_OFFSET, _GROUP_BYTES, _ORDINAL = 1, 3, 5, 6, 7
_CHUNK_OFFSET, _CHUNK_META, _CHUNK_INDEXES = 2, 3, (4, 6)
_META_BYTES, _META_OFFSETS, _META_BLOOM = 7, (9, 10, 11), 14


class UnjoinableError(Exception):
    """Files whose row groups cannot stand in one file as they are: write the rows anew."""


@dataclass(frozen=True)
class Groups:
    """Some row groups of a file, one after the other."""

    path: Path
    first: int
    count: int


def group_count(path: Path) -> int:
    """How many row groups a file has."""
    with path.open("rb") as stream:
        return len(_groups(_footer(stream)))


def join(sources: Sequence[Groups], target: Path) -> None:
    """Write the row groups of the sources, in this order, as one file."""
    footers: dict[Path, dict[int, Any]] = {}
    joined: dict[int, Any] | None = None
    groups: list[dict[int, Any]] = []
    with target.open("wb") as out:
        out.write(_MAGIC)
        for source in sources:
            with source.path.open("rb") as stream:
                if source.path not in footers:
                    footers[source.path] = _footer(stream)
                footer = footers[source.path]
                joined = joined or footer
                if footer[_SCHEMA] != joined[_SCHEMA]:
                    raise UnjoinableError(f"{source.path} has other columns.")
                wanted = _groups(footer)[source.first : source.first + source.count]
                if len(wanted) != source.count:
                    raise UnjoinableError(f"{source.path} has fewer row groups.")
                for group in wanted:
                    start, size = _extent(group)
                    groups.append(_moved(group, out.tell() - start, len(groups)))
                    _copy(stream, out, start, size)
        if joined is None:
            raise UnjoinableError("There is nothing to join.")
        rows = sum(group[_GROUP_ROWS][1] for group in groups)
        footer = {
            **joined,
            _NUM_ROWS: (_I64, rows),
            _ROW_GROUPS: (_LIST, (_STRUCT, groups)),
        }
        text = bytearray()
        _write_struct(text, footer)
        out.write(text)
        out.write(struct.pack("<I", len(text)) + _MAGIC)


def _groups(footer: dict[int, Any]) -> list[dict[int, Any]]:
    return footer[_ROW_GROUPS][1][1]


def _footer(stream: BinaryIO) -> dict[int, Any]:
    end = stream.seek(0, 2)
    if end < 12:
        raise UnjoinableError("The file is too short for Parquet.")
    stream.seek(end - 8)
    size, magic = struct.unpack("<I4s", stream.read(8))
    if magic != _MAGIC or size > end - 12:
        raise UnjoinableError("The file has no footer of Parquet.")
    stream.seek(end - 8 - size)
    try:
        return _Reader(stream.read(size)).struct()
    except (IndexError, KeyError, struct.error) as error:
        raise UnjoinableError("The footer cannot be read.") from error


def _extent(group: dict[int, Any]) -> tuple[int, int]:
    """Where a row group begins and how many bytes it has; its chunks have to lie side by side."""
    spans = []
    for chunk in group[_COLUMNS][1][1]:
        meta = chunk[_CHUNK_META][1]
        if any(field in chunk for field in _CHUNK_INDEXES) or _META_BLOOM in meta:
            raise UnjoinableError("The file has indexes or filters outside of its row groups.")
        start = min(meta[field][1] for field in _META_OFFSETS if field in meta)
        spans.append((start, meta[_META_BYTES][1]))
    spans.sort()
    begin = position = spans[0][0]
    for start, size in spans:
        if start != position:
            raise UnjoinableError("The chunks of a row group do not lie side by side.")
        position += size
    return begin, position - begin


def _moved(group: dict[int, Any], by: int, ordinal: int) -> dict[int, Any]:
    chunks = []
    for chunk in group[_COLUMNS][1][1]:
        meta = dict(chunk[_CHUNK_META][1])
        for field in _META_OFFSETS:
            if field in meta:
                meta[field] = (_I64, meta[field][1] + by)
        moved = {**chunk, _CHUNK_META: (_STRUCT, meta)}
        # Zero where the writer leaves the place out, as the format now asks.
        if chunk[_CHUNK_OFFSET][1]:
            moved[_CHUNK_OFFSET] = (_I64, chunk[_CHUNK_OFFSET][1] + by)
        chunks.append(moved)
    result = {**group, _COLUMNS: (_LIST, (_STRUCT, chunks))}
    if _GROUP_OFFSET in group:
        result[_GROUP_OFFSET] = (_I64, group[_GROUP_OFFSET][1] + by)
    if _ORDINAL in group:
        # It has 16 bits; readers do not need it.
        result[_ORDINAL] = (_I16, min(ordinal, 0x7FFF))
    return result


def _copy(stream: BinaryIO, out: BinaryIO, start: int, size: int) -> None:
    stream.seek(start)
    while size:
        block = stream.read(min(size, _CHUNK))
        if not block:
            raise UnjoinableError("The file ends inside a row group.")
        out.write(block)
        size -= len(block)


class _Reader:
    """Reads a struct of the compact protocol: its fields by number, each with its type."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0

    def struct(self) -> dict[int, Any]:
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != 0:
            kind, step = head & 0x0F, head >> 4
            number = number + step if step else self._number()
            fields[number] = (kind, self._value(kind))
        return fields

    def _value(self, kind: int) -> Any:
        value: Any = None
        if kind == _BYTE:
            value = self._byte()
        elif kind in (_I16, _I32, _I64):
            value = self._number()
        elif kind == _DOUBLE:
            value = self._bytes(8)
        elif kind == _BINARY:
            value = self._bytes(self._varint())
        elif kind in (_LIST, _SET):
            value = self._list()
        elif kind == _STRUCT:
            value = self.struct()
        elif kind not in (_TRUE, _FALSE):
            raise UnjoinableError(f"The footer has a value of the unknown type {kind}.")
        return value

    def _list(self) -> tuple[int, list[Any]]:
        head = self._byte()
        kind, count = head & 0x0F, head >> 4
        if count == 15:
            count = self._varint()
        if kind in (_TRUE, _FALSE):
            return kind, [self._byte() for _ in range(count)]
        return kind, [self._value(kind) for _ in range(count)]

    def _byte(self) -> int:
        value = self._text[self._at]
        self._at += 1
        return value

    def _bytes(self, size: int) -> bytes:
        value = self._text[self._at : self._at + size]
        if len(value) != size:
            raise IndexError(size)
        self._at += size
        return value

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift

    def _number(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)


def _write_struct(out: bytearray, fields: dict[int, Any]) -> None:
    before = 0
    for number, (kind, value) in sorted(fields.items()):
        step = number - before
        if 0 < step < 16:
            out.append(step << 4 | kind)
        else:
            out.append(kind)
            _write_number(out, number)
        _write_value(out, kind, value)
        before = number
    out.append(0)


def _write_value(out: bytearray, kind: int, value: Any) -> None:
    if kind in (_TRUE, _FALSE):
        return
    if kind == _BYTE:
        out.append(value)
    elif kind in (_I16, _I32, _I64):
        _write_number(out, value)
    elif kind == _DOUBLE:
        out += value
    elif kind == _BINARY:
        _write_varint(out, len(value))
        out += value
    elif kind in (_LIST, _SET):
        _write_list(out, *value)
    else:
        _write_struct(out, value)


def _write_list(out: bytearray, kind: int, values: list[Any]) -> None:
    if len(values) < 15:
        out.append(len(values) << 4 | kind)
    else:
        out.append(0xF0 | kind)
        _write_varint(out, len(values))
    for value in values:
        if kind in (_TRUE, _FALSE):
            out.append(value)
        else:
            _write_value(out, kind, value)


def _write_varint(out: bytearray, value: int) -> None:
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _write_number(out: bytearray, value: int) -> None:
    _write_varint(out, value * 2 if value >= 0 else -value * 2 - 1)

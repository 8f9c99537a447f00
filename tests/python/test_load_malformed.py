"""A hundred ways to get a file wrong: each ends in exact counts, or in one sentence and no change.

Counts are (rows read, landed, duplicates, superseded, rejected).
"""

from __future__ import annotations

import gzip
import json

import duckdb
import pytest

from landing_case import Landing, open_landing
from warehouse.errors import InputError

HEADER = "deal_id,pipeline,stage,amount,created_at,is_deleted,name\n"
ONE = "1,p,s,10,2025-01-01,no,first\n"
TWO = "2,p,s,20,2025-01-02,no,second\n"
OBJECT = {"deal_id": "1", "pipeline": "p", "stage": "s", "created_at": "2025-01-01"}
LINE = json.dumps(OBJECT) + "\n"
SECOND = json.dumps({**OBJECT, "deal_id": "2"}) + "\n"


def row(**values: str) -> str:
    """The second good row with some fields spelt as given."""
    fields = {
        "deal_id": "2", "pipeline": "p", "stage": "s", "amount": "20", "created_at": "2025-01-02",
        "is_deleted": "no", "name": "second", **values,
    }  # fmt: skip
    return ",".join(fields.values()) + "\n"


def csv_with(line: str | bytes) -> bytes:
    """A good row, the line, and another good row."""
    data = line if isinstance(line, bytes) else line.encode()
    return (HEADER + ONE).encode() + data + b"3,p,s,30,2025-01-03,no,third\n"


def jsonl_with(line: str | bytes) -> bytes:
    data = line if isinstance(line, bytes) else line.encode()
    return LINE.encode() + data + json.dumps({**OBJECT, "deal_id": "3"}).encode() + b"\n"


ONE_REJECTED = (3, 2, 0, 0, 1)
ALL_LANDED = (3, 3, 0, 0, 0)

CSV_ROWS = {
    # line between two good rows: what it comes to
    "good": (row(), ALL_LANDED),
    "german decimal": (row(amount='"20,5"'), ONE_REJECTED),
    "unquoted german decimal": (row(amount="20,5"), ONE_REJECTED),
    "thousands separator": (row(amount='"1,000.00"'), ONE_REJECTED),
    "thousands apostrophe": (row(amount="1'000"), ONE_REJECTED),
    "currency sign": (row(amount="€20"), ONE_REJECTED),
    "nan": (row(amount="NaN"), ONE_REJECTED),
    "infinity": (row(amount="inf"), ONE_REJECTED),
    "minus infinity": (row(amount="-Infinity"), ONE_REJECTED),
    "number out of range": (row(amount="1e18"), ONE_REJECTED),
    "number far out of range": (row(amount="1.5e300"), ONE_REJECTED),
    "very many digits": (row(amount="9" * 400), ONE_REJECTED),
    "hexadecimal": (row(amount="0xFF"), ONE_REJECTED),
    "null word": (row(amount="NULL"), ONE_REJECTED),
    "spreadsheet error": (row(amount="#DIV/0!"), ONE_REJECTED),
    "formula in a number": (row(amount="=1+1"), ONE_REJECTED),
    "formula in a text": (row(name="=cmd|' /C calc'!A0"), ALL_LANDED),
    "american date": (row(created_at="01/31/2025"), ONE_REJECTED),
    "german date": (row(created_at="31.01.2025"), ONE_REJECTED),
    "short year": (row(created_at="25-01-31"), ONE_REJECTED),
    "no such day": (row(created_at="2025-02-30"), ONE_REJECTED),
    "no leap day": (row(created_at="2025-02-29"), ONE_REJECTED),
    "month 13": (row(created_at="2025-13-01"), ONE_REJECTED),
    "hour 25": (row(created_at="2025-01-01T25:00"), ONE_REJECTED),
    "leap second": (row(created_at="2016-12-31T23:59:60Z"), ONE_REJECTED),
    "offset too large": (row(created_at="2025-01-01T00:00+99:00"), ONE_REJECTED),
    "zone name": (row(created_at="2025-01-01T00:00 CET"), ONE_REJECTED),
    "unix time": (row(created_at="1735689600"), ONE_REJECTED),
    "excel day": (row(created_at="45658"), ONE_REJECTED),
    "year zero": (row(created_at="0000-01-01"), ONE_REJECTED),
    "five-digit year": (row(created_at="12025-01-01"), ONE_REJECTED),
    "not a time": (row(created_at="NaT"), ONE_REJECTED),
    "yesterday": (row(created_at="yesterday"), ONE_REJECTED),
    "newline inside a date": (row(created_at='"2025-01-02\n"'), ONE_REJECTED),
    "boolean word": (row(is_deleted="nope"), ONE_REJECTED),
    "boolean digit": (row(is_deleted="2"), ONE_REJECTED),
    "missing key": (row(deal_id=""), ONE_REJECTED),
    "missing key in quotes": (row(deal_id='""'), ONE_REJECTED),
    "missing required": (row(stage=""), ONE_REJECTED),
    "missing required date of blanks": (row(created_at="  "), ONE_REJECTED),
    "blank key is a key": (row(deal_id=" "), ALL_LANDED),
    "only commas": (",,,,,,\n", ONE_REJECTED),
    "too few fields": ("2,p,s\n", ONE_REJECTED),
    "one field": ("2\n", ONE_REJECTED),
    "too many fields": (row(name="a,b"), ONE_REJECTED),
    "trailing comma": (row(name="second,"), ONE_REJECTED),
    "many trailing commas": (row(name="second,,,"), ONE_REJECTED),
    "other separator": (row().replace(",", ";"), ONE_REJECTED),
    "tabs": (row().replace(",", "\t"), ONE_REJECTED),
    "blank line": ("\n", (2, 2, 0, 0, 0)),
    "blank lines": ("\n\n\r\n\n", (2, 2, 0, 0, 0)),
    "line of blanks": (" \t \n", (2, 2, 0, 0, 0)),
    "comment": ("# exported by somebody\n", ONE_REJECTED),
    "second header": (HEADER, ONE_REJECTED),
    "total line": ("Total,,,30,,,\n", ONE_REJECTED),
    "text after a quote": (row(name='"a" b'), ONE_REJECTED),
    "unescaped quotes": (row(name='"say "hi" now"'), ONE_REJECTED),
    "escaped by backslash": (row(name=r'"say \"hi\" now"'), ONE_REJECTED),
    "quote inside a text": (row(name='5" pipe'), ALL_LANDED),
    "single quotes": (row(name="'a'"), ALL_LANDED),
    "doubled quotes": (row(name='"say ""hi"""'), ALL_LANDED),
    "only quotes": (row(name='""""""'), ALL_LANDED),
    "quoted newlines": (row(name='"a\n\n\nb"'), ALL_LANDED),
    "quoted carriage return": (row(name='"a\rb"'), ALL_LANDED),
    "quoted rows": (row(name='"a\n9,p,s,1,2025-01-01,no,x\n"'), ALL_LANDED),
    "blanks around quotes": (row(name=' "a" '), ALL_LANDED),
    "crlf amid lf": (row().replace("\n", "\r\n"), ALL_LANDED),
    "carriage return as line end": (row().replace("\n", "\r"), ALL_LANDED),
    "carriage return in a text": (row(name="a\rb"), ALL_LANDED),
    "nul byte": (row(name="a\0b"), ONE_REJECTED),
    "nul bytes only": ("\0\0\0\0\n", ONE_REJECTED),
    "latin-1": (row(name="M\xfcller").encode("latin-1"), ONE_REJECTED),
    "cp1252 dash": (row(name="a \x96 b").encode("latin-1"), ONE_REJECTED),
    "broken utf-8": (row(name="@").encode().replace(b"@", b"\xf0\x9f"), ONE_REJECTED),
    "overlong utf-8": (row(name="@").encode().replace(b"@", b"\xc0\xaf"), ONE_REJECTED),
    "surrogates": (row(name="@").encode().replace(b"@", b"\xed\xa0\x80"), ONE_REJECTED),
    "emoji and bidi": (row(name="🎉 \u202eabc\u200b"), ALL_LANDED),
    "bom in the middle": (row(deal_id="\ufeff2"), ALL_LANDED),
    "control characters": (row(name="a\x01\x07\x1bb"), ALL_LANDED),
    "end-of-file character": ("\x1a\n", ONE_REJECTED),
    "unicode line separator": (row(name="a\u2028b\x85c\x0bd\x0ce"), ALL_LANDED),
    "huge text": (row(name="x" * 2_500_000), ALL_LANDED),
    "huge line of commas": ("," * 300_000 + "\n", ONE_REJECTED),
    "exact duplicate": (ONE, (3, 2, 1, 0, 0)),
    "same key": (row(deal_id="1"), (3, 2, 0, 1, 0)),
    "sql": (row(deal_id="'; drop table raw_crm.deals; --"), ALL_LANDED),
    "path": (row(name="../../etc/passwd"), ALL_LANDED),
}

CSV_FILES = {
    "no final newline": ((HEADER + ONE + TWO)[:-1], (2, 2, 0, 0, 0)),
    "blank lines at the end": (HEADER + ONE + "\n\n\n", (1, 1, 0, 0, 0)),
    "byte-order mark": (b"\xef\xbb\xbf" + (HEADER + ONE).encode(), (1, 1, 0, 0, 0)),
    "byte-order mark and quotes": (
        b"\xef\xbb\xbf" + (HEADER.replace("deal_id", '"deal_id"') + ONE).encode(),
        (1, 1, 0, 0, 0),
    ),
    "crlf": ((HEADER + ONE + TWO).replace("\n", "\r\n"), (2, 2, 0, 0, 0)),
    "old mac": ((HEADER + ONE + TWO).replace("\n", "\r"), (2, 2, 0, 0, 0)),
    "quoted header": (
        ",".join(f'"{name}"' for name in HEADER.strip().split(",")) + "\n" + ONE,
        (1, 1, 0, 0, 0),
    ),
    "blanks in the header": (HEADER.replace(",", " , ") + ONE, (1, 1, 0, 0, 0)),
    "blank lines before the header": ("\n\n" + HEADER + ONE, (1, 1, 0, 0, 0)),
    "all rows broken": (HEADER + "x\ny\nz\n", (3, 0, 0, 0, 3)),
    "header only": (HEADER, (0, 0, 0, 0, 0)),
    "empty": ("", "is empty"),
    "only a newline": ("\n", "is empty"),
    "only a byte-order mark": (b"\xef\xbb\xbf", "is empty"),
    "no header": (ONE + TWO, "lacks the required columns deal_id, pipeline, stage, created_at"),
    "missing required column": (
        HEADER.replace("stage", "phase") + ONE,
        "lacks the required column stage",
    ),
    "missing key column": (HEADER.replace("deal_id", "id") + ONE, "required column deal_id"),
    "upper case header": (HEADER.upper() + ONE, "names are compared exactly"),
    "semicolons": ((HEADER + ONE).replace(",", ";"), "Is the separator a comma?"),
    "tabs": ((HEADER + ONE).replace(",", "\t"), "Is the separator a comma?"),
    "pipes": ((HEADER + ONE).replace(",", "|"), "Is the separator a comma?"),
    "duplicate header": (HEADER.replace("name", "stage") + ONE, "column stage is there twice"),
    "duplicate unknown header": (
        HEADER.replace("\n", ",x,x\n") + ONE.replace("\n", ",1,2\n"),
        "column x is there twice",
    ),
    "nameless header": (HEADER.replace("name", "") + ONE, "column 7 has no name"),
    "index column": ("," + HEADER + "0," + ONE, "column 1 has no name"),
    "unclosed quote in the header": ('"' + HEADER + ONE, "a quote is opened"),
    "unclosed quote at the end": (HEADER + ONE + '2,p,s,20,2025-01-02,no,"x\n', "never closed"),
    "unclosed quote in the middle": (
        HEADER + '1,p,s,10,2025-01-01,no,"x\n' + TWO * 9 + '3,p,s,1,2025-01-01,no,"y"\n',
        "line 2: the quote opened in field 7 is not closed properly",
    ),
    "quote that swallows the header": (
        HEADER.replace("name", '"na') + ONE + TWO,
        "a quote is opened",
    ),
    "utf-16": ((HEADER + ONE).encode("utf-16"), "is UTF-16"),
    "utf-16 big endian": (b"\xfe\xff" + (HEADER + ONE).encode("utf-16-be"), "is UTF-16"),
    "utf-16 without a mark": ((HEADER + ONE).encode("utf-16-le"), "lacks the required column"),
    "latin-1 header": (HEADER.replace("name", "n\xe4me").encode("latin-1"), "is not UTF-8"),
    "gzip": (gzip.compress((HEADER + ONE).encode()), "is gzipped"),
    "spreadsheet": (b"PK\x03\x04" + b"\0" * 100, "a spreadsheet"),
    "parquet": (b"PAR1" + b"\0" * 100, "is a Parquet file"),
    "json": (LINE, "has an invalid header"),
    "html": ("<!doctype html>\n<html><body>Log in</body></html>\n", "lacks the required columns"),
    "random bytes": (bytes(range(1, 256)) * 40, "deals.csv"),
}

JSON_ROWS = {
    "good": (SECOND, ALL_LANDED),
    "no json": ("{deal_id: 2}\n", ONE_REJECTED),
    "single quotes": (SECOND.replace('"', "'"), ONE_REJECTED),
    "cut off": (SECOND[:-10] + "\n", ONE_REJECTED),
    "two objects": (SECOND.strip() + SECOND, ONE_REJECTED),
    "a list": ("[1, 2]\n", ONE_REJECTED),
    "a text": ('"deal"\n', ONE_REJECTED),
    "a number": ("42\n", ONE_REJECTED),
    "null": ("null\n", ONE_REJECTED),
    "empty object": ("{}\n", ONE_REJECTED),
    "blank line": ("\n", (2, 2, 0, 0, 0)),
    "line of blanks": ("  \t\n", (2, 2, 0, 0, 0)),
    "pretty printed": (json.dumps({**OBJECT, "deal_id": "2"}, indent=1) + "\n", (8, 2, 0, 0, 6)),
    "key twice": (SECOND.replace("}", ', "deal_id": "9"}'), ONE_REJECTED),
    "missing key": (SECOND.replace('"deal_id": "2", ', ""), ONE_REJECTED),
    "null key": (SECOND.replace('"2"', "null"), ONE_REJECTED),
    "empty key": (SECOND.replace('"2"', '""'), ONE_REJECTED),
    "number as key": (SECOND.replace('"2"', "2"), ALL_LANDED),
    "list as key": (SECOND.replace('"2"', "[2]"), ONE_REJECTED),
    "object as text": (SECOND.replace('"s"', '{"a": 1}'), ONE_REJECTED),
    "object in an unknown key": (SECOND.replace("}", ', "x": {"a": [1]}}'), ALL_LANDED),
    "nan": (SECOND.replace("}", ', "amount": NaN}'), ONE_REJECTED),
    "infinity": (SECOND.replace("}", ', "amount": -Infinity}'), ONE_REJECTED),
    "huge number": (SECOND.replace("}", ', "amount": 1e400}'), ONE_REJECTED),
    "many digits": (SECOND.replace("}", f', "amount": {"7" * 60}}}'), ONE_REJECTED),
    "text for a number": (SECOND.replace("}", ', "amount": "12,5"}'), ONE_REJECTED),
    "unix time": (SECOND.replace('"2025-01-01"', "1735689600"), ONE_REJECTED),
    "boolean word": (SECOND.replace("}", ', "is_deleted": "maybe"}'), ONE_REJECTED),
    "lone surrogate": (SECOND.replace('"2"', r'"\ud800"'), ONE_REJECTED),
    "broken utf-8": (SECOND.encode().replace(b'"s"', b'"\xff"'), ONE_REJECTED),
    "nul byte": (SECOND.replace('"s"', '"\0"'), ONE_REJECTED),
    "control character": (SECOND.replace('"s"', '"\x01"'), ONE_REJECTED),
    "crlf": (SECOND.replace("\n", "\r\n"), ALL_LANDED),
    "deep nesting": (SECOND.replace("}", f', "x": {"[" * 50_000}{"]" * 50_000}}}'), ALL_LANDED),
    "deep and unbalanced": (SECOND.replace("}", f', "x": {"[" * 50_000}}}'), ONE_REJECTED),
    "huge text": (SECOND.replace('"s"', f'"{"s" * 2_500_000}"'), ALL_LANDED),
    "exact duplicate": (LINE, (3, 2, 1, 0, 0)),
}

OTHER_FILES = {
    "deals.jsonl": {
        "one array": (f"[{LINE.strip()}]\n", "one object per line, not one array"),
        "one pretty array": ("[\n  {\n" + LINE.strip("{}\n") + "\n}\n]\n", "JSON object"),
        "csv": (HEADER + ONE, "holds no line with a JSON object"),
        "missing required key": ('{"deal_id": "1"}\n', "lacks the required columns"),
        "utf-16": (LINE.encode("utf-16"), "is UTF-16"),
        "gzip": (gzip.compress(LINE.encode()), "is gzipped"),
        "empty": ("", (0, 0, 0, 0, 0)),
        "byte-order mark": (b"\xef\xbb\xbf" + LINE.encode(), (1, 1, 0, 0, 0)),
        "thousands of keys": (
            json.dumps({**OBJECT, **{f"k{n}": 1 for n in range(3_000)}}) + "\n",
            "more than 2000 different keys",
        ),
    },
    "deals.parquet": {
        "empty": ("", "is no readable Parquet file"),
        "text": (HEADER + ONE, "is no readable Parquet file"),
        "gzip": (gzip.compress(b"PAR1"), "is no readable Parquet file"),
        "marks only": (b"PAR1PAR1", "is no readable Parquet file"),
    },
    "deals.csv.gz": {
        "plain": (HEADER + ONE, "is no complete gzip file"),
        "cut off": (gzip.compress((HEADER + ONE * 50).encode())[:60], "is no complete gzip file"),
        "empty": ("", "is no complete gzip file"),
        "damaged": (
            gzip.compress((HEADER + ONE).encode())[:-8] + b"\0" * 8,
            "is no complete gzip file",
        ),
        "trailing bytes": (
            gzip.compress((HEADER + ONE).encode()) + b"garbage",
            "is no complete gzip file",
        ),
        "two members": (
            gzip.compress((HEADER + ONE).encode()) + gzip.compress(TWO.encode()),
            (2, 2, 0, 0, 0),
        ),
    },
    "deals.jsonl.gz": {
        "empty": ("", "is no complete gzip file"),
        "no lines": (gzip.compress(b""), (0, 0, 0, 0, 0)),
    },
    "deals.parquet.gz": {
        "plain": (b"PAR1" * 10, "is no complete gzip file"),
        "text": (gzip.compress(HEADER.encode()), "is no readable Parquet file"),
    },
}

CASES = [
    *[(f"csv row: {n}", "deals.csv", csv_with(line), want) for n, (line, want) in CSV_ROWS.items()],
    *[(f"csv: {n}", "deals.csv", content, want) for n, (content, want) in CSV_FILES.items()],
    *[
        (f"json line: {n}", "deals.jsonl", jsonl_with(line), want)
        for n, (line, want) in JSON_ROWS.items()
    ],
    *[
        (f"{file}: {n}", file, content, want)
        for file, cases in OTHER_FILES.items()
        for n, (content, want) in cases.items()
    ],
]


@pytest.fixture(scope="module")
def landing(tmp_path_factory) -> Landing:
    # One database for all cases; each begins by emptying the tables.
    case = open_landing(tmp_path_factory.mktemp("malformed"))
    yield case
    case.connection.close()


@pytest.mark.parametrize(
    ("file", "content", "want"),
    [pytest.param(*case, id=name) for name, *case in CASES],
)
def test_a_malformed_file_is_counted_exactly_or_refused(landing, file, content, want):
    for table in ("raw_crm.deals", "raw_crm.deals__history", "ops.loads", "ops.rejects"):
        landing.connection.execute(f"delete from {table}")
    directory = landing.directory(f"case-{len(list(landing.root.glob('case-*')))}")
    data = content.encode() if isinstance(content, str) else content
    (directory / file).write_bytes(data)
    if isinstance(want, str):
        before = landing.dump()
        with pytest.raises(InputError) as error:
            landing.load(directory)
        message = str(error.value)
        assert want in message
        assert f"/{file}" in message
        assert "\n" not in message
        assert landing.dump() == before
        return
    (loaded,) = landing.load(directory).tables
    found = (
        loaded.rows_read, loaded.rows_landed, loaded.duplicates, loaded.superseded, loaded.rejected,
    )  # fmt: skip
    assert found == want, [reject.reason for reject in landing.rejects()]
    assert landing.value("select count(*) from raw_crm.deals") == loaded.rows_landed
    assert landing.value("select count(*) from ops.rejects where reason <> ''") == loaded.rejected
    # Whoever looks for a rejected row finds it in the line that is named.
    lines = data.removeprefix(b"\xef\xbb\xbf").splitlines() if file == "deals.csv" else []
    for reject in landing.rejects():
        assert reject.source_line is not None
        assert reject.source_line <= max(len(lines), 12)


def test_there_are_more_than_a_hundred_cases_and_both_kinds_are_many():
    assert len({name for name, *_ in CASES}) == len(CASES) > 150
    assert sum(isinstance(want, str) for *_, want in CASES) > 30


def test_a_parquet_file_with_the_wrong_shape_is_counted_or_refused(landing):
    good = "'p' as pipeline, 's' as stage, timestamp '2025-01-01' as created_at"
    for number, (select, want) in enumerate(
        [
            (f"select '1' as deal_id, {good}, [1] as amount", 1),
            (f"select '1' as deal_id, {good}, {{'a': 1}} as name", 1),
            (f"select null::varchar as deal_id, {good}", 1),
            (f"select '\\xff'::blob as deal_id, {good}", "is no readable Parquet file"),
            ("select '1' as deal_id", "lacks the required columns"),
            (f"select '1' as \"Deal_Id\", {good}", "lacks the required column deal_id"),
            (f"select '1' as deal_id, {good}, interval 1 day as amount", 1),
        ]
    ):
        directory = landing.directory(f"shape-{number}")
        path = directory / "deals.parquet"
        landing.connection.execute("delete from raw_crm.deals")
        landing.connection.execute(f"copy ({select}) to '{path}' (format parquet)")
        if isinstance(want, str):
            with pytest.raises(InputError, match=want):
                landing.load(directory)
        else:
            (loaded,) = landing.load(directory).tables
            assert (loaded.rows_read, loaded.rows_landed, loaded.rejected) == (1, 0, want)


def test_a_duckdb_file_and_a_folder_named_like_a_file_are_refused(landing):
    directory = landing.directory("odd")
    other = duckdb.connect(str(directory / "deals.csv"))
    other.execute("create table t (i int)")
    other.close()
    with pytest.raises(InputError, match=r"deals\.csv"):
        landing.load(directory)
    (directory / "deals.csv").unlink()
    (directory / "deals.csv").mkdir()
    with pytest.raises(InputError, match="holds no table of the landing contract"):
        landing.load(directory)

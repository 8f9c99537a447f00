"""Which files landing takes, in which formats, and what it says about those it cannot read."""

from __future__ import annotations

import errno
import gzip
import os
from pathlib import Path

import pytest

from landing_case import Landing, jsonl, open_landing
from warehouse.contract import load_contract
from warehouse.errors import InputError, StepError
from warehouse.landing import text_files
from warehouse.landing.discover import discover

PRODUCTS = "product_id,name\n1,one\n2,two\n"


@pytest.fixture
def landing(tmp_path) -> Landing:
    case = open_landing(tmp_path)
    yield case
    case.connection.close()


def parquet_bytes(landing: Landing, select: str) -> bytes:
    path = landing.root / "written.parquet"
    landing.connection.execute(f"copy ({select}) to '{path}' (format parquet)")
    return path.read_bytes()


def products(landing: Landing) -> list[tuple]:
    return landing.rows("select product_id, name from raw_crm.products order by all")


@pytest.mark.parametrize(
    "name",
    [
        "products.csv", "products.csv.gz", "products.jsonl", "products.jsonl.gz", "products.ndjson",
        "products.ndjson.gz", "products.parquet", "products.parquet.gz", "products/a.csv",
        "products/a.csv.gz", "products/any name.jsonl", "products/part-0.parquet",
    ],
)  # fmt: skip
def test_every_format_lands_plain_gzipped_and_as_a_part(landing, name):
    if "csv" in name:
        content: str | bytes = PRODUCTS
    elif "parquet" in name:
        content = parquet_bytes(
            landing, "select unnest(['1','2']) as product_id, unnest(['one','two']) as name"
        )
    else:
        content = jsonl({"product_id": "1", "name": "one"}, {"product_id": "2", "name": "two"})
    loaded = landing.load_files({name: content})
    assert (loaded.rows_read, loaded.rows_landed) == (2, 2)
    assert products(landing) == [("1", "one"), ("2", "two")]
    lines = [line for (line,) in landing.rows("select _source_line from raw_crm.products")]
    assert sorted(lines) == ([2, 3] if "csv" in name else [1, 2])
    assert landing.rows("select distinct _source_file from raw_crm.products") == [
        (f"landing-0/{name}",)
    ]


def test_parts_of_all_formats_in_one_folder_are_read_in_the_order_of_their_names(landing):
    loaded = landing.load_files(
        {
            "products/a.jsonl": jsonl({"product_id": "1", "name": "first"}),
            "products/b.csv.gz": "product_id,name\n1,second\n2,b\n",
            "products/c.parquet": parquet_bytes(
                landing, "select '1' as product_id, 'last' as name"
            ),
            "products/_SUCCESS": "",
        }
    )
    assert (loaded.rows_read, loaded.superseded, loaded.conflicts) == (4, 2, 2)
    assert products(landing) == [("1", "last"), ("2", "b")]
    assert landing.rows(
        "select _source_file, _source_line from raw_crm.products order by product_id"
    ) == [("landing-0/products/c.parquet", 1), ("landing-0/products/b.csv.gz", 3)]


def test_columns_may_come_in_any_order(landing):
    landing.load_files({"products.csv": "currency,name,list_price,product_id\nEUR,one,5,1\n"})
    assert landing.rows(
        "select product_id, name, category, list_price::int, currency from raw_crm.products"
    ) == [("1", "one", None, 5, "EUR")]


def test_unknown_columns_are_kept_and_reported(landing):
    loaded = landing.load_files(
        {"products.csv": "product_id,we\"ird ' name,name,zz,Name\n1,ä,one,,x\n2,,two,,\n"}
    )
    assert loaded.extra_columns == ("Name", "we\"ird ' name", "zz")
    assert landing.rows("select product_id, _extra_columns from raw_crm.products order by 1") == [
        ("1", '{"Name":"x","we\\"ird \' name":"ä"}'),
        ("2", None),
    ]


def test_unknown_keys_of_json_are_kept_whatever_they_hold(landing):
    landing.load_files(
        {
            "products.jsonl": '{"product_id":"1","name":"x","a/b~c\\"":{"k": [1, null]},"":true}\n'
            '{"product_id":"2","name":"y","n":1.5}\n'
        }
    )
    assert landing.rows("select _extra_columns from raw_crm.products order by product_id") == [
        ('{"":"true","a/b~c\\"":"{\\"k\\":[1,null]}"}',),
        ('{"n":"1.5"}',),
    ]


def test_file_names_are_never_patterns(landing):
    directory = landing.directory("we[i]rd*?{a,b}'s; x=1")
    (directory / "products").mkdir()
    for name, content in (("a*.csv", "1,star"), ("ab.csv", "2,plain"), ("[x].csv", "3,bracket")):
        (directory / "products" / name).write_text(f"product_id,name\n{content}\n")
    landing.load(directory)
    assert products(landing) == [("1", "star"), ("2", "plain"), ("3", "bracket")]
    # A directory that looks like a partition adds no column.
    assert landing.rows("select distinct _extra_columns from raw_crm.products") == [(None,)]


def test_formulas_and_sql_in_values_are_only_text(landing):
    evil = "'); drop table raw_crm.products; --"
    landing.load_files({"products.csv": f'product_id,name,"{evil}"\n=1+1,{evil},x\n'})
    assert products(landing) == [("=1+1", evil)]


def test_physical_lines_are_right_behind_newlines_in_values(landing):
    landing.load_files(
        {"products.csv": 'product_id,"na\nme",name\n1,x,"a\nb\n\nc"\n2,"\n",d\n3,x,e\n4,,\n5,x,f\n'}
    )
    assert landing.rows("select product_id, _source_line from raw_crm.products order by 1") == [
        ("1", 3), ("2", 7), ("3", 9), ("5", 11),
    ]  # fmt: skip
    assert [(r.source_line, r.reason) for r in landing.rejects()] == [
        (10, "name is empty, but required")
    ]


def test_physical_lines_are_right_behind_blank_lines(landing):
    landing.load_files({"products.csv": "product_id,name\n1,one\n\n\n2,two\n\n3,\n\n"})
    assert landing.rows("select product_id, _source_line from raw_crm.products order by 1") == [
        ("1", 2),
        ("2", 5),
    ]
    assert [reject.source_line for reject in landing.rejects()] == [7]


def test_physical_lines_are_right_in_an_irregular_file(landing):
    landing.load_files(
        {
            "products.csv": b'\xef\xbb\xbf\r\n \nproduct_id,name\r\n1,one\n\n2,"t\r\nwo"\r\n3\n'
            b'4,fo\xfcr\n5,five,x\r6,six\r\n7,"se"ven\n8,ei\0ght\n\n\n9,nine'
        }
    )
    landed = "select product_id, name, _source_line from raw_crm.products order by 1"
    assert landing.rows(landed) == [
        ("1", "one", 4), ("2", "t\r\nwo", 6), ("6", "six", 10), ("9", "nine", 15),
    ]  # fmt: skip
    assert [(r.source_line, r.reason, r.raw_text) for r in landing.rejects()] == [
        (8, "too few fields: 1, the header has 2", "3"),
        (9, "is not UTF-8", "4,fo\\xfcr"),
        (10, "too many fields: 3, the header has 2", "5,five,x"),
        (11, "text after the closing quote of field 2", '7,"se"ven'),
        (12, "contains a NUL byte", "8,ei\\x00ght"),
    ]


def test_physical_lines_of_json_lines_are_right(landing):
    landing.load_files(
        {"products.jsonl": '\n{"product_id":"1","name":"x"}\n\n \n{"product_id":\n[1]\n\n'
         '{"product_id":"2","name":"y","product_id":"3"}\n{"product_id":"4","name":"z"}'}
    )  # fmt: skip
    assert landing.rows("select product_id, _source_line from raw_crm.products order by 1") == [
        ("1", 2), ("4", 9),
    ]  # fmt: skip
    assert [(r.source_line, r.reason, r.raw_text) for r in landing.rejects()] == [
        (5, "is no JSON", '{"product_id":'),
        (6, "is no JSON object", "[1]"),
        (8, "names a key twice", '{"product_id":"2","name":"y","product_id":"3"}'),
    ]


def test_a_trailing_comma_is_one_field_too_many(landing):
    # DuckDB's own reader takes it for no field at all.
    loaded = landing.load_files(
        {"products.csv": "product_id,name,category\n1,one,\n2,two,x,\n3,three,x\n"}
    )
    assert (loaded.rows_landed, loaded.rejected) == (2, 1)
    assert landing.rejects()[0].reason == "too many fields: 4, the header has 3"


def test_a_blank_line_of_a_file_with_one_column_is_no_row(landing):
    loaded = landing.load_files({"accounts.csv": 'account_id\na\n\n""\nb\n   \n'})
    assert (loaded.rows_read, loaded.rows_landed, loaded.rejected) == (3, 2, 1)
    assert landing.rejects()[0].source_line == 4


def test_a_value_of_several_megabytes_lands_or_is_rejected_with_its_line(landing):
    big, huge = "x" * 3_000_000, "y" * 17_000_000
    loaded = landing.load_files({"products.csv": f"product_id,name\n1,{big}\n2,{huge}\n3,z\n"})
    assert (loaded.rows_landed, loaded.rejected) == (2, 1)
    assert landing.rows("select product_id, length(name) from raw_crm.products order by 1") == [
        ("1", 3_000_000),
        ("3", 1),
    ]
    assert (landing.rejects()[0].source_line, landing.rejects()[0].reason) == (
        3,
        "the line is longer than 16 MB",
    )
    loaded = landing.load_files({"products.jsonl": jsonl({"product_id": "4", "name": big})})
    assert loaded.rows_landed == 1


def test_json_nested_a_million_deep_does_no_harm(landing):
    deep = "[" * 1_000_000 + "]" * 1_000_000
    landing.load_files({"products.jsonl": f'{{"product_id":"1","name":"x","deep":{deep}}}\n'})
    assert landing.value("select length(_extra_columns) from raw_crm.products") > 2_000_000


def test_a_carriage_return_alone_belongs_to_the_text(landing):
    landing.load_files(
        {"products.csv": b"product_id,name,category\n1,a\rb,c\r\n2,x,y\rz\n3,\r,d\n"}
    )
    assert landing.rows("select product_id, name, category from raw_crm.products order by 1") == [
        ("1", "a\rb", "c"),
        ("2", "x", "y\rz"),
        ("3", "\r", "d"),
    ]


def test_an_unterminated_quote_amid_a_million_rows_loses_none_without_a_word(landing):
    lines = [f"{n},name {n}" for n in range(1_000_000)]
    lines[500_000] = '500000,"name 500000'
    lines[600_000] = '600000,"a ""quoted"" name"'
    with pytest.raises(
        InputError, match=r"products\.csv, line 500002: the quote opened in field 2 .* line 600002"
    ):
        landing.load_files({"products.csv": "product_id,name\n" + "\n".join(lines) + "\n"})
    assert landing.value("select count(*) from raw_crm.products") == 0
    lines[600_000] = "600000,x"
    with pytest.raises(InputError, match=r"line 500002: a quote is opened .* and never closed"):
        landing.load_files({"products.csv": "product_id,name\n" + "\n".join(lines) + "\n"})


def test_a_bad_quote_within_one_line_rejects_that_line_only(landing):
    lines = [f"{n},name {n}" for n in range(5_000)]
    lines[2_000] = '2000,"name" 2000'
    loaded = landing.load_files({"products.csv": "product_id,name\n" + "\n".join(lines) + "\n"})
    assert (loaded.rows_read, loaded.rows_landed, loaded.rejected) == (5_000, 4_999, 1)
    assert (
        landing.value("select _source_line from raw_crm.products where product_id='4999'") == 5_001
    )


def test_mixed_line_ends_lose_nothing(landing):
    loaded = landing.load_files({"products.csv": b"product_id,name\n1,a\r\n2,b\n3,c\r4,d"})
    assert loaded.rows_landed == 4
    loaded = landing.load_files({"users.csv": b"user_id,role\r1,ae\r2,ae\r"})
    assert loaded.rows_landed == 2
    loaded = landing.load_files(
        {"locations.jsonl": b'{"location_id":"1"}\r\n{"location_id":"2"}\n'}
    )
    assert loaded.rows_landed == 2


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"products.csv": ""}, "products.csv is empty: the first line has to be the header"),
        ({"products.csv": "\n\n"}, "is empty: the first line has to be the header"),
        ({"products.csv": "product_id\n1\n"}, "products.csv lacks the required column name"),
        ({"products.csv": "Product_ID,name\n1,x\n"}, "It has 'Product_ID': names are compared"),
        ({"products.csv": "product_id;name\n1;x\n"}, "Is the separator a comma?"),
        ({"products.csv": "product_id\tname\n1\tx\n"}, "Is the separator a comma?"),
        ({"products.csv": "product_id,name,name\n1,x,y\n"}, "column name is there twice"),
        ({"products.csv": "product_id,name,\n1,x,\n"}, "column 3 has no name"),
        ({"products.csv": 'product_id,"name\n1,x\n'}, "line 1: a quote is opened in field 2"),
        ({"products.csv": 'product_id,"na"me\n1,x\n'}, "has an invalid header"),
        ({"products.csv": b"product_id,n\xe4me\n1,x\n"}, "header that is not UTF-8"),
        ({"products.csv": "product_id,name\n1,x\n".encode("utf-16")}, "is UTF-16"),
        ({"products.csv": gzip.compress(b"product_id,name\n")}, "is gzipped"),
        ({"products.csv": b"PK\x03\x04zip"}, "is a zip archive or a spreadsheet"),
        ({"products.csv": b"PAR1xxxx"}, "is a Parquet file"),
        ({"products.csv": '{"product_id": "1"}\n'}, "lacks the required columns"),
        ({"products.jsonl": "product_id,name\n1,x\n"}, "holds no line with a JSON object"),
        ({"products.jsonl": '[\n{"product_id":"1"}\n]\n'[:2]}, "holds no line with a JSON object"),
        ({"products.jsonl": '[{"product_id":"1","name":"x"}]'}, "one object per line"),
        ({"products.jsonl": '{"product_id":"1"}\n'}, "lacks the required column name"),
        ({"products.parquet": "product_id,name\n"}, "is no readable Parquet file"),
        ({"products.parquet": ""}, "is no readable Parquet file"),
        ({"products/a.csv": PRODUCTS, "products/b.csv": "x\n1\n"}, "b.csv lacks the required"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(landing, files, message):
    before = landing.dump()
    with pytest.raises(InputError) as error:
        landing.load_files({"users.csv": "user_id,role\n1,ae\n", **files})
    assert message in str(error.value)
    assert str(error.value).startswith("landing-0/products")
    assert "\n" not in str(error.value)
    assert landing.dump() == before


def test_a_truncated_gzip_or_parquet_file_stops_the_load(landing):
    whole = gzip.compress(PRODUCTS.encode() * 1000)
    directory = landing.directory()
    (directory / "products.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"products\.csv\.gz is no complete gzip file"):
        landing.load(directory)
    (directory / "products.csv.gz").write_bytes(PRODUCTS.encode())
    with pytest.raises(InputError, match=r"products\.csv\.gz is no complete gzip file"):
        landing.load(directory)
    (directory / "products.csv.gz").unlink()
    data = parquet_bytes(
        landing, "select i::varchar as product_id, md5(i::varchar) as name from range(9999) t(i)"
    )
    for broken in (data[: len(data) // 2], data[:1000] + b"\0" * 5000 + data[6000:]):
        (directory / "products.parquet").write_bytes(broken)
        with pytest.raises(InputError, match=r"products\.parquet"):
            landing.load(directory)
    assert landing.value("select count(*) from raw_crm.products") == 0
    # The connection is as good as new.
    (directory / "products.parquet").write_bytes(data)
    landing.load(directory)
    assert landing.value("select count(*) from raw_crm.products") == 9999


def test_a_full_disk_is_no_fault_of_the_file(landing, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(text_files, "gunzip", full)
    with pytest.raises(StepError, match=r"products\.csv\.gz cannot be unpacked .* disk is full"):
        landing.load_files({"products.csv.gz": PRODUCTS})
    assert landing.value("select count(*) from raw_crm.products") == 0


def test_two_entries_for_one_table_are_refused(landing):
    for other in ("products.csv.gz", "products.parquet", "products.ndjson", "products/a.csv"):
        with pytest.raises(InputError, match=r"holds two entries for products: "):
            landing.load_files({"products.csv": PRODUCTS, other: PRODUCTS})


def test_a_directory_without_anything_to_land_is_refused(landing):
    with pytest.raises(InputError, match="does not exist"):
        landing.load(landing.root / "nowhere")
    with pytest.raises(InputError, match="is no directory"):
        landing.load(landing.root / "warehouse.duckdb")
    empty = landing.directory()
    with pytest.raises(InputError, match="is empty"):
        landing.load(empty)
    (empty / "deal.csv").write_text(PRODUCTS)
    with pytest.raises(InputError, match=r"no table of the landing contract .*meant deals\?"):
        landing.load(empty)
    (empty / "products").mkdir()
    with pytest.raises(InputError, match="holds no part files"):
        landing.load(empty)


def test_what_is_no_landing_file_is_reported_and_absent_tables_are_named(landing):
    directory = landing.directory()
    (directory / "products").mkdir()
    (directory / "products" / "deeper").mkdir()
    (directory / "products" / "notes.txt").write_text("x")
    (directory / "products" / "a.csv").write_text(PRODUCTS)
    (directory / "README.md").write_text("x")
    (directory / "leeds.csv").write_text("x")
    (directory / "archive").mkdir()
    result = landing.load(directory)
    assert result.ignored == (
        "README.md (neither csv nor parquet nor jsonl)",
        "archive/ (no table of the contract)",
        "leeds.csv (no table of the contract; meant leads?)",
        "products/deeper/ (a folder inside a table's folder)",
        "products/notes.txt (no part file)",
    )
    assert "deals" in result.absent
    assert "products" not in result.absent
    assert len(result.absent) == 19


def test_names_that_are_no_utf8_are_shown_and_never_opened(landing):
    directory = landing.directory()
    (directory / "products.csv").write_text(PRODUCTS)
    stranger = os.fsdecode(os.fsencode(directory) + b"/caf\xe9.csv")
    Path(stranger).write_text("x")
    assert landing.load(directory).ignored == ("caf\\xe9.csv (no table of the contract)",)
    part = directory / "leads" / os.fsdecode(b"p\xe9.csv")
    part.parent.mkdir()
    part.write_text("lead_id,created_at\n1,2025-01-01\n")
    with pytest.raises(InputError, match=r"leads/p\\xe9\.csv is not UTF-8.*rename it"):
        landing.load(directory)
    part.parent.rename(part.parent.with_name(os.fsdecode(b"l\xe9")))
    whole = directory.rename(directory.with_name(os.fsdecode(b"l\xe9")))
    with pytest.raises(InputError, match=r"l\\xe9 is not UTF-8"):
        landing.load(whole)


def test_a_parquet_column_may_be_called_as_duckdb_calls_its_row_numbers(landing):
    select = "select 'a' as product_id, 'b' as name, 7 as file_row_number"
    loaded = landing.load_parquet("products", select)
    assert (loaded.rows_inserted, loaded.extra_columns) == (1, ("file_row_number",))


def test_an_error_in_a_later_directory_undoes_the_earlier_ones(landing):
    good, bad = landing.directory(), landing.directory()
    (good / "products.csv").write_text(PRODUCTS)
    (bad / "products.csv").write_text("nonsense\n1\n")
    before = landing.dump()
    with pytest.raises(InputError):
        landing.load(good, bad)
    assert landing.dump() == before


def test_empty_files_with_a_header_land_no_rows(landing):
    for name, content in (
        ("products.csv", "product_id,name\n"),
        ("products.csv", "product_id,name"),
        ("products.jsonl", ""),
        ("products.jsonl", "\n\n"),
    ):
        loaded = landing.load_files({name: content})
        assert (loaded.rows_read, loaded.rejected) == (0, 0)
    loaded = landing.load_parquet("products", "select '' as product_id, '' as name limit 0")
    assert loaded.rows_read == 0


def test_column_names_that_differ_in_case_only_are_different_columns(landing):
    select = "select '1' as product_id, 'one' as name"
    path = landing.root / "x.parquet"
    landing.connection.execute(f"copy ({select}) to '{path}' (format parquet)")
    landing.load_files({"products.csv": "product_id,NAME,name,Product_Id\n1,UP,low,9\n"})
    assert products(landing) == [("1", "low")]
    assert landing.value("select _extra_columns from raw_crm.products") == (
        '{"NAME":"UP","Product_Id":"9"}'
    )


def test_hidden_files_are_passed_over_without_a_word(tmp_path):
    directory = tmp_path / "landing"
    directory.mkdir()
    (directory / ".manifest.json").write_text("{}")
    (directory / "notes.txt").write_text("not a table")
    (directory / "users.csv").write_text("user_id,role\nu1,ae\n")
    landing = discover(directory, load_contract())
    assert list(landing.tables) == ["users"]
    assert landing.ignored == ("notes.txt (neither csv nor parquet nor jsonl)",)


def test_directories_of_single_days_are_no_strangers(landing):
    directory = landing.directory()
    (directory / "products.csv").write_text(PRODUCTS)
    for name, file in [
        ("delta-2025-07-01", "products.csv.gz"),
        ("20250702", "deals.parquet"),
        ("2025-07-03", "part-0.csv"),  # holds no table
        ("backup", "products.csv"),  # of no day
    ]:
        (directory / name).mkdir()
        (directory / name / file).write_bytes(gzip.compress(PRODUCTS.encode()))
    (directory / "day-2025-07-04" / "deals").mkdir(parents=True)
    result = landing.load(directory)
    assert result.days == ("20250702", "day-2025-07-04", "delta-2025-07-01")
    assert result.ignored == (
        "2025-07-03/ (no table of the contract)",
        "backup/ (no table of the contract)",
    )
    assert len(products(landing)) == 2
    # A call that names one of them does land it, and does not speak of it.
    result = landing.load(directory, directory / "delta-2025-07-01")
    assert result.days == ("20250702", "day-2025-07-04")


def test_a_directory_of_days_alone_says_to_name_a_day(landing):
    directory = landing.directory()
    (directory / "delta-2025-07-01").mkdir()
    (directory / "delta-2025-07-01" / "products.csv").write_text(PRODUCTS)
    with pytest.raises(InputError, match=r"found: delta-2025-07-01/\): name the directory of each"):
        landing.load(directory)

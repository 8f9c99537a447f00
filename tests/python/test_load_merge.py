"""What landing does with rows: every rule of "What landing does" in the landing contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from landing_case import LOADED_AT, Landing, jsonl, open_landing
from warehouse import load
from warehouse.errors import InputError, StepError
from warehouse.landing import merge

ACCOUNTS = "account_id,name,updated_at\n"
PRODUCTS = "product_id,name,category\n"


@pytest.fixture
def landing(tmp_path) -> Landing:
    case = open_landing(tmp_path)
    yield case
    case.connection.close()


def counts(loaded: load.TableLoad) -> dict[str, int]:
    names = (
        "rows_read", "rows_landed", "duplicates", "superseded", "conflicts", "rejected",
        "rows_inserted", "rows_updated", "rows_stale", "vanished",
    )  # fmt: skip
    return {name: getattr(loaded, name) for name in names if getattr(loaded, name)}


def names(landing: Landing, table: str = "accounts", key: str = "account_id") -> dict[str, str]:
    return dict(landing.rows(f"select {key}, name from raw_crm.{table}"))


def test_an_accepted_row_is_kept_with_its_load_time_file_and_line(landing):
    landing.load_files({"products.csv": PRODUCTS + "1,one,x\n2,two,\n"})
    assert landing.rows(
        "select product_id, _load_id, _loaded_at, _source_file, _source_line, _vanished_at"
        " from raw_crm.products order by 1"
    ) == [
        ("1", "run-1.1", LOADED_AT + timedelta(hours=1), "landing-0/products.csv", 2, None),
        ("2", "run-1.1", LOADED_AT + timedelta(hours=1), "landing-0/products.csv", 3, None),
    ]


def test_a_load_time_with_a_zone_is_kept_in_utc(landing):
    directory = landing.directory()
    (directory / "products.csv").write_text(PRODUCTS + "1,one,x\n")
    zone = timezone(timedelta(hours=2))
    at = datetime(2025, 7, 1, 2, 0, tzinfo=UTC).astimezone(zone)
    load.load(landing.connection, [directory], run_id="r", loaded_at=at)
    assert landing.value("select _loaded_at from raw_crm.products") == datetime(2025, 7, 1, 2, 0)


def test_loading_the_same_files_again_changes_nothing(landing):
    directory = landing.directory()
    (directory / "accounts.csv").write_text(
        ACCOUNTS + "a,one,2025-01-01\na,one,2025-01-01\na,old,2024-01-01\nb,two,\n,bad,\n"
    )
    (directory / "products.jsonl").write_text(
        jsonl(
            {"product_id": "1", "name": "x", "odd": 1}, {"product_id": "1", "name": "y", "odd": 2}
        )
    )
    landing.load(directory)
    before = landing.dump()
    result = landing.load(directory)
    after = landing.dump()
    assert [t.rows_updated + t.rows_inserted for t in result.tables] == [0, 0]
    for name, rows in before.items():
        if name.startswith("raw_"):
            assert after[name] == rows, name
    assert before["raw_crm.accounts"], "the test needs rows"


def test_the_same_values_in_another_spelling_change_nothing(landing):
    landing.load_files(
        {
            "deals.csv": "deal_id,pipeline,stage,amount,created_at,is_deleted,expected_close_on\n"
            "1,p,s,1500.50,2025-03-01T09:30:00+02:00,yes,2025-03-01\n"
        }
    )
    loaded = landing.load_files(
        {
            "deals.jsonl": jsonl(
                {
                    "deal_id": 1,
                    "pipeline": "p",
                    "stage": "s",
                    "amount": 1.5005e3,
                    "created_at": "2025-03-01 07:30Z",
                    "is_deleted": True,
                    "expected_close_on": "2025-03-01T23:00:00Z",
                }
            )
        }
    )
    assert counts(loaded) == {"rows_read": 1, "rows_landed": 1}
    assert landing.value("select count(*) from raw_crm.deals__history") == 0


def test_a_newer_version_replaces_the_older_one_which_moves_to_the_history(landing):
    landing.load_files({"accounts.csv": ACCOUNTS + "a,one,2025-01-01\nb,same,2025-01-01\n"})
    loaded = landing.load_files(
        {"accounts.csv": ACCOUNTS + "b,same,2025-01-01\na,two,2025-01-02\nc,new,\n"}
    )
    assert counts(loaded) == {
        "rows_read": 3, "rows_landed": 3, "rows_inserted": 1, "rows_updated": 1,
    }  # fmt: skip
    assert names(landing) == {"a": "two", "b": "same", "c": "new"}
    assert landing.rows("select account_id, _load_id from raw_crm.accounts order by 1") == [
        ("a", "run-2.1"), ("b", "run-1.1"), ("c", "run-2.1"),
    ]  # fmt: skip
    assert landing.rows(
        "select account_id, name, _load_id, _source_file, _source_line, _replaced_at,"
        " _replaced_by_load_id from raw_crm.accounts__history"
    ) == [
        ("a", "one", "run-1.1", "landing-0/accounts.csv", 2, LOADED_AT + timedelta(hours=2),
         "run-2.1"),
    ]  # fmt: skip


def test_an_older_version_never_overwrites_a_newer_one(landing):
    landing.load_files({"accounts.csv": ACCOUNTS + "a,new,2025-01-02\nb,new,2025-01-02\n"})
    before = landing.dump()["raw_crm.accounts"]
    loaded = landing.load_files({"accounts.csv": ACCOUNTS + "a,old,2025-01-01\nb,older,\n"})
    assert counts(loaded) == {"rows_read": 2, "rows_landed": 2, "rows_stale": 2}
    assert landing.dump()["raw_crm.accounts"] == before
    assert landing.value("select count(*) from raw_crm.accounts__history") == 0


def test_null_is_older_than_any_updated_at(landing):
    landing.load_files({"accounts.csv": ACCOUNTS + "a,without,\n"})
    landing.load_files({"accounts.csv": ACCOUNTS + "a,with,1999-01-01\n"})
    assert names(landing) == {"a": "with"}
    landing.load_files({"accounts.csv": ACCOUNTS + "a,without again,\n"})
    assert names(landing) == {"a": "with"}


def test_of_equal_updated_at_the_later_load_wins(landing):
    for stamp in ("2025-01-01", ""):
        landing.load_files({"accounts.csv": ACCOUNTS + f"{stamp}x,first,{stamp}\n"})
        loaded = landing.load_files({"accounts.csv": ACCOUNTS + f"{stamp}x,second,{stamp}\n"})
        assert counts(loaded) == {"rows_read": 1, "rows_landed": 1, "rows_updated": 1}
    assert set(names(landing).values()) == {"second"}


def test_without_an_updated_at_column_the_later_load_wins(landing):
    landing.load_files({"products.csv": PRODUCTS + "1,one,a\n"})
    landing.load_files({"products.csv": PRODUCTS + "1,two,a\n"})
    landing.load_files({"products.csv": PRODUCTS + "1,one,a\n"})
    assert names(landing, "products", "product_id") == {"1": "one"}
    assert landing.rows("select name from raw_crm.products__history order by _replaced_at") == [
        ("one",),
        ("two",),
    ]


def test_a_delta_whose_file_has_no_updated_at_counts_as_the_later_version(landing):
    landing.load_files({"accounts.csv": ACCOUNTS + "a,one,2025-01-01\n"})
    landing.load_files({"accounts.csv": "account_id,name\na,two\n"})
    assert landing.rows("select name, updated_at from raw_crm.accounts") == [
        ("two", datetime(2025, 1, 1))
    ]


def test_composite_keys_are_compared_as_a_whole(landing):
    header = "order_id,line_number,amount,ordered_at\n"
    landing.load_files({"orders.csv": header + "1,1,5,2025-01-01\n1,2,5,2025-01-01\n"})
    loaded = landing.load_files({"orders.csv": header + "1,2.0,6,2025-01-01\n2,1,7,2025-01-01\n"})
    assert counts(loaded) == {
        "rows_read": 2, "rows_landed": 2, "rows_inserted": 1, "rows_updated": 1,
    }  # fmt: skip
    assert landing.rows(
        "select order_id, line_number, amount::int from raw_crm.orders order by all"
    ) == [("1", 1, 5), ("1", 2, 6), ("2", 1, 7)]


def test_a_column_that_a_delta_does_not_have_keeps_its_value(landing):
    landing.load_files(
        {"products.csv": "product_id,name,category,list_price\n1,one,a,5\n2,two,b,6\n"}
    )
    loaded = landing.load_files({"products.csv": "product_id,name,list_price\n1,uno,\n3,three,7\n"})
    assert loaded.missing_columns == ("category", "currency")
    assert landing.rows(
        "select product_id, name, category, list_price::int from raw_crm.products order by 1"
    ) == [("1", "uno", "a", None), ("2", "two", "b", 6), ("3", "three", None, 7)]


def test_parts_of_one_folder_may_have_different_columns(landing):
    landing.load_files(
        {"products.csv": "product_id,name,category,currency\n1,one,a,EUR\n2,two,b,EUR\n"}
    )
    loaded = landing.load_files(
        {
            "products/a.csv": "product_id,name,category\n1,uno,A\n3,tre,C\n",
            "products/b.csv": "product_id,name,currency\n2,due,USD\n3,III,GBP\n",
        }
    )
    assert counts(loaded) == {
        "rows_read": 4, "rows_landed": 3, "superseded": 1, "conflicts": 1, "rows_inserted": 1,
        "rows_updated": 2,
    }  # fmt: skip
    assert landing.rows(
        "select product_id, name, category, currency from raw_crm.products order by 1"
    ) == [("1", "uno", "A", "EUR"), ("2", "due", "b", "USD"), ("3", "III", "C", "GBP")]


def test_unknown_columns_that_a_delta_does_not_have_keep_their_values(landing):
    landing.load_files({"products.csv": "product_id,name,z,b\n1,one,1,2\n2,two,1,2\n3,three,1,2\n"})
    loaded = landing.load_files({"products.csv": "product_id,name,b,a\n1,one,,9\n2,two,2,\n"})
    assert counts(loaded)["rows_updated"] == 1
    landing.load_files({"products.csv": "product_id,name\n3,drei\n"})
    assert landing.rows("select product_id, _extra_columns from raw_crm.products order by 1") == [
        ("1", '{"a":"9","z":"1"}'),
        ("2", '{"b":"2","z":"1"}'),
        ("3", '{"b":"2","z":"1"}'),
    ]
    landing.load_files({"products.csv": "product_id,name,z,b\n3,drei,,\n"})
    assert landing.rows("select _extra_columns from raw_crm.products where product_id = '3'") == [
        (None,)
    ]


def test_exact_duplicates_collapse_and_are_counted(landing):
    loaded = landing.load_files(
        {"orders.csv": "order_id,line_number,amount,ordered_at,x\n"
         "1,1,5.0,2025-01-01,\n1,1.0,5,2025-01-01T00:00:00Z,\n1,1,5e0,2025-01-01 02:00+02:00,\n"}
    )  # fmt: skip
    assert counts(loaded) == {
        "rows_read": 3, "rows_landed": 1, "duplicates": 2, "rows_inserted": 1,
    }  # fmt: skip
    assert landing.value("select _source_line from raw_crm.orders") == 4


def test_rows_that_differ_in_unknown_columns_only_are_no_exact_duplicates(landing):
    loaded = landing.load_files({"products.csv": "product_id,name,odd\n1,x,a\n1,x,b\n1,x,b\n"})
    assert counts(loaded) == {
        "rows_read": 3, "rows_landed": 1, "duplicates": 1, "superseded": 1, "conflicts": 1,
        "rows_inserted": 1,
    }  # fmt: skip
    assert landing.value("select _extra_columns from raw_crm.products") == '{"odd":"b"}'


def test_of_different_rows_with_one_key_the_newest_updated_at_wins(landing):
    loaded = landing.load_files(
        {"accounts.csv": ACCOUNTS + "a,old,2025-01-01\na,new,2025-01-03\na,mid,2025-01-02\na,no,\n"}
    )
    assert counts(loaded) == {
        "rows_read": 4, "rows_landed": 1, "superseded": 3, "rows_inserted": 1,
    }  # fmt: skip
    assert names(landing) == {"a": "new"}


def test_without_an_updated_at_to_decide_the_last_row_wins_and_a_conflict_is_reported(landing):
    loaded = landing.load_files({"products.csv": PRODUCTS + "1,a,\n1,b,\n1,a,\n2,c,\n"})
    assert counts(loaded) == {
        "rows_read": 4, "rows_landed": 2, "duplicates": 1, "superseded": 1, "conflicts": 1,
        "rows_inserted": 2,
    }  # fmt: skip
    assert names(landing, "products", "product_id") == {"1": "a", "2": "c"}
    loaded = landing.load_files(
        {"accounts.csv": ACCOUNTS + "a,x,2025-01-01\na,y,2025-01-01\na,z,2024-01-01\nb,p,\nb,q,\n"}
    )
    assert counts(loaded) == {
        "rows_read": 5, "rows_landed": 2, "superseded": 3, "conflicts": 2, "rows_inserted": 2,
    }  # fmt: skip
    assert names(landing) == {"a": "y", "b": "q"}


def test_a_duplicate_in_parquet_is_seen_on_the_first_load_too(landing):
    loaded = landing.load_parquet(
        "products", "select unnest(['1','1','2']) as product_id, unnest(['a','b','c']) as name"
    )
    assert counts(loaded) == {
        "rows_read": 3, "rows_landed": 2, "superseded": 1, "conflicts": 1, "rows_inserted": 2,
    }  # fmt: skip
    assert names(landing, "products", "product_id") == {"1": "b", "2": "c"}
    assert landing.rows("select _source_line from raw_crm.products order by 1") == [(2,), (3,)]


def test_superseded_rows_do_not_keep_a_newer_landed_version_from_winning(landing):
    landing.load_files({"accounts.csv": ACCOUNTS + "a,landed,2025-01-05\n"})
    loaded = landing.load_files(
        {"accounts.csv": ACCOUNTS + "a,x,2025-01-01\na,y,2025-01-04\na,y,2025-01-04\n"}
    )
    assert counts(loaded) == {
        "rows_read": 3, "rows_landed": 1, "duplicates": 1, "superseded": 1, "rows_stale": 1,
    }  # fmt: skip
    assert names(landing) == {"a": "landed"}


def test_a_rejected_row_is_kept_with_file_line_column_text_and_reason(landing):
    loaded = landing.load_files(
        {"products/b.csv": PRODUCTS + '1,one,x\n2,"","q ""x"", y"\n', "products/a.csv": PRODUCTS}
    )
    assert counts(loaded) == {
        "rows_read": 2, "rows_landed": 1, "rejected": 1, "rows_inserted": 1,
    }  # fmt: skip
    assert landing.rejects() == [
        load.Reject(
            load_id="run-1.1",
            table_name="products",
            source_file="landing-0/products/b.csv",
            source_line=3,
            column_name="name",
            reason="name is empty, but required",
            raw_text='2,,"q ""x"", y"',
            loaded_at=LOADED_AT + timedelta(hours=1),
        )
    ]
    assert load.rejects(landing.connection, "users") == []
    assert len(load.rejects(landing.connection, "products")) == 1
    # A corrected file can be landed again.
    landing.load_files({"products.csv": PRODUCTS + "2,two,\n"})
    assert names(landing, "products", "product_id") == {"1": "one", "2": "two"}


def test_a_rejected_newer_version_leaves_the_landed_one(landing):
    landing.load_files({"products.csv": "product_id,name,list_price\n1,one,5\n"})
    landing.load_files({"products.csv": 'product_id,name,list_price\n1,uno,"5,5"\n'})
    assert names(landing, "products", "product_id") == {"1": "one"}


def test_a_full_export_marks_the_rows_that_vanished_from_it(landing):
    landing.load_files({"products.csv": PRODUCTS + "1,one,\n2,two,\n3,three,\n"})
    landing.load_files({"users.csv": "user_id,role\n1,ae\n"})
    loaded = landing.load_files({"products.csv": PRODUCTS + "1,one,\n4,four,\n"}, full_export=True)
    assert counts(loaded) == {
        "rows_read": 2, "rows_landed": 2, "rows_inserted": 1, "vanished": 2,
    }  # fmt: skip
    at = LOADED_AT + timedelta(hours=3)
    landed = "select product_id, name, _vanished_at from raw_crm.products order by 1"
    assert landing.rows(landed) == [
        ("1", "one", None), ("2", "two", at), ("3", "three", at), ("4", "four", None),
    ]  # fmt: skip
    # A table that the export does not hold is left alone.
    assert landing.value("select count(*) from raw_crm.users where _vanished_at is null") == 1
    # Exporting the same once more says nothing new.
    loaded = landing.load_files({"products.csv": PRODUCTS + "1,one,\n4,four,\n"}, full_export=True)
    assert counts(loaded) == {"rows_read": 2, "rows_landed": 2}
    assert landing.rows("select distinct _vanished_at from raw_crm.products order by 1") == [
        (at,),
        (None,),
    ]


def test_an_ordinary_load_marks_nothing(landing):
    landing.load_files({"products.csv": PRODUCTS + "1,one,\n2,two,\n"})
    landing.load_files({"products.csv": PRODUCTS + "1,one,\n"})
    assert landing.value("select count(*) from raw_crm.products where _vanished_at is null") == 2


def test_a_vanished_row_that_comes_back_is_there_again(landing):
    landing.load_files({"accounts.csv": ACCOUNTS + "a,one,2025-01-05\nb,two,2025-01-05\n"})
    landing.load_files({"accounts.csv": ACCOUNTS + "b,two,2025-01-05\n"}, full_export=True)
    assert landing.value("select count(*) from raw_crm.accounts where _vanished_at is null") == 1
    # An old version in a delta is no news about a row that is gone since.
    loaded = landing.load_files({"accounts.csv": ACCOUNTS + "a,old,2025-01-01\n"})
    assert counts(loaded) == {"rows_read": 1, "rows_landed": 1, "rows_stale": 1}
    assert landing.value("select count(*) from raw_crm.accounts where _vanished_at is null") == 1
    loaded = landing.load_files({"accounts.csv": ACCOUNTS + "a,one,2025-01-05\n"})
    assert counts(loaded) == {"rows_read": 1, "rows_landed": 1, "rows_updated": 1}
    assert landing.rows(
        "select account_id, _load_id, _vanished_at from raw_crm.accounts order by 1"
    ) == [("a", "run-4.1", None), ("b", "run-1.1", None)]
    assert landing.value("select _vanished_at from raw_crm.accounts__history") is not None


def test_a_full_export_with_an_older_version_shows_that_the_row_is_there(landing):
    landing.load_files({"accounts.csv": ACCOUNTS + "a,one,2025-01-05\nb,two,2025-01-05\n"})
    landing.load_files({"accounts.csv": ACCOUNTS + "b,two,2025-01-05\n"}, full_export=True)
    loaded = landing.load_files(
        {"accounts.csv": ACCOUNTS + "a,old,2025-01-01\nb,two,2025-01-05\n"}, full_export=True
    )
    assert counts(loaded) == {"rows_read": 2, "rows_landed": 2, "rows_stale": 1}
    assert landing.rows("select name, _vanished_at from raw_crm.accounts order by 1") == [
        ("one", None),
        ("two", None),
    ]


def test_a_rejected_row_has_not_vanished(landing):
    landing.load_files(
        {"products.csv": "product_id,name,list_price\nAA,a,1\nBB,b,1\nCC,c,1\nDD,d,1\n"}
    )
    loaded = landing.load_files(
        {"products.csv": "product_id,name,list_price\nAA,a,1\nBB,b,x\nCC,too,many,fields\n"},
        full_export=True,
    )
    assert (loaded.rejected, loaded.vanished) == (2, 1)
    assert landing.rows(
        "select product_id from raw_crm.products where _vanished_at is not null"
    ) == [("DD",)]


def test_several_directories_are_landed_in_their_order(landing):
    first, second = landing.directory(), landing.directory()
    (first / "products.csv").write_text(PRODUCTS + "1,one,\n2,two,\n")
    (second / "products.csv").write_text(PRODUCTS + "1,uno,\n3,three,\n")
    result = landing.load(first, second)
    assert [(t.load_id, t.rows_inserted, t.rows_updated) for t in result.tables] == [
        ("run-1.1", 2, 0),
        ("run-1.2", 1, 1),
    ]
    assert names(landing, "products", "product_id") == {"1": "uno", "2": "two", "3": "three"}
    assert landing.rows("select name, _replaced_by_load_id from raw_crm.products__history") == [
        ("one", "run-1.2")
    ]


def test_several_directories_change_rows_that_were_there_and_rows_of_one_another(landing):
    """DuckDB 2.0 loses rows of such joins by row ids, or dies, within some four of these loads."""

    def write(name: str, numbers: Sequence[int]) -> Path:
        directory = landing.directory()
        rows = "".join(f"{number},{name},\n" for number in numbers)
        (directory / "products.csv").write_text(PRODUCTS + rows)
        return directory

    landing.load(write("first", range(3000)))
    thirds, tail = range(0, 3000, 3), range(1800, 3000)
    held = "select count(*), count(distinct product_id) from raw_crm.products"
    replaced = "select count(*), count(distinct (product_id, name)) from raw_crm.products__history"
    for turn in range(1, 13):
        result = landing.load(write(f"a{turn}", thirds), write(f"b{turn}", tail))
        assert [table.rows_updated for table in result.tables] == [1000, 1200]
        assert landing.rows(held) == [(3000, 3000)]
        assert landing.rows(replaced) == [(2200 * turn, 2200 * turn)]


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("products", "would hold 1 rows and 1 replaced ones, where 2 and 1 follow"),
        ("products__history", "would hold 2 rows and 0 replaced ones, where 2 and 1 follow"),
    ],
)
def test_a_load_that_loses_a_row_is_taken_back(landing, monkeypatch, table, found):
    landing.load_files({"products.csv": PRODUCTS + "1,one,\n2,two,\n"})
    replace = merge._Merge._replace

    def lose(job: merge._Merge) -> None:
        replace(job)
        job.connection.execute(f"delete from raw_crm.{table} where product_id = '1'")

    monkeypatch.setattr(merge._Merge, "_replace", lose)
    with pytest.raises(StepError, match=found):
        landing.load_files({"products.csv": PRODUCTS + "1,uno,\n2,two,\n"})
    assert names(landing, "products", "product_id") == {"1": "one", "2": "two"}
    assert landing.value("select count(*) from ops.loads") == 1


def test_every_load_is_recorded_with_its_counts(landing):
    landing.load_files(
        {"accounts.csv": ACCOUNTS + "a,one,2025-01-05\na,one,2025-01-05\na,two,2025-01-04\n,x,\n"}
    )
    assert landing.rows(
        "select load_id, run_id, table_name, rows_read, rows_landed, duplicates, superseded,"
        " conflicts, rejected, rows_inserted, rows_updated, rows_stale, vanished, full_export,"
        " loaded_at, missing_columns, extra_columns from ops.loads"
    ) == [
        ("run-1.1", "run-1", "accounts", 4, 1, 1, 1, 0, 1, 1, 0, 0, 0, False,
         LOADED_AT + timedelta(hours=1),
         '["industry", "segment", "region", "owner_id", "created_at"]', "[]"),
    ]  # fmt: skip


def test_a_change_of_shape_is_recorded_and_returned(landing):
    first = landing.load_files({"products.csv": "product_id,name,category\n1,one,a\n"})
    assert first.drift == ()
    second = landing.load_files({"products.csv": "product_id,name,colour\n1,one,red\n"})
    assert second.drift == ("new column colour", "column category is gone")
    third = landing.load_parquet("products", "select 1 as product_id, 'x' as name, 'red' as colour")
    assert third.type_changes == ("product_id was text, is number",)
    assert third.drift == third.type_changes
    fourth = landing.load_files(
        {"products.jsonl": jsonl({"product_id": 1, "name": None, "colour": {"r": 1}})}
    )
    assert fourth.drift == ("colour was text, is nested",)
    assert landing.rows("select drift from ops.loads order by rowid")[1] == (
        '["new column colour", "column category is gone"]',
    )


def test_a_rule_over_a_column_that_the_delta_lacks_looks_at_what_raw_holds(landing):
    header = "response_id,sent_at,responded_at,score\n"
    landing.load_files(
        {"nps_responses.csv": header + "1,2025-01-01,,\n2,2025-01-01,2025-01-02,9\n"}
    )
    loaded = landing.load_files(
        {
            "nps_responses.csv": "response_id,sent_at,responded_at\n"
            "1,2025-01-01,2025-01-03\n2,2025-01-01,2025-01-04\n3,2025-01-01,\n4,2025-01-01,2025-01-02\n"
        }
    )
    assert (loaded.rows_landed, loaded.rejected) == (2, 2)
    assert [(r.source_line, r.column_name) for r in landing.rejects()] == [
        (2, "score"),
        (5, "score"),
    ]
    assert landing.rows("select response_id, score from raw_survey.nps_responses order by 1") == [
        ("1", None),
        ("2", 9),
        ("3", None),
    ]


def test_a_rule_over_columns_of_several_parts_is_checked_as_if_they_came_one_after_the_other(
    landing,
):
    whole, dates = "response_id,sent_at,responded_at,score\n", "response_id,sent_at,responded_at\n"
    parts = {
        "nps_responses/a.csv": whole + "1,2025-01-01,2025-01-02,9\n2,2025-01-01,2025-01-02,9\n"
        "3,2025-01-01,,\n4,2025-01-01,,\n5,2025-01-01,2025-01-02,9\n",
        # An answer without its score, taken back; a date for what was never answered.
        "nps_responses/b.csv": dates + "1,2025-01-01,\n3,2025-01-01,2025-01-05\n"
        "5,2025-01-01,2025-01-06\n",
        "nps_responses/c.csv": "response_id,sent_at,score\n2,2025-01-01,7\n4,2025-01-01,8\n"
        "5,2025-01-01,6\n1,2025-01-01,5\n",
    }
    loaded = landing.load_files(parts)
    assert [(r.source_file.rpartition("/")[2], r.source_line) for r in landing.rejects()] == [
        ("b.csv", 2), ("b.csv", 3), ("c.csv", 3),
    ]  # fmt: skip
    assert loaded.rejected == 3
    landed = "select response_id, responded_at::date::varchar, score from raw_survey.nps_responses"
    together = landing.rows(f"{landed} order by 1")
    assert together == [
        ("1", "2025-01-02", 5),
        ("2", "2025-01-02", 7),
        ("3", None, None),
        ("4", None, None),
        ("5", "2025-01-06", 6),
    ]
    landing.connection.execute("delete from raw_survey.nps_responses")
    for name, content in parts.items():
        landing.load_files({name.replace("/", "/only-"): content})
    assert landing.rows(f"{landed} order by 1") == together


def test_defaults_are_left_to_staging(landing):
    landing.load_files(
        {"activities.csv": "activity_id,activity_type,occurred_at,created_at\n1,call,2025-01-01,\n"}
    )
    landing.load_files(
        {"orders.csv": "order_id,line_number,amount,ordered_at,quantity\n1,1,5,2025-01-01,\n"}
    )
    assert landing.value("select created_at from raw_crm.activities") is None
    assert landing.value("select quantity from raw_crm.orders") is None


def test_the_transaction_is_gone_after_an_error_and_the_settings_are_back(landing):
    with pytest.raises(InputError):
        landing.load_files({"products.parquet": b"PAR1"})
    landing.connection.execute("begin transaction")
    landing.connection.execute("rollback")
    assert landing.value("select current_setting('preserve_insertion_order')") is True


def test_progress_names_each_table(landing):
    directory = landing.directory("nightly")
    (directory / "products.csv").write_text(PRODUCTS)
    (directory / "users.csv").write_text("user_id,role\n")
    said: list[str] = []
    load.load(
        landing.connection, [directory], run_id="r", loaded_at=LOADED_AT, progress=said.append
    )
    assert said == ["nightly: users", "nightly: products"]

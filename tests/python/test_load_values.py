"""How landing reads values: every rule of "Reading values" in the landing contract."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from landing_case import Landing, jsonl, open_landing

HISTORY = "change_id,deal_id,stage,changed_at\n"


@pytest.fixture
def landing(tmp_path) -> Landing:
    case = open_landing(tmp_path)
    yield case
    case.connection.close()


def read_csv_values(landing: Landing, kind: str, *values: str) -> list[object]:
    """Each value as landed from a CSV file, or the reason of its reject."""
    rest = {
        "timestamp": ("leads", "lead_id,created_at,converted_at", "{id},2025-01-01,{value}"),
        "date": ("users", "user_id,role,hired_on", "{id},ae,{value}"),
        "number": ("products", "product_id,name,list_price", "{id},x,{value}"),
        "integer": ("users", "user_id,role,max_daily_leads", "{id},ae,{value}"),
        "boolean": (
            "deals",
            "deal_id,pipeline,stage,created_at,is_deleted",
            "{id},p,s,2025-01-01,{value}",
        ),
        "text": ("products", "product_id,name,category", "{id},x,{value}"),
    }
    table, header, line = rest[kind]
    rows = [line.format(id=f"{n:03}", value=value) for n, value in enumerate(values)]
    landing.load_files({f"{table}.csv": "\n".join([header, *rows, ""])})
    column, key = header.split(",")[-1], header.split(",")[0]
    schema = "raw_crm"
    found = dict(landing.rows(f"select {key}, {column} from {schema}.{table}"))
    reasons = {reject.source_line: reject.reason for reject in landing.rejects()}
    # Line 1 is the header, so value n stands in line n + 2.
    return [found[f"{n:03}"] if f"{n:03}" in found else reasons[n + 2] for n in range(len(values))]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2025-03-01", datetime(2025, 3, 1)),
        ("2025-03-01 09:30", datetime(2025, 3, 1, 9, 30)),
        ("2025-03-01T09:30", datetime(2025, 3, 1, 9, 30)),
        ("2025-03-01 09:30:15", datetime(2025, 3, 1, 9, 30, 15)),
        ("2025-03-01T09:30:15.1", datetime(2025, 3, 1, 9, 30, 15, 100000)),
        ("2025-03-01T09:30:15.123456", datetime(2025, 3, 1, 9, 30, 15, 123456)),
        ("2025-03-01T09:30:15.123456Z", datetime(2025, 3, 1, 9, 30, 15, 123456)),
        ("2025-03-01 09:30Z", datetime(2025, 3, 1, 9, 30)),
        ("2025-03-01T09:30:15+02:00", datetime(2025, 3, 1, 7, 30, 15)),
        ("2025-03-01 09:30:15-05:30", datetime(2025, 3, 1, 15, 0, 15)),
        ("2025-03-01T09:30:15.5+0200", datetime(2025, 3, 1, 7, 30, 15, 500000)),
        ("2025-03-01T09:30+02", datetime(2025, 3, 1, 7, 30)),
        ("2025-01-01T00:30:00+01:00", datetime(2024, 12, 31, 23, 30)),
        ("2024-02-29", datetime(2024, 2, 29)),
        ("  2025-03-01T09:30:15+02:00\t", datetime(2025, 3, 1, 7, 30, 15)),
        (" 2025-03-01 ", datetime(2025, 3, 1)),
        ("0001-01-01", datetime(1, 1, 1)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59)),
        ("", None),
        ("   ", None),
    ],
)
def test_an_iso_8601_instant_is_read_and_brought_to_utc(landing, text, instant):
    assert read_csv_values(landing, "timestamp", text) == [instant]


@pytest.mark.parametrize(
    "text",
    [
        "2025-3-1", "01.03.2025", "03/01/2025", "2025/03/01", "20250301", "2025-03", "2025-W09-6",
        "2025-060", "2025-02-30", "2025-13-01", "2025-00-10", "2023-02-29", "2025-03-01T24:00",
        "2025-03-01T25:00", "2025-03-01T09:60", "2025-03-01T09:30:60", "2025-03-01T09",
        "2025-03-01 9:30", "2025-03-01  09:30", "2025-03-01T09:30:15,5", "2025-03-01T09:30:15.",
        "2025-03-01T09:30:15.1234567", "2025-03-01T09:30:15 +02:00", "2025-03-01T09:30+25:00",
        "2025-03-01T09:30+02:75", "2025-03-01T09:30 UTC", "2025-03-01T09:30 Europe/Vienna",
        "2025-03-01Z", "2025-03-01+02:00", "0000-01-01", "10000-01-01", "9999-12-31T23:59:59-05:00",
        "-2025-03-01", "2025-03-01 (BC)", "epoch", "infinity", "-infinity", "now", "today",
        "1740821415", "45717", "null", "NaT", "N/A", "2025-03-01T09:30:15z", "2025-03-01t09:30",
        "２０２５-03-01",
    ],
)  # fmt: skip
def test_anything_but_iso_8601_is_no_instant(landing, text):
    cell = f'"{text}"'
    (reason,) = read_csv_values(landing, "timestamp", cell)
    assert reason == f"converted_at '{text}' is no ISO 8601 instant"


def test_a_date_column_takes_a_timestamp_and_keeps_its_utc_date(landing):
    assert read_csv_values(
        landing,
        "date",
        "2025-03-01",
        " 2025-03-01 ",
        "2025-03-01T23:59:59Z",
        "2025-03-01 23:30:00-05:30",
        "2025-03-01T00:30:00+02:00",
        "",
    ) == [
        date(2025, 3, 1),
        date(2025, 3, 1),
        date(2025, 3, 1),
        date(2025, 3, 2),
        date(2025, 2, 28),
        None,
    ]


@pytest.mark.parametrize("text", ["2025-02-29", "1.3.2025", "2025-03-01X", "0000-12-31", "epoch"])
def test_anything_else_is_no_date(landing, text):
    assert read_csv_values(landing, "date", text) == [f"hired_on '{text}' is no ISO 8601 date"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", "12"), ("-12.5", "-12.5"), ("+3.25", "3.25"), (" 7.5\t", "7.5"), (".5", "0.5"),
        ("5.", "5"), ("1e3", "1000"), ("1.5E-3", "0.0015"), ("1E+2", "100"), ("007", "7"),
        ("0.1", "0.1"), ("1234567.89", "1234567.89"), ("999999999999999999", "999999999999999999"),
        ("0.0000000001", "0.0000000001"), ("-0", "0"),
    ],
)  # fmt: skip
def test_a_number_has_a_decimal_point_and_may_have_an_exponent(landing, text, number):
    assert read_csv_values(landing, "number", text) == [Decimal(number)]


@pytest.mark.parametrize(
    "text",
    [
        "1,5", "1.234,56", "1,234.56", "1 234", "1_000", "1'000", "$5", "5 EUR", "5%", "NaN", "nan",
        "inf", "-Infinity", "0x10", "1e", "e5", "--5", "1.2.3", ".", "-", "(5)", "1e18", "1e400",
        "1000000000000000000", "-1000000000000000000", "null", "true", "１２",
    ],
)  # fmt: skip
def test_anything_else_is_no_number(landing, text):
    (reason,) = read_csv_values(landing, "number", f'"{text}"')
    assert reason.startswith(f"list_price '{text}' is no number")


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("3", 3), ("3.0", 3), ("3.", 3), ("3e0", 3), ("30e-1", 3), ("1.5e1", 15), ("-2", -2),
        ("+4", 4), ("003", 3), (" 5 ", 5), ("9223372036854775807", 9223372036854775807),
    ],
)  # fmt: skip
def test_a_whole_number_may_have_a_decimal_point_but_no_fraction(landing, text, whole):
    assert read_csv_values(landing, "integer", text) == [whole]


@pytest.mark.parametrize(
    "text",
    [
        "3.5", "0.1", "1e-1", "9223372036854775808", "1e30", "three", "1_0", "0b1", "nan",
        # A fraction that ten digits do not show.
        "3.0000000001", "9.99999999999", "10.00000000001", "1e-30", "99999999999e-11",
    ],
)  # fmt: skip
def test_anything_else_is_no_whole_number(landing, text):
    assert read_csv_values(landing, "integer", text) == [
        f"max_daily_leads '{text}' is no whole number"
    ]


def test_booleans_are_read_in_any_case(landing):
    true = ["true", "TRUE", "True", "t", "T", "1", "yes", "Yes", " yes "]
    false = ["false", "FALSE", "f", "F", "0", "no", "NO", "\tno"]
    assert read_csv_values(landing, "boolean", *true, *false, "") == (
        [True] * len(true) + [False] * len(false) + [None]
    )


@pytest.mark.parametrize("text", ["y", "n", "on", "off", "2", "-1", "wahr", "1.0", "null"])
def test_anything_else_is_no_boolean(landing, text):
    (reason,) = read_csv_values(landing, "boolean", text)
    assert reason.startswith(f"is_deleted '{text}' is no boolean")


def test_text_is_kept_exactly_and_an_empty_text_is_null(landing):
    texts = [
        "  a  ",
        "0042",
        "=1+1",
        "@SUM(A1)",
        "null",
        "NaN",
        "#N/A",
        "3.0",
        "ÄÖ 株式会社 🎉",
        " ",
    ]
    assert read_csv_values(landing, "text", *texts, "", '""') == [*texts, None, None]
    assert read_csv_values(landing, "text", '"a,b"', '"say ""hi"""', '"x\ny"', '5" pipe')[:2] == [
        "a,b",
        'say "hi"',
    ]


def test_newlines_of_any_kind_inside_quotes_belong_to_the_text(landing):
    landing.load_files(
        {"products.csv": b'product_id,name\n1,"a\nb"\n2,"a\r\nb"\n3,"a\rb"\n4,"\n"\n'}
    )
    assert landing.rows("select name from raw_crm.products order by product_id") == [
        ("a\nb",),
        ("a\r\nb",),
        ("a\rb",),
        ("\n",),
    ]


def test_ids_are_text_with_their_leading_zeros(landing):
    landing.load_files({"users.csv": "user_id,role\n7,ae\n07,ae\n007,ae\n7.0,ae\n 7,ae\n1e1,ae\n"})
    ids = {" 7", "007", "07", "1e1", "7", "7.0"}
    assert {row[0] for row in landing.rows("select user_id from raw_crm.users")} == ids


@pytest.mark.parametrize(
    ("table", "header", "good", "bad", "reason"),
    [
        ("pipeline_stages", "pipeline,stage,position,outcome", "p,a,1,open", "p,b,2,Open",
         "outcome 'Open' is none of open, won, lost"),
        ("spend", "spend_id,spent_on,department,amount", "1,2025-01-01,sales,5",
         "2,2025-01-01, sales,5", "department ' sales' is none of sales, marketing"),
        ("activities", "activity_id,activity_type,occurred_at", "1,call,2025-01-01",
         "2,phone,2025-01-01",
         "activity_type 'phone' is none of call, email, chat, meeting, video_meeting"),
        ("nps_responses", "response_id,sent_at,responded_at,score", "1,2025-01-01,2025-01-02,10",
         "2,2025-01-01,2025-01-02,11", "score '11' is above 10"),
        ("nps_responses", "response_id,sent_at,responded_at,score", "1,2025-01-01,2025-01-02,0",
         "2,2025-01-01,2025-01-02,-1", "score '-1' is below 0"),
        ("nps_responses", "response_id,sent_at,responded_at,score", "1,2025-01-01,,",
         "2,2025-01-01,2025-01-02,", "score and responded_at must both be given or both be empty"),
        ("nps_responses", "response_id,sent_at,responded_at,score", "1,2025-01-01,2025-01-01,9",
         "2,2025-01-01,,9", "score and responded_at must both be given or both be empty"),
        ("nps_responses", "response_id,sent_at,responded_at,score", "1,2025-01-02,2025-01-02,9",
         "2,2025-01-02,2025-01-01T23:59:59,9", "responded_at lies before sent_at"),
        ("employee_responses", "response_id,wave,responded_at,question,rating",
         "1,w,2025-01-01,q,5", "2,w,2025-01-01,q,6", "rating '6' is above 5"),
        ("employee_responses", "response_id,wave,responded_at,question,rating",
         "1,w,2025-01-01,q,1", "2,w,2025-01-01,q,0", "rating '0' is below 1"),
        ("fx_rates", "currency,rate_on,rate", "EUR,2025-01-01,0.000000000000000001",
         "GBP,2025-01-01,0", "rate '0' is not above 0"),
        ("fx_rates", "currency,rate_on,rate", "EUR,2025-01-01,1", "GBP,2025-01-01,-1",
         "rate '-1' is not above 0"),
        ("subscriptions", "subscription_id,account_id,mrr,started_on,ended_on",
         "1,a,5,2025-01-02,2025-01-02", "2,a,5,2025-01-02,2025-01-01",
         "ended_on lies before started_on"),
        ("promotions", "promotion_id,location_id,starts_on,ends_on", "1,a,2025-01-02,2025-01-02",
         "2,a,2025-01-02,2025-01-01", "ends_on lies before starts_on"),
        ("users", "user_id,role", "1,sdr lead", "2,", "role is empty, but required"),
    ],
)  # fmt: skip
def test_what_is_out_of_range_or_of_the_list_is_rejected(landing, table, header, good, bad, reason):
    loaded = landing.load_files({f"{table}.csv": f"{header}\n{good}\n{bad}\n"})
    assert (loaded.rows_landed, loaded.rejected) == (1, 1)
    assert [(r.source_line, r.reason, r.raw_text) for r in landing.rejects()] == [(3, reason, bad)]


def test_lists_that_allow_other_text_take_any_text(landing):
    landing.load_files({"users.csv": "user_id,role\n1,Field Marshal\n2,bdr\n"})
    landing.load_files(
        {"deals.csv": "deal_id,pipeline,stage,created_at,deal_type\n1,p,s,2025-01-01,barter\n"}
    )
    assert landing.rows("select role from raw_crm.users order by all") == [
        ("Field Marshal",),
        ("bdr",),
    ]
    assert landing.value("select deal_type from raw_crm.deals") == "barter"


def test_a_row_with_several_faults_names_them_all_and_blames_the_first_column(landing):
    landing.load_files(
        {
            "orders.csv": "order_id,line_number,amount,ordered_at\n"
            ",x,1,5,2025-01-01\n,x,abc,gestern\n"
        }
    )
    first, second = landing.rejects()
    assert first.reason == "too many fields: 5, the header has 4"
    assert second.column_name == "order_id"
    assert second.reason.split("; ") == [
        "order_id is empty, but required",
        "line_number 'x' is no whole number",
        "amount 'abc' is no number (a decimal point, no thousands separators, not too large)",
        "ordered_at 'gestern' is no ISO 8601 instant",
    ]


def test_parquet_types_are_taken_as_they_are(landing):
    landing.load_parquet(
        "deals",
        """
        select
            42 as deal_id, 'p' as pipeline, 's' as stage, 1.25::double as amount,
            timestamptz '2025-03-01 09:30:00+02:00' as created_at,
            timestamp_ns '2025-03-01 09:30:00.123456' as closed_at,
            timestamp '2025-03-01 23:30:00' as expected_close_on, true as is_deleted,
            date '2025-03-02' as updated_at, '' as name, 7.0::double as product_id
        """,
    )
    assert landing.rows(
        "select deal_id, amount, created_at, closed_at, expected_close_on, is_deleted, updated_at,"
        " name, product_id from raw_crm.deals"
    ) == [
        (
            "42",
            Decimal("1.25"),
            datetime(2025, 3, 1, 7, 30),
            datetime(2025, 3, 1, 9, 30, 0, 123456),
            date(2025, 3, 1),
            True,
            datetime(2025, 3, 2),
            None,
            "7.0",
        )
    ]


def test_a_floating_point_amount_lands_as_the_number_people_see(landing):
    values = "1234567.89, 0.1, 1e15, 123456789012345.6, 2274.99, 1e-9"
    landing.load_parquet(
        "spend",
        f"select i::varchar as spend_id, date '2025-01-01' as spent_on, 'sales' as department,"
        f" x as amount from (select unnest([{values}]::double[]) as x, generate_subscripts("
        f"[{values}], 1) as i)",
    )
    assert landing.rows("select amount from raw_finance.spend order by spend_id") == [
        (Decimal(text),)
        for text in (
            "1234567.89", "0.1", "1000000000000000", "123456789012345.6", "2274.99", "0.000000001",
        )
    ]  # fmt: skip


def test_text_in_parquet_is_read_like_text_in_csv(landing):
    landing.load_parquet(
        "deals",
        """
        select
            '007' as deal_id, 'p' as pipeline, 's' as stage, ' 1e3 ' as amount,
            '2025-03-01T09:30:00+02:00' as created_at, '2025-03-01T23:30:00-05:30' as
            expected_close_on, 'Yes' as is_deleted, '' as closed_at, 1 as updated_at
        """,
    )
    ((reason, raw_text),) = [(r.reason, r.raw_text) for r in landing.rejects()]
    assert reason == "updated_at '1' is no ISO 8601 instant"
    assert '"deal_id":"007"' in raw_text
    landing.load_parquet(
        "deals",
        """
        select
            '007' as deal_id, 'p' as pipeline, 's' as stage, ' 1e3 ' as amount,
            '2025-03-01T09:30:00+02:00' as created_at, '2025-03-01T23:30:00-05:30' as
            expected_close_on, 1 as is_deleted, '' as closed_at
        """,
    )
    assert landing.rows(
        "select deal_id, amount, created_at, expected_close_on, is_deleted, closed_at"
        " from raw_crm.deals"
    ) == [("007", Decimal(1000), datetime(2025, 3, 1, 7, 30), date(2025, 3, 2), True, None)]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("'nan'::double", "amount 'nan' is no number"),
        ("'inf'::float", "amount 'inf' is no number"),
        ("1e18::double", "amount '1e+18' is no number"),
        ("true", "amount 'true' is no number"),
        ("[1]", "amount '[1]' is no number"),
        ("{'a': 1}", "amount '{\"a\":1}' is no number"),
        ("time '10:00'", "amount '10:00:00' is no number"),
        ("12345678901234567890::hugeint", "amount '1.2345678901234567e+19' is no number"),
        ("18446744073709551615::ubigint", "amount '18446744073709551615' is no number"),
    ],
)
def test_what_parquet_holds_but_cannot_be_read_is_rejected(landing, value, reason):
    loaded = landing.load_parquet(
        "spend",
        f"select '1' as spend_id, date '2025-01-01' as spent_on, 'sales' as department,"
        f" {value} as amount",
    )
    assert (loaded.rows_read, loaded.rejected) == (1, 1)
    (reject,) = landing.rejects()
    assert reject.reason.startswith(reason)
    assert (reject.column_name, reject.source_line) == ("amount", 1)


def test_json_values_are_read_by_what_they_say(landing):
    landing.load_files(
        {
            "deals.jsonl": jsonl(
                {
                    "deal_id": 42,
                    "pipeline": "p",
                    "stage": "s",
                    "amount": 1.5e3,
                    "created_at": "2025-03-01T09:30:00+02:00",
                    "is_deleted": True,
                    "closed_at": None,
                    "name": "",
                },
                {
                    "deal_id": "043",
                    "pipeline": "p",
                    "stage": "s",
                    "amount": "1234567.89",
                    "created_at": "2025-03-01",
                    "is_deleted": 0,
                    "name": ' {"not": "nested"} ',
                },
            )
        }
    )
    assert landing.rows(
        "select deal_id, amount, created_at, is_deleted, closed_at, name from raw_crm.deals"
        " order by deal_id"
    ) == [
        ("043", Decimal("1234567.89"), datetime(2025, 3, 1), False, None, ' {"not": "nested"} '),
        ("42", Decimal(1500), datetime(2025, 3, 1, 7, 30), True, None, None),
    ]


def test_an_object_or_a_list_is_no_value_of_a_contract_column(landing):
    loaded = landing.load_files(
        {
            "products.jsonl": jsonl(
                {"product_id": "1", "name": {"en": "x"}},
                {"product_id": ["2"], "name": "y"},
                {"product_id": "3", "name": "z", "list_price": [1]},
                {"product_id": "4", "name": "ok"},
            )
        }
    )
    assert (loaded.rows_landed, loaded.rejected) == (1, 3)
    assert [(r.source_line, r.column_name, r.reason) for r in landing.rejects()] == [
        (1, "name", 'name \'{"en":"x"}\' is no text'),
        (2, "product_id", "product_id '[\"2\"]' is no text"),
        (
            3,
            "list_price",
            "list_price '[1]' is no number"
            " (a decimal point, no thousands separators, not too large)",
        ),
    ]


def test_a_missing_key_of_a_json_line_is_null_if_other_lines_have_it(landing):
    landing.load_files({"products.jsonl": jsonl({"product_id": "1", "name": "x", "category": "c"})})
    landing.load_files(
        {
            "products.jsonl": jsonl(
                {"product_id": "1", "name": "x"}, {"product_id": "2", "name": "y", "category": "d"}
            )
        }
    )
    assert landing.rows("select product_id, category from raw_crm.products order by all") == [
        ("1", None),
        ("2", "d"),
    ]


def test_more_digits_than_a_column_keeps_are_rounded(landing):
    assert read_csv_values(landing, "number", "0.12345678905") == [Decimal("0.1234567891")]
    landing.load_files(
        {"fx_rates.csv": "currency,rate_on,rate\nX,2025-01-01,0.123456789012345678\n"}
    )
    assert landing.value("select rate from raw_finance.fx_rates") == Decimal("0.123456789012345678")


def test_the_time_zone_of_the_session_changes_no_instant(landing):
    landing.connection.execute("set timezone = 'Asia/Kolkata'")
    assert read_csv_values(
        landing, "timestamp", "2025-03-01 09:30", "2025-03-01T09:30Z", "2025-03-01T09:30+02:00"
    ) == [
        datetime(2025, 3, 1, 9, 30),
        datetime(2025, 3, 1, 9, 30),
        datetime(2025, 3, 1, 7, 30),
    ]
    landing.load_parquet(
        "leads", "select 'p' as lead_id, timestamptz '2025-03-01 22:30:00+00' as created_at"
    )
    landing.load_parquet(
        "users", "select 'p' as user_id, 'ae' as role, timestamptz '2025-03-01 22:30Z' as hired_on"
    )
    assert landing.value("select created_at from raw_crm.leads where lead_id = 'p'") == datetime(
        2025, 3, 1, 22, 30
    )
    assert landing.value("select hired_on from raw_crm.users") == date(2025, 3, 1)

"""Files of a CRM's own tables: what lands, what is replaced, what is kept, what is refused."""

import gzip
import json

import pytest

from running import warehouse
from source_case import DECLARATION, SourceCase, make_case
from warehouse.errors import InputError, StepError
from warehouse.sources import declared, merge
from warehouse.sources.merge import wider_type

DEALS = """
    select * from (values
        (1, 'new', 100.50::decimal(10, 2), timestamp '2025-01-01 10:00', false),
        (2, 'won', 250.00, timestamp '2025-01-02 10:00', false)
    ) as deals (id, stage_name, amount, changed_at, is_deleted)
"""


@pytest.fixture
def case(tmp_path) -> SourceCase:
    return make_case(tmp_path)


def test_parquet_keeps_its_types_and_gets_a_load_and_a_time(case):
    case.load(case.write("one", deal=DEALS))
    assert case.rows(
        "select id, stage_name, amount, changed_at from raw_acme.deal order by id"
    ) == [
        (1, "new", *case.rows("select 100.50::decimal(10, 2), timestamp '2025-01-01 10:00'")[0]),
        (2, "won", *case.rows("select 250.00::decimal(10, 2), timestamp '2025-01-02 10:00'")[0]),
    ]
    assert case.rows("select distinct _load_id, _loaded_at::varchar from raw_acme.deal") == [
        ("run-1.1", "2025-03-02 06:00:00")
    ]
    kinds = dict(row[:2] for row in case.rows("describe raw_acme.deal"))
    assert kinds["amount"] == "DECIMAL(10,2)"
    assert kinds["is_deleted"] == "BOOLEAN"


def test_an_instant_with_a_zone_lands_as_that_instant_in_utc(case):
    case.connection.execute("set timezone = 'Asia/Tokyo'")
    case.load(
        case.write("one", deal="select 1 as id, timestamptz '2025-01-01 10:00+02' as changed_at")
    )
    assert case.rows("select changed_at::varchar from raw_acme.deal") == [("2025-01-01 08:00:00",)]


@pytest.mark.parametrize(("step", "kept"), [("_replace_changed", 1), ("_remove_gone", 0)])
def test_a_load_that_loses_a_row_is_taken_back(case, monkeypatch, step, kept):
    case.load(case.write("one", deal=DEALS))
    take = getattr(merge._Merge, step)

    def lose(job: merge._Merge, *given: str) -> int | None:
        taken = take(job, *given)
        job.connection.execute(f"delete from {job._history}")
        return taken

    monkeypatch.setattr(merge._Merge, step, lose)
    later = "select 2 as id, 'lost' as stage_name, timestamp '2025-01-03 10:00' as changed_at"
    found = f"acme.deal would hold 1 rows and {kept} replaced ones, where 1 and 2 follow"
    with pytest.raises(StepError, match=found):
        case.load(case.write("two", deal=later), full_export=True)
    assert case.rows("select id, stage_name from raw_acme.deal order by id") == [
        (1, "new"),
        (2, "won"),
    ]


def test_only_declared_columns_land_and_the_others_are_named(case):
    result = case.load(
        case.write("one", deal="select 1 as id, 'x' as password_hash, 'new' as stage_name")
    )
    columns = [row[0] for row in case.rows("describe raw_acme.deal")]
    assert columns == ["id", "stage_name", "_load_id", "_loaded_at"]
    assert result.tables[0].extra_columns == ("password_hash",)
    assert result.tables[0].missing_columns == ("amount", "changed_at", "is_deleted")
    assert result.absent == ("stage", "tag")


def test_names_are_compared_without_case_and_underscores(case):
    case.load(case.write("one", DEAL="select 7 as Id, 'won' as StageName"))
    assert case.rows("select id, stage_name from raw_acme.deal") == [(7, "won")]


def test_an_equal_name_goes_before_one_that_only_compares_equal(tmp_path):
    line = "          - {name: id, data_type: bigint}\n"
    assert DECLARATION.count(line) == 2
    declaration = DECLARATION.replace(line, line + line.replace("id,", "__id,"), 1)
    case = make_case(tmp_path, declaration)
    (load,) = case.load(
        case.write("one", deal="select 70 as __id, 7 as id, 1 as Stage_Name")
    ).tables
    assert case.rows("select id, __id, stage_name from raw_acme.deal") == [(7, 70, 1)]
    assert load.extra_columns == ()


def test_csv_and_json_lines_land_as_text_with_leading_zeros_and_objects(case):
    directory = case.directory / "texts"
    directory.mkdir()
    (directory / "deal.csv").write_text('ID,stage_name,other\n007,"a\nb",x\n008,,y\n')
    with gzip.open(directory / "stage.jsonl.gz", "wt") as file:
        file.write(json.dumps({"id": 5, "name": {"en_US": "Won"}}) + "\n")
    case.load(directory)
    assert case.rows("select id, stage_name from raw_acme.deal order by id") == [
        ("007", "a\nb"),
        ("008", None),
    ]
    assert case.rows("select id, json_extract_string(name, 'en_US') from raw_acme.stage") == [
        ("5", "Won")
    ]


def test_a_row_that_cannot_be_read_or_has_no_key_is_kept_as_a_reject(case):
    directory = case.directory / "broken"
    directory.mkdir()
    (directory / "deal.csv").write_text("id,stage_name\n1,new\n2,won,too much\n,lost\n")
    (load,) = case.load(directory).tables
    assert (load.rows_read, load.rows_landed, load.rejected) == (3, 1, 2)
    assert case.rows(
        "select table_name, source_file, source_line, reason from ops.rejects order by source_line"
    ) == [
        ("acme.deal", "broken/deal.csv", 3, "too many fields: 3, the header has 2"),
        ("acme.deal", "broken/deal.csv", 4, "the key (id) is empty"),
    ]


def test_the_same_directory_twice_changes_nothing(case):
    directory = case.write(
        "one",
        deal=DEALS,
        stage="select 1 as id, 'New' as name",
        tag="select 1 as deal_id, 'a' as label union all select 1, 'a'",
    )
    case.load(directory)
    before = case.rows("select * from raw_acme.deal order by id")
    tables = case.load(directory).tables
    assert [(t.rows_read, t.rows_landed, t.rows_inserted, t.rows_updated) for t in tables] == [
        (2, 2, 0, 0),
        (1, 1, 0, 0),
        (2, 2, 0, 0),
    ]
    assert case.rows("select * from raw_acme.deal order by id") == before
    assert case.rows("select count(*), min(_load_id) from raw_acme.tag") == [(2, "run-1.1")]
    for table in ("deal", "stage", "tag"):
        assert case.rows(f"select count(*) from raw_acme__history.{table}") == [(0,)]


def test_a_table_with_a_cursor_is_upserted_and_an_older_version_never_wins(case):
    case.load(case.write("one", deal=DEALS))
    (load,) = case.load(
        case.write(
            "two",
            deal="""
                select * from (values
                    (1, 'lost', timestamp '2024-12-31 10:00'),
                    (2, 'reopened', timestamp '2025-01-03 10:00'),
                    (3, 'new', timestamp '2025-01-03 10:00')
                ) as deals (id, stage_name, changed_at)
            """,
        )
    ).tables
    assert (load.rows_inserted, load.rows_updated, load.rows_stale, load.vanished) == (1, 1, 1, 0)
    # A column that the newer file lacks keeps its value.
    assert case.rows(
        "select id, stage_name, trunc(amount)::int from raw_acme.deal order by id"
    ) == [
        (1, "new", 100),
        (2, "reopened", 250),
        (3, "new", None),
    ]
    assert case.rows(
        "select id, stage_name, _replaced_at::varchar, _replaced_by_load_id"
        " from raw_acme__history.deal"
    ) == [(2, "won", "2025-03-03 06:00:00", "run-2.1")]


def test_a_full_export_moves_what_it_lacks_to_the_history(case):
    case.load(case.write("one", deal=DEALS))
    (load,) = case.load(case.write("two", deal=f"{DEALS} where id = 2"), full_export=True).tables
    assert load.vanished == 1
    assert case.rows("select id from raw_acme.deal") == [(2,)]
    assert case.rows("select id, stage_name from raw_acme__history.deal") == [(1, "new")]


def test_a_table_without_a_cursor_is_a_full_snapshot(case):
    case.load(
        case.write(
            "one",
            stage="select 1 as id, 'New' as name union all select 2, 'Won'",
            tag="select 1 as deal_id, 'a' as label union all select 1, 'a' union all select 2, 'b'",
        )
    )
    stage, tag = case.load(
        case.write(
            "two",
            stage="select 2 as id, 'Closed' as name union all select 3, 'Lost'",
            tag="select 1 as deal_id, 'a' as label union all select 3, 'c'",
        )
    ).tables
    assert (stage.rows_inserted, stage.rows_updated, stage.vanished) == (1, 1, 1)
    assert case.rows("select id, name from raw_acme.stage order by id") == [
        (2, "Closed"),
        (3, "Lost"),
    ]
    assert (tag.rows_inserted, tag.vanished) == (1, 2)
    assert case.rows("select deal_id, label from raw_acme.tag order by all") == [(1, "a"), (3, "c")]
    assert case.rows("select deal_id, label from raw_acme__history.tag order by all") == [
        (1, "a"),
        (2, "b"),
    ]


def test_of_one_key_twice_the_newest_wins_and_the_others_are_counted(case):
    directory = case.directory / "parts"
    directory.mkdir()
    (directory / "deal").mkdir()
    rows = [(1, "new", "2025-01-01"), (1, "new", "2025-01-01"), (1, "won", "2025-01-03")]
    text = "".join(f"{id},{stage},{at}\n" for id, stage, at in rows)
    (directory / "deal" / "a.csv").write_text("id,stage_name,changed_at\n" + text)
    (directory / "deal" / "b.csv").write_text("id,stage_name,changed_at\n1,lost,2025-01-03\n")
    (load,) = case.load(directory).tables
    counts = (load.rows_read, load.rows_landed, load.duplicates, load.superseded, load.conflicts)
    assert counts == (4, 1, 1, 2, 1)
    assert case.rows("select stage_name from raw_acme.deal") == [("lost",)]


def test_a_changed_type_widens_and_new_and_vanished_columns_are_told(case):
    case.load(case.write("one", deal="select 1 as id, 'new' as stage_name, 100 as amount"))
    (load,) = case.load(
        case.write("two", deal="select '2-b' as id, 12.5::double as amount, true as is_deleted")
    ).tables
    assert load.drift == (
        "new column is_deleted",
        "column stage_name is gone",
        "amount was INTEGER, is DOUBLE",
        "id was INTEGER, is VARCHAR",
    )
    assert load.type_changes == ("amount was INTEGER, is DOUBLE", "id was INTEGER, is VARCHAR")
    # Without its cursor the table is still upserted.
    assert case.rows(
        "select id, stage_name, amount, is_deleted from raw_acme.deal order by id"
    ) == [
        ("1", "new", 100.0, None),
        ("2-b", None, 12.5, True),
    ]
    (again,) = case.load(
        case.write("three", deal="select 1 as id, 'won' as stage_name, 7 as amount")
    ).tables
    assert (again.rows_updated, again.rows_inserted) == (1, 0)
    assert case.rows("select stage_name, amount from raw_acme.deal where id = '1'") == [("won", 7)]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("INTEGER", "BIGINT", "BIGINT"),
        ("INTEGER", "DOUBLE", "DOUBLE"),
        # 2^53 + 1 is no double, and neither is an amount.
        ("BIGINT", "DOUBLE", "VARCHAR"),
        ("DECIMAL(18,2)", "DOUBLE", "VARCHAR"),
        ("DECIMAL(18,2)", "DECIMAL(18,4)", "DECIMAL(20,4)"),
        ("DATE", "TIMESTAMP", "TIMESTAMP"),
        ("BOOLEAN", "INTEGER", "VARCHAR"),
        ("TIMESTAMP", "INTEGER", "VARCHAR"),
        ("INTEGER", "VARCHAR", "VARCHAR"),
    ],
)
def test_the_wider_of_two_types_holds_both_without_loss(case, one, other, both):
    assert wider_type(case.connection, one, other) == both
    assert wider_type(case.connection, other, one) == both


def test_a_load_is_all_or_nothing(case):
    case.load(case.write("one", deal=DEALS))
    directory = case.write("two", deal="select 9 as id", stage="select 'x' as name")
    with pytest.raises(InputError, match=r"two/stage.parquet lacks id, the key of acme\.stage"):
        case.load(directory)
    assert case.rows("select id from raw_acme.deal order by id") == [(1,), (2,)]
    assert case.rows("select count(*) from ops.loads") == [(1,)]


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda d: None, "is empty: put one file per table there, such as deal.csv"),
        (lambda d: (d / "deals.csv").write_text("id\n1\n"), "holds no table of the source acme"),
        (lambda d: (d / "deal.parquet").write_text("no"), "is no readable Parquet file"),
        (lambda d: (d / "deal.csv").write_text("a,b\n1,2\n"), "has none of the columns of acme"),
        (
            lambda d: (d / "deal.csv").write_text('id,b\n1,"x\n'),
            "unclosed quote|never closed|quote",
        ),
    ],
)
def test_a_directory_that_cannot_be_read_is_refused(case, write, message):
    directory = case.directory / "bad"
    directory.mkdir()
    write(directory)
    with pytest.raises(InputError, match=message):
        case.load(directory)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "key: [id], cursor: changed_at",
            "cursor: changed_at",
            "gives deal a cursor without a key",
        ),
        ("key: [id], cursor", "key: [ident], cursor", "uses ident of deal without declaring it"),
        ("name: is_deleted", "name: _load_id", "declares _load_id of deal, which landing itself"),
        ("{key: [id]}", "{keys: [id]}", "has unknown meta keys at stage: keys"),
        ("name: tag", "name: deal", "declares a table twice"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(tmp_path, old, new, message):
    assert DECLARATION.count(old) == 1
    case = make_case(tmp_path, DECLARATION.replace(old, new))
    with pytest.raises(StepError, match=message):
        _ = case.source


def test_an_unknown_source_names_the_known_ones(case):
    with pytest.raises(InputError, match=r"no source 'sugar'; known are acme"):
        declared.load(case.directory / "project", "sugar")


def test_too_many_rejected_rows_stop_the_refresh(tmp_path):
    directory = tmp_path / "odoo"
    directory.mkdir()
    (directory / "crm_stage.csv").write_text("id,name\n1,New\n,Won\n")
    home = tmp_path / "home"
    ran = warehouse(home, "refresh", directory, "--source", "odoo", expect=1)
    assert (
        "odoo.crm_stage: 1 of 2 rows (50.00%) cannot be read, expected at most 1.00%" in ran.stderr
    )
    shown = warehouse(home, "rejects", "odoo.crm_stage").stdout
    assert "odoo/crm_stage.csv:3  id  the key (id) is empty" in shown
    assert "checks_failed" in warehouse(home, "status").stdout
    # Landing alone keeps what could be read.
    warehouse(home, "load", directory, "--source", "odoo")


def test_the_command_lands_a_source_and_status_shows_it(case):
    directory = case.write("one", deal=DEALS)
    home = case.directory / "home"
    project = ["--project-dir", case.directory / "project"]
    warehouse(home, "load", directory, "--source", "acme", *project)
    shown = warehouse(home, "status", *project).stdout
    assert "acme.deal: 2 read, 2 landed" in shown
    ran = warehouse(home, "load", "--source", "acme", *project, expect=2)
    assert "WAREHOUSE_SOURCE_URL is not set" in ran.stderr
    assert "Name a landing directory" in warehouse(home, "load", *project, expect=2).stderr

"""A CRM's tables from its database: a real PostgreSQL that these tests start, and a SQLite file."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest

from source_case import SourceCase, make_case, postgres_binaries, running_postgres
from warehouse.errors import InputError, StepError
from warehouse.sources import address, database
from warehouse.sources.load import load_database

WAREHOUSE = Path(sys.executable).parent / "warehouse"
PASSWORD = "Sesame/öffne-dich@5%41:7"
needs_postgres = pytest.mark.skipif(
    postgres_binaries() is None, reason="PostgreSQL is not installed (apt-get install postgresql)"
)
TABLES = (
    "drop table if exists deal, stage, tag",
    """
    create table deal (
        id int primary key, stage_name text, amount numeric, changed_at timestamptz,
        is_deleted boolean, secret text
    )
    """,
    """
    insert into deal
    select n, 'new', n * 1.37, timestamptz '2025-01-01 00:00+02' + n * interval '1 hour', false, 'x'
    from generate_series(1, 1000) as n
    """,
    "create table stage (id int primary key, name jsonb)",
    """insert into stage values (1, '{"en_US": "New"}'), (2, '{"en_US": "Won"}')""",
    "create table tag (deal_id int, label text)",
    "insert into tag values (1, 'a'), (1, 'a'), (2, 'b')",
)


@pytest.fixture(scope="module")
def server():
    with running_postgres(PASSWORD) as running:
        yield running


@pytest.fixture
def crm(server):
    server.execute(*TABLES)
    return server


@pytest.fixture
def case(tmp_path) -> SourceCase:
    return make_case(tmp_path)


def find(url: str, case: SourceCase, **environment: str) -> address.Address:
    return address.find(url, environment, case.directory / "project")


def load(case: SourceCase, url: str, *, full_export: bool = False, watch=None):
    with database.connect(find(url, case)) as opened:
        return load_database(
            case.connection,
            case.source,
            opened,
            kept=case.directory / "extracts",
            full_export=full_export,
            progress=watch,
            **case.next_load(),
        )


def counts(result, table="acme.deal"):
    (found,) = [item for item in result.tables if item.table_name == table]
    return (
        found.rows_read, found.rows_inserted, found.rows_updated, found.vanished,
    )  # fmt: skip


@needs_postgres
def test_the_declared_columns_land_in_their_types_and_instants_in_utc(crm, case):
    result = load(case, crm.url())
    assert case.rows(
        "select count(*), sum(amount)::varchar, min(changed_at)::varchar, bool_or(is_deleted)"
        " from raw_acme.deal"
    ) == [(1000, "685685.0000000000", "2024-12-31 23:00:00", False)]
    columns = [row[0] for row in case.rows("describe raw_acme.deal")]
    assert "secret" not in columns
    assert result.tables[0].extra_columns == ("secret",)
    assert case.rows("select name ->> 'en_US' from raw_acme.stage order by id") == [
        ("New",),
        ("Won",),
    ]
    assert case.rows("select source from ops.loads limit 1") == [
        (f"postgresql://127.0.0.1:{crm.port}/crm",)
    ]
    assert not (case.directory / "extracts").exists()


@needs_postgres
def test_nothing_changed_means_nothing_is_fetched_but_the_newest_row(crm, case):
    load(case, crm.url())
    before = case.rows("select * from raw_acme.deal order by id")
    assert counts(load(case, crm.url())) == (1, 0, 0, 0)
    assert case.rows("select * from raw_acme.deal order by id") == before
    assert case.rows("select count(*) from raw_acme__history.deal") == [(0,)]


@needs_postgres
def test_changed_new_and_deleted_rows_are_found_and_so_are_late_commits(crm, case):
    load(case, crm.url())
    crm.execute(
        "update deal set stage_name = 'won', changed_at = '2026-01-01' where id = 5",
        # Two transactions that began before the last load and were committed after it: their
        # cursor lies below the highest one that has landed.
        "update deal set stage_name = 'lost', changed_at = '2025-01-10' where id = 6",
        "insert into deal values (2000, 'new', 1, '2025-01-10', false, 'x')",
        "delete from deal where id in (7, 1000)",
    )
    # Read: 5 is newer, 6 and 2000 are late; the row with the highest cursor is gone.
    assert counts(load(case, crm.url())) == (3, 1, 2, 2)
    assert case.rows(
        "select id, stage_name from raw_acme.deal where id in (5, 6, 7, 1000, 2000) order by id"
    ) == [(5, "won"), (6, "lost"), (2000, "new")]
    assert case.rows("select id, stage_name from raw_acme__history.deal order by id") == [
        (5, "new"),
        (6, "new"),
        (7, "new"),
        (1000, "new"),
    ]


@needs_postgres
def test_a_change_without_a_new_cursor_is_found_by_a_full_export(crm, case):
    load(case, crm.url())
    crm.execute("update deal set stage_name = 'won' where id = 5")
    assert counts(load(case, crm.url())) == (1, 0, 0, 0)
    assert counts(load(case, crm.url(), full_export=True)) == (1000, 0, 1, 0)


@needs_postgres
def test_a_column_that_is_declared_later_is_read_of_every_row(crm, case):
    load(case, crm.url())
    path = case.source.declared_in
    text = path.read_text()
    line = "          - {name: is_deleted, data_type: boolean}\n"
    path.write_text(text.replace(line, line + "          - {name: secret, data_type: varchar}\n"))
    assert counts(load(case, crm.url())) == (1000, 0, 1000, 0)
    assert case.rows("select count(secret) from raw_acme.deal") == [(1000,)]


@needs_postgres
def test_a_column_whose_type_changed_in_the_database_widens(crm, case):
    load(case, crm.url())
    crm.execute(
        "alter table deal alter column amount type text using 'EUR ' || amount,"
        " alter column id type text"
    )
    assert counts(load(case, crm.url())) == (1000, 0, 1000, 0)
    assert case.rows("select typeof(id), amount from raw_acme.deal where id = '2'") == [
        ("VARCHAR", "EUR 2.74")
    ]
    (drift,) = case.rows(
        "select type_changes from ops.loads where table_name = 'acme.deal'"
        " order by rowid desc limit 1"
    )
    assert drift == ('["id was integer, is text", "amount was numeric, is text"]',)


@needs_postgres
def test_amounts_that_no_decimal_holds_become_null(crm, case):
    crm.execute(
        "update deal set amount = 'NaN' where id = 1; update deal set amount = 1e30 where id = 2"
    )
    load(case, crm.url())
    assert case.rows("select count(*) from raw_acme.deal where amount is null") == [(2,)]


@needs_postgres
def test_all_tables_show_the_same_instant(crm, case):
    def someone_works(text: str) -> None:
        if text == "fetching acme.tag":
            crm.execute("insert into tag values (3, 'c')", "delete from deal where id < 10")

    load(case, crm.url(), watch=someone_works)
    assert case.rows("select count(*) from raw_acme.tag") == [(3,)]
    assert case.rows("select count(*) from raw_acme.deal") == [(1000,)]


@needs_postgres
def test_a_run_that_died_is_continued_by_the_next_one(crm, case):
    def die(text: str) -> None:
        if text == "fetching acme.stage":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(case, crm.url(), watch=die)
    assert case.rows("select count(*) from duckdb_tables() where schema_name = 'raw_acme'") == [
        (0,)
    ]
    crm.execute(
        "update deal set stage_name = 'won', changed_at = '2026-01-01' where id = 5",
        "delete from deal where id = 8",
    )
    queries = []
    original = database.Database.query

    def query(self, text):
        queries.append(text)
        return original(self, text)

    database.Database.query = query
    try:
        result = load(case, crm.url())
    finally:
        database.Database.query = original
    # The deals that were fetched before the end are not fetched again, only what changed since.
    of_deals = [text for text in queries if '"deal"' in text]
    assert len(of_deals) == 2
    assert ">= '2025-02-11" in of_deals[0]
    assert counts(result) == (1002, 1000, 0, 1)
    assert case.rows(
        "select count(*), count(*) filter (stage_name = 'won') from raw_acme.deal"
    ) == [(999, 1)]
    assert not (case.directory / "extracts").exists()


@needs_postgres
def test_a_killed_command_leaves_the_warehouse_as_it_was_and_is_continued(crm, case, tmp_path):
    crm.execute(
        "insert into deal select n, 'new', 1, '2024-01-01', false, 'x'"
        " from generate_series(1001, 400000) as n"
    )
    home = tmp_path / "home"
    project = ["--project-dir", str(case.directory / "project"), "--home", str(home)]
    environment = {**os.environ, "WAREHOUSE_SOURCE_URL": crm.url()}
    call = [str(WAREHOUSE), "load", "--source", "acme", *project]
    process = subprocess.Popen(call, env=environment, stderr=subprocess.PIPE)
    waited_until = time.monotonic() + 60
    while not list(home.glob("extracts/acme/deal-*")) and time.monotonic() < waited_until:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from ops.loads").fetchall() == [(0,)]
    subprocess.run(call, env=environment, check=True, capture_output=True)
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from raw_acme.deal").fetchall() == [(400000,)]


@needs_postgres
@pytest.mark.parametrize("way", ["variable", "file", "password variable", "libpq"])
def test_the_password_is_nowhere_but_in_memory(crm, case, tmp_path, way):
    home = tmp_path / "home"
    encoded = quote(PASSWORD, safe="")
    url = crm.url(user="reader", password=encoded)
    given, environment = crm.url(user="reader"), {}
    if way == "variable":
        given, environment = "env:CRM_URL", {"CRM_URL": url}
    elif way == "file":
        given = f"file:{tmp_path / 'secret'}"
        (tmp_path / "secret").write_text(url + "\n")
    elif way == "password variable":
        environment = {"WAREHOUSE_SOURCE_PASSWORD": PASSWORD}
    else:
        environment = {"PGPASSWORD": PASSWORD}

    project = case.directory / "project"
    call = ["load", "--source", "acme", "--from", given, "--home", home, "--project-dir", project]

    def load_by_command(expect: int) -> str:
        ran = subprocess.run(
            [WAREHOUSE, *call],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == expect, ran.stderr
        return ran.stdout + ran.stderr

    said = load_by_command(0)
    assert "acme.deal: 1,000 read" in said
    # Something breaks in the middle: whatever a driver then says, the password is not in it.
    crm.execute(
        "alter table tag add column broken int",
        "drop table stage",
        "create view stage as select 1 / (deal_id - deal_id) as id, label as name from tag",
    )
    said += load_by_command(4)
    assert "division by zero" in said
    crm.execute("drop view stage")
    assert (home / "extracts" / "acme" / "extract.json").exists()
    for secret in (PASSWORD, encoded):
        assert secret not in said
        for path in home.rglob("*"):
            assert not path.is_file() or secret.encode() not in path.read_bytes(), path


@needs_postgres
def test_what_cannot_be_opened_is_one_sentence_without_the_password(crm, case):
    wrong = "wr0ng-Pass"
    for url, message in (
        (crm.url(user="reader", password=wrong), "password authentication failed"),
        (crm.url(database="nowhere", user="owner", password=wrong), "does not exist"),
        (f"postgresql://reader:{wrong}@127.0.0.1:1/crm", "refused"),
        (f"mysql://reader:{wrong}@127.0.0.1:1/crm", "refused"),
        (f"mssql://reader:{wrong}@127.0.0.1:1/crm", "refused"),
    ):
        started = time.monotonic()
        with (
            pytest.raises(InputError, match=message) as caught,
            database.connect(find("env:CRM", case, CRM=url)),
        ):
            pass
        assert time.monotonic() - started < 5
        assert wrong not in str(caught.value)
        assert "\n" not in str(caught.value)


@needs_postgres
def test_a_failing_query_is_one_sentence_without_the_password(crm, case):
    url = crm.url(user="reader", password=quote(PASSWORD, safe=""))
    with database.connect(find("env:CRM", case, CRM=url)) as opened:
        with pytest.raises(StepError, match="nosuchtable") as caught:
            opened.rows("select * from nosuchtable")
        assert PASSWORD not in str(caught.value)
        assert str(caught.value).count("cannot be read") == 1
        assert PASSWORD not in repr(opened)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("postgresql://me:hush@host/crm", "--from holds a password"),
        ("env:NOT_SET", "NOT_SET is not set"),
        ("file:/nowhere/at/all", "cannot be read"),
        ("oracle://host/crm", "is no database URL"),
        ("postgresql://host:port/crm", "is no database URL"),
        ("sqlite:////nowhere/crm.db", "There is no SQLite file"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(case, given, message):
    with pytest.raises(InputError, match=message) as caught:
        find(given, case)
    assert "hush" not in str(caught.value)


def test_a_file_with_credentials_inside_the_repository_is_refused(case):
    secret = case.directory / "project" / "secret"
    secret.write_text("postgresql://me:hush@host/crm")
    with pytest.raises(InputError, match="lies inside the repository"):
        find(f"file:{secret}", case)


def test_sqlite_is_read_by_the_same_calls(case, tmp_path):
    path = tmp_path / "crm.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            """
            create table deal (
                id integer primary key, stage_name varchar, amount numeric, changed_at timestamp,
                is_deleted boolean
            );
            insert into deal values (1, null, null, null, null);
            insert into deal values (2, 'won', 12.5, '2025-01-02 10:00:00.123456', 1);
            insert into deal values (3, 'new', 'n/a', '2025-01-03 10:00:00', 0);
            create table stage (id integer primary key, name text);
            """
        )
    connection.close()
    load(case, f"sqlite://{path}")
    assert case.rows(
        "select id, stage_name, amount, changed_at from raw_acme.deal order by id"
    ) == [
        (1, None, None, None),
        (2, "won", "12.5", "2025-01-02 10:00:00.123456"),
        (3, "new", "n/a", "2025-01-03 10:00:00"),
    ]
    with sqlite3.connect(path) as connection:
        connection.execute(
            "update deal set stage_name = 'lost', changed_at = '2025-01-04' where id = 1"
        )
        connection.execute("delete from deal where id = 2")
    connection.close()
    assert counts(load(case, f"sqlite://{path}")) == (2, 0, 1, 1)

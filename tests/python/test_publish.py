"""Releases on real files: what they hold, and that readers never see half of one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

from small_company import build_by_hand, config_of, kill_a_publisher
from warehouse import publish, runs
from warehouse.config import Config
from warehouse.errors import InputError, StepError, stop


def published(config: Config, version: int) -> publish.Release:
    build_by_hand(config, version)
    publish_home(config)
    return publish.publish(config, report=False)


def publish_home(config: Config) -> None:
    config.releases.mkdir(parents=True, exist_ok=True)


def read(path: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def version_of(config: Config) -> int:
    found = read(
        config.current / "sales_kpi.duckdb", "select version from sales_kpi.marts.kpi_deals"
    )
    return found[0][0]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_of(tmp_path / "home")


def test_a_release_holds_tables_comments_parquet_page_and_note(config: Config) -> None:
    build_by_hand(config, 1)
    publish_home(config)
    draft = publish.write(config)
    draft.report.mkdir()
    (draft.report / "index.html").write_text("<p>the page</p>")
    release = publish.commit(config, draft)
    current = config.current
    assert current.readlink() == Path("releases") / release.release_id
    assert version_of(config) == 1
    file = current / "sales_kpi.duckdb"
    assert read(file, "select run_id, as_of::varchar from sales_kpi.marts.release") == [
        ("run-1", "2025-06-30 00:00:00")
    ]
    assert read(file, "select comment from duckdb_tables() where table_name = 'kpi_deals'") == [
        ("Deals, isn't it.",)
    ]
    assert read(
        file,
        "select comment from duckdb_columns() where table_name = 'kpi_deals' and comment <> ''",
    ) == [('How many; "all".',)]
    assert read(file, "select distinct schema_name from duckdb_tables()") == [("marts",)]
    with duckdb.connect() as connection:
        counted = connection.execute(
            "select count(*), sum(deal_id) from read_parquet(?)",
            [str(current / "parquet" / "fct_deals.parquet")],
        ).fetchone()
    assert counted == (1000, 499_500)
    note = json.loads((current / "release.json").read_text())
    assert note["row_counts"] == {"fct_deals": 1000, "kpi_deals": 1, "release": 1}
    assert (note["as_of"], note["run_id"]) == ("2025-06-30T00:00:00", "run-1")
    assert set(note["sha256"]) == {
        "sales_kpi.duckdb",
        "report/index.html",
        "parts.json",
        "parquet/fct_deals.parquet",
        "parquet/kpi_deals.parquet",
        "parquet/release.parquet",
    }


def test_files_are_readable_by_everybody_and_writable_by_nobody(config: Config) -> None:
    before = os.umask(0o077)
    try:
        release = published(config, 1)
    finally:
        os.umask(before)
    modes = {
        path.relative_to(release.path).as_posix(): path.stat().st_mode & 0o777
        for path in [release.path, *release.path.rglob("*")]
    }
    assert {mode for name, mode in modes.items() if name in (".", "parquet", "report")} == {0o755}
    assert {mode for name, mode in modes.items() if "." in name[1:]} == {0o444}


def test_rows_are_sorted_by_key_and_the_storage_version_is_an_old_one(config: Config) -> None:
    release = published(config, 1)
    ids = [row[0] for row in read(release.database, "select deal_id from marts.fct_deals")]
    assert ids == sorted(ids)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{release.database}' as file (read_only)")
        tags = connection.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = 'file'"
        ).fetchone()
    assert tags is not None and "v1.4.0" in tags[0]


@pytest.mark.parametrize("victim", ["sales_kpi.duckdb", "parquet/fct_deals.parquet"])
def test_a_damaged_draft_is_never_shown(config: Config, victim: str) -> None:
    first = published(config, 1)
    build_by_hand(config, 2)
    draft = publish.write(config)
    path = draft.path / victim
    content = bytearray(path.read_bytes())
    for position in range(len(content) // 4, len(content) * 3 // 4):
        content[position] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(StepError, match="not published"):
        publish.commit(config, draft)
    assert publish.current_id(config) == first.release_id
    assert version_of(config) == 1


def test_a_draft_with_fewer_rows_than_were_built_is_never_shown(config: Config) -> None:
    published(config, 1)
    build_by_hand(config, 2)
    draft = publish.write(config)
    with duckdb.connect(str(draft.database)) as connection:
        connection.execute("delete from marts.fct_deals where deal_id = 17")
    with pytest.raises(StepError, match=r"fct_deals .*\(999 for 1000\)"):
        publish.commit(config, draft)
    assert version_of(config) == 1


@pytest.mark.parametrize("status", ["running", "red"])
def test_only_a_green_build_is_published(config: Config, status: str) -> None:
    publish_home(config)
    build_by_hand(config, 1, status=status)
    with pytest.raises(StepError, match="was not green"):
        publish.publish(config, report=False)
    assert publish.current_id(config) is None


def test_marts_that_somebody_else_built_are_not_published(config: Config) -> None:
    publish_home(config)
    build_by_hand(config, 1)
    with duckdb.connect(str(config.warehouse)) as connection:
        connection.execute("update marts.release set run_id = 'by hand'")
    with pytest.raises(StepError, match="outside of `warehouse`"):
        publish.publish(config, report=False)


def test_the_newest_three_stay_and_the_rest_is_collected(config: Config) -> None:
    ids = [published(config, version).release_id for version in range(1, 6)]
    assert sorted(path.name for path in config.releases.iterdir()) == sorted(ids[2:])
    assert [release.release_id for release in publish.releases(config)] == ids[:1:-1]


def test_a_release_that_was_just_replaced_stays_for_its_readers(tmp_path: Path) -> None:
    config = config_of(tmp_path / "home", reader_grace_seconds=3600.0)
    ids = [published(config, version).release_id for version in range(1, 6)]
    assert sorted(path.name for path in config.releases.iterdir()) == sorted(ids)


def test_rollback_goes_back_step_by_step_and_a_publish_forward_again(config: Config) -> None:
    ids = [published(config, version).release_id for version in range(1, 4)]
    assert publish.rollback(config).release_id == ids[1]
    assert version_of(config) == 2
    assert publish.rollback(config).release_id == ids[0]
    with pytest.raises(InputError, match="none before it"):
        publish.rollback(config)
    assert publish.rollback(config, ids[2]).release_id == ids[2]
    publish.rollback(config, ids[0])
    forward = published(config, 4)
    assert version_of(config) == 4
    # Readers were on the oldest one until now: it stays, beside the newest three.
    assert {release.release_id for release in publish.releases(config)} == {
        *ids,
        forward.release_id,
    }
    actions = [
        (line["action"], line["release_id"])
        for line in map(json.loads, (config.published / "history.jsonl").read_text().splitlines())
    ]
    assert actions[3:] == [
        ("rollback", ids[1]),
        ("rollback", ids[0]),
        ("rollback", ids[2]),
        ("rollback", ids[0]),
        ("publish", forward.release_id),
    ]


def test_rollback_refuses_a_release_that_is_unknown_current_or_damaged(config: Config) -> None:
    with pytest.raises(InputError, match="Nothing is published"):
        publish.rollback(config)
    first, second = published(config, 1), published(config, 2)
    with pytest.raises(InputError, match=f"no release 'nonsense'.*{second.release_id}"):
        publish.rollback(config, "nonsense")
    with pytest.raises(InputError, match="already"):
        publish.rollback(config, second.release_id)
    path = first.path / "parquet" / "fct_deals.parquet"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(StepError, match="checksum differs"):
        publish.rollback(config, first.release_id)
    assert version_of(config) == 2


def test_what_killed_publishers_left_is_swept(config: Config) -> None:
    first = published(config, 1)
    # Complete and renamed, but its publisher died before the link was switched.
    build_by_hand(config, 2)
    draft = publish.write(config)
    never_shown = draft.path.rename(config.releases / draft.release_id)
    (config.releases / "20200101T000000Z-dead.partial").mkdir()
    (config.published / ".current-dead").symlink_to("releases/nowhere")
    assert set(publish.sweep(config)) == {"20200101T000000Z-dead.partial", never_shown.name}
    assert [path.name for path in config.releases.iterdir()] == [first.release_id]
    assert not list(config.published.glob(".current-*"))
    assert version_of(config) == 1


def test_without_its_history_nothing_that_was_shown_is_swept(config: Config) -> None:
    ids = {published(config, version).release_id for version in (1, 2)}
    (config.published / "history.jsonl").unlink()
    publish.sweep(config)
    assert {path.name for path in config.releases.iterdir()} == ids


def test_names_and_paths_with_quotes_are_no_sql(tmp_path: Path) -> None:
    config = config_of(tmp_path / 'it\'s a "home"; drop')
    build_by_hand(config, 1)
    publish_home(config)
    with duckdb.connect(str(config.warehouse)) as connection:
        connection.execute('create table marts."odd "" \'name" as select 1 as "a "" b"')
        connection.execute("create view marts.seen as select * from marts.kpi_deals")
    release = publish.publish(config, report=False)
    assert release.row_counts == {
        "fct_deals": 1000,
        "kpi_deals": 1,
        "odd \" 'name": 1,
        "release": 1,
        "seen": 1,
    }
    kinds = read(release.database, "select distinct table_type from information_schema.tables")
    assert kinds == [("BASE TABLE",)]


READER = """
import sys, time, duckdb
from pathlib import Path
current, stop = Path(sys.argv[1]), Path(sys.argv[2])
pooled = None
seen, queries = set(), 0
while not stop.exists():
    # A connection per query, as a BI tool with a null pool does it.
    with duckdb.connect(str(current / "sales_kpi.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "select a.version, count(distinct b.version), min(b.version), count(*) "
            "from sales_kpi.marts.kpi_deals a cross join sales_kpi.marts.fct_deals b group by 1"
        ).fetchall()
    assert len(rows) == 1 and rows[0][1:] == (1, rows[0][0], 1000), rows
    # Parquet: resolve the link once, then read several files.
    release = current.resolve()
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select (select version from read_parquet(?)), "
            "(select min(version) from read_parquet(?)), "
            "(select max(version) from read_parquet(?))",
            [str(release / "parquet" / f"{name}.parquet")
             for name in ("kpi_deals", "fct_deals", "fct_deals")],
        ).fetchall()
    assert len(set(rows[0])) == 1, rows
    seen.add(rows[0][0])
    queries += 1
print(queries, len(seen))
"""


def test_readers_see_whole_releases_while_others_are_published(
    config: Config, tmp_path: Path
) -> None:
    published(config, 0)
    stop = tmp_path / "stop"
    script = tmp_path / "reader.py"
    script.write_text(READER)
    readers = [
        subprocess.Popen(
            [sys.executable, str(script), str(config.current), str(stop)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    # Somebody in this process holds one connection open all the time.
    held = duckdb.connect(str(config.current / "sales_kpi.duckdb"), read_only=True)
    try:
        for version in range(1, 9):
            published(config, version)
            time.sleep(0.05)
    finally:
        stop.touch()
        results = [reader.communicate(timeout=30) for reader in readers]
    for reader, (output, errors) in zip(readers, results, strict=True):
        assert reader.returncode == 0, errors
        queries, versions = map(int, output.split())
        assert queries >= 3 and versions >= 3
    assert held.execute("select version from marts.kpi_deals").fetchall() == [(0,)]
    held.close()
    assert version_of(config) == 8


def test_a_publisher_that_is_killed_leaves_a_whole_release(config: Config, tmp_path: Path) -> None:
    published(config, 1)
    for delay in (0.0, 0.03, 0.07, 0.11, 0.16):
        kill_a_publisher(config, tmp_path, after=delay)
        current = publish.current(config)
        assert current is not None
        publish.verify(config, current)
        assert version_of(config) == 1
    after = published(config, 2)
    assert version_of(config) == 2
    left = {path.name for path in config.releases.iterdir()}
    assert not any(name.endswith(".partial") for name in left)
    assert after.release_id in left


def test_an_interruption_before_the_switch_changes_nothing(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = published(config, 1)
    build_by_hand(config, 2)
    draft = publish.write(config)
    # As a command does it: DuckDB may make an error of its own of a signal that comes during a query.
    monkeypatch.setattr("warehouse.errors._signals", [])
    before = signal.signal(signal.SIGINT, stop)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt), runs.recorded(config, "publish", in_warehouse=False):
        while True:
            publish.audit(config, draft)
    timer.join()
    signal.signal(signal.SIGINT, before)
    assert publish.current_id(config) == first.release_id

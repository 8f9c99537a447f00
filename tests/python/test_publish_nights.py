"""Releases that continue the one before: what they hold is what a release from nothing holds."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from small_company import build_by_hand, config_of, kill_a_publisher
from warehouse import parquet, parts, publish
from warehouse.config import Config
from warehouse.errors import StepError
from warehouse.store import literal, quoted

ROWS = 300_000
# What a night does to the marts of the night before.
NIGHTS: dict[str, list[str]] = {
    "nothing": [],
    "new rows": [
        "insert into marts.fct_visits select range, date '2025-06-30', 'new' from range(400000, 400100)"
    ],
    "changed rows": ["update marts.fct_visits set stage = 'won' where visit_id % 5000 = 7"],
    "deleted rows": ["delete from marts.fct_visits where exited_on < date '2023-03-01'"],
    "a part without an end": [
        "update marts.fct_visits set exited_on = null where visit_id % 1000 = 3",
        "update marts.fct_visits set exited_on = 'infinity' where visit_id = 5",
    ],
    "dates by mistake": [
        "update marts.fct_visits set exited_on = date '0025-03-01' where visit_id % 9000 = 4",
        "update marts.fct_visits set exited_on = date '9999-12-31' where visit_id % 9000 = 5",
    ],
    "most rows": ["update marts.fct_visits set stage = stage || '!' where visit_id % 3 > 0"],
    "another column": ["alter table marts.fct_visits add column size double default 0.1"],
    "another type": ["alter table marts.fct_visits alter stage type varchar[] using [stage]"],
    "a small mart": ["update marts.fct_deals set version = 99 where deal_id = 17"],
    "a new mart": ["create table marts.kpi_new as select 1 as one, null::date as day"],
    "no rows": ["delete from marts.fct_visits"],
    "rows again": [
        "insert into marts.fct_visits by name select range as visit_id, "
        "date '2023-01-01' + (range % 900)::int as exited_on from range(300000)"
    ],
    "a dropped mart": ["drop table marts.kpi_new"],
    "other comments": [
        "comment on table marts.kpi_deals is null",
        "comment on table marts.fct_visits is 'Visits.'",
        "comment on column marts.kpi_deals.deals is 'Another; \"text\".'",
    ],
    "no key": ["delete from ops.mart_keys", "update marts.fct_visits set stage = ['lost']"],
    "the same row twice": [
        "delete from ops.mart_keys",
        "insert into marts.fct_visits from marts.fct_visits limit 1",
    ],
    "one of two equal rows": [
        "delete from ops.mart_keys",
        "delete from marts.fct_visits where rowid = (select max(rowid) from marts.fct_visits)",
    ],
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = config_of(tmp_path / "home")
    config.releases.mkdir(parents=True)
    return config


def built(config: Config, version: int, *statements: str, rows: int = ROWS) -> None:
    """A green build with a mart of several parts; the statements are what it did to the marts."""
    build_by_hand(config, version)
    with duckdb.connect(str(config.warehouse)) as connection:
        connection.execute(
            "insert or replace into ops.mart_keys values ('fct_visits', ['visit_id'])"
        )
        connection.execute(
            "create table if not exists marts.fct_visits as select range as visit_id, "
            "date '2023-01-01' + (range % 900)::int as exited_on, 'stage ' || range % 7 as stage "
            "from range(?) order by hash(range)",
            [rows],
        )
        for statement in statements:
            connection.execute(statement)


def published(config: Config, version: int, *statements: str) -> publish.Release:
    built(config, version, *statements)
    return publish.publish(config, report=False)


def contents(release: publish.Release) -> dict[str, tuple]:
    """Columns, comments and rows of every table, in the DuckDB file and as Parquet."""
    found: dict[str, tuple] = {}
    with duckdb.connect() as connection:
        connection.execute(f"attach '{release.database}' as sales_kpi (read_only)")
        for name in release.row_counts:
            columns = connection.execute(
                "select column_name, data_type, comment from duckdb_columns() "
                "where table_name = ? order by column_index",
                [name],
            ).fetchall()
            comments = connection.execute(
                "select comment from duckdb_tables() where table_name = ?", [name]
            ).fetchall()
            file = str(release.path / "parquet" / f"{name}.parquet")
            sums = [
                connection.execute(
                    f"select count(*), sum(hash(every)), bit_xor(hash(every)) from {relation} every"
                ).fetchone()
                for relation in (
                    f"sales_kpi.marts.{quoted(name)}",
                    f"read_parquet({literal(file)})",
                )
            ]
            found[name] = (columns, comments, *sums)
        names = connection.execute("select table_name from duckdb_tables()").fetchall()
        assert {name for (name,) in names} == set(release.row_counts)
    return found


def from_nothing(config: Config) -> dict[str, tuple]:
    """What a release holds that nothing has come before: the same warehouse in a home of its own."""
    home = config.home.with_name("other")
    other = config_of(home)
    other.releases.mkdir(parents=True, exist_ok=True)
    other.current.unlink(missing_ok=True)
    other.warehouse.write_bytes(config.warehouse.read_bytes())
    return contents(publish.publish(other, report=False))


def continued(release: publish.Release) -> bool:
    """Whether the DuckDB file is that of the release before, with the rows that differ."""
    return parts.read(release.path / "parts.json").continues is not None


def inode(release: publish.Release, name: str) -> int:
    return (release.path / "parquet" / f"{name}.parquet").stat().st_ino


def test_every_night_holds_what_a_release_from_nothing_holds(config: Config) -> None:
    published(config, 0)
    for version, (name, statements) in enumerate(NIGHTS.items(), start=1):
        release = published(config, version, *statements)
        assert continued(release), name
        assert contents(release) == from_nothing(config), name
        publish.verify(config, release)


def test_a_mart_without_a_key_keeps_its_other_rows(config: Config) -> None:
    published(config, 1, "delete from ops.mart_keys")
    change = "update marts.fct_visits set stage = 'won' where visit_id % 5000 = 7"
    release = published(config, 2, "delete from ops.mart_keys", change)
    with duckdb.connect(str(release.database), read_only=True) as connection:
        rows = connection.execute(
            "select count(*), count(*) filter (where rowid >= 300000) from marts.fct_visits"
        ).fetchone()
    # A row that came is numbered after those that were there.
    assert rows == (ROWS, 60)


def test_a_mart_that_has_not_changed_is_the_same_file(config: Config) -> None:
    first = published(config, 1)
    second = published(config, 2, "update marts.fct_deals set version = 1")
    assert inode(first, "fct_visits") == inode(second, "fct_visits")
    assert inode(first, "fct_deals") == inode(second, "fct_deals")
    assert inode(first, "kpi_deals") != inode(second, "kpi_deals")
    note = json.loads((second.path / "release.json").read_text())
    assert (
        note["sha256"]["parquet/fct_visits.parquet"] == first.sha256["parquet/fct_visits.parquet"]
    )
    # What the older one loses, the newer one keeps.
    for version in (3, 4, 5):
        last = published(config, version)
    assert not first.path.exists()
    publish.verify(config, last)


def test_only_the_parts_that_changed_are_written(config: Config) -> None:
    first = published(config, 1)
    second = published(
        config, 2, "update marts.fct_visits set stage = '' where exited_on = '2025-05-05'"
    )
    before = (first.path / "parquet" / "fct_visits.parquet").read_bytes()
    after = (second.path / "parquet" / "fct_visits.parquet").read_bytes()
    # Thirty months: the 28 before May 2025 stand where they stood.
    kept = next(at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b)
    assert kept / len(after) > 0.8
    groups = parts.read(second.path / "parts.json").tables["fct_visits"].groups
    assert len(groups) == 30
    assert parquet.group_count(second.path / "parquet" / "fct_visits.parquet") == 30


def test_a_date_of_the_year_25_makes_no_parts_for_every_month_since(config: Config) -> None:
    everything = (
        "insert into marts.fct_visits select 400000 + range, date '0025-03-01' + range::int"
    )
    release = published(config, 1, f"{everything}, 'old' from range(700000)")
    sums = parts.read(release.path / "parts.json").tables["fct_visits"].sums
    # 1970 to the year 1941 after 25 is the last of them; the company's own months are thirty.
    assert len(sums) == 31
    assert sum(rows for rows, _ in sums.values()) == ROWS + 700_000
    night = published(config, 2, "update marts.fct_visits set stage = '?' where visit_id = 500000")
    assert continued(night)
    assert contents(night) == from_nothing(config)


@pytest.mark.parametrize("victim", ["sales_kpi.duckdb", "parquet/fct_visits.parquet", "parts.json"])
@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_release_is_not_continued(config: Config, victim: str, damage: str) -> None:
    first = published(config, 1)
    path = first.path / victim
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    for position in range(len(content) // 3, len(content) // 2):
        content[position] ^= 0xFF
    if damage == "changed":
        path.write_bytes(content)
    else:
        path.unlink()
    second = published(config, 2, NIGHTS["changed rows"][0])
    assert not continued(second)
    assert contents(second) == from_nothing(config)


def test_a_linked_file_that_is_damaged_before_the_switch_is_never_shown(config: Config) -> None:
    first = published(config, 1)
    built(config, 2)
    draft = publish.write(config)
    assert "parquet/fct_visits.parquet" in draft.linked
    path = draft.path / "parquet" / "fct_visits.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.chmod(0o644)
    path.write_bytes(content)
    with pytest.raises(StepError, match=r"fct_visits.parquet is not what the release before"):
        publish.commit(config, draft)
    assert publish.current_id(config) == first.release_id
    # The next one is written from nothing, and whole.
    second = publish.publish(config, report=False)
    assert not continued(second)
    assert contents(second) == from_nothing(config)
    third = published(config, 3)
    assert continued(third)


def test_a_draft_that_failed_is_followed_by_a_release_from_nothing(config: Config) -> None:
    published(config, 1)
    built(config, 2, NIGHTS["changed rows"][0])
    draft = publish.write(config)
    with duckdb.connect(str(draft.database)) as connection:
        connection.execute("delete from marts.fct_visits where visit_id = 17")
    with pytest.raises(StepError, match=r"fct_visits .*\(299999 for 300000\)"):
        publish.commit(config, draft)
    assert not continued(publish.publish(config, report=False))


def test_after_a_rollback_the_release_that_readers_see_is_continued(config: Config) -> None:
    published(config, 1)
    published(config, 2, NIGHTS["changed rows"][0])
    publish.rollback(config)
    release = published(config, 3, NIGHTS["new rows"][0])
    assert continued(release)
    assert contents(release) == from_nothing(config)


def test_a_release_of_another_version_is_not_continued(config: Config) -> None:
    first = published(config, 1)
    for name, change in (
        ("parts.json", {"duckdb": "0.0.1"}),
        ("parts.json", {"layout": 0}),
        ("release.json", {"storage_version": "v1.2.0"}),
    ):
        path = first.path / name
        was = path.read_bytes()
        path.chmod(0o644)
        path.write_text(json.dumps({**json.loads(was), **change}))
        note = first.path / "release.json"
        kept = note.read_bytes()
        if name == "parts.json":
            told = json.loads(kept)
            told["sha256"]["parts.json"] = publish._sha256(path)
            note.chmod(0o644)
            note.write_text(json.dumps(told))
        assert publish._base(config) is None, change
        note.write_bytes(kept)
        path.write_bytes(was)
    assert publish._base(config) is not None


def test_a_file_that_has_grown_is_written_anew(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(config, 1)
    monkeypatch.setattr(publish, "_SPARE_BYTES", 0)
    monkeypatch.setattr(publish, "_GROWTH", 1.0)
    second = published(config, 2, NIGHTS["changed rows"][0])
    assert continued(second)
    third = published(config, 3)
    assert not continued(third)
    assert continued(published(config, 4))


def test_many_nights_of_the_same_change_do_not_let_the_file_grow(config: Config) -> None:
    sizes = []
    published(config, 0)
    for version in range(1, 13):
        release = published(
            config,
            version,
            f"update marts.fct_visits set stage = 'v{version}' where exited_on > '2025-03-01'",
        )
        sizes.append(release.database.stat().st_size)
    # DuckDB uses the room of deleted row groups again.
    assert max(sizes[1:]) < 1.3 * sizes[0], sizes
    assert contents(release) == from_nothing(config)


def test_names_with_quotes_are_continued(config: Config) -> None:
    odd = 'marts."odd "" \'name"'
    published(config, 1, f'create table {odd} as select 1 as "a "" b", \'x\' as c')
    release = published(
        config,
        2,
        "insert into ops.mart_keys values ('odd \" ''name', ['a \" b'])",
        f"insert into {odd} values (2, 'y')",
        f"comment on table {odd} is 'it''s'",
    )
    assert contents(release) == from_nothing(config)


def test_a_publisher_killed_on_the_way_leaves_what_was(config: Config, tmp_path: Path) -> None:
    published(config, 1)
    for number, delay in enumerate((0.02, 0.06, 0.1, 0.15, 0.2, 0.3)):
        built(
            config,
            2 + number,
            f"update marts.fct_visits set stage = 'k{number}' where visit_id < 9",
        )
        kill_a_publisher(config, tmp_path, after=delay)
        current = publish.current(config)
        assert current is not None
        publish.verify(config, current)
    last = publish.publish(config, report=False)
    assert contents(last) == from_nothing(config)
    assert not list(config.releases.glob("*.partial"))

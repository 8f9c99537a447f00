"""What enters is compared with the loads before it: each check with data that breaks it."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from quality_case import AS_OF, deals, empty_home, failed, land, night, nights, of
from small_company import config_of
from warehouse import check
from warehouse.config import Config
from warehouse.errors import ChecksFailedError


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_home(tmp_path_factory.mktemp("empty") / "home").home


@pytest.fixture
def config(empty: Path, tmp_path: Path) -> Config:
    return config_of(shutil.copytree(empty, tmp_path / "home"))


def test_a_first_load_has_nothing_to_be_compared_with(config: Config) -> None:
    result = nights(config, [deals(100, nulls=50)])
    assert failed(result) == []
    assert of(result, "rows of a load").expected == "no history to compare with yet"
    assert of(result, "null shares").expected == "no history to compare with yet"
    assert {item.check for item in result.checks} == {
        "rejected rows", "rows of a load", "freshness", "null shares", "distributions",
        "tables left out",
    }  # fmt: skip


def test_one_reject_in_a_hundred_is_borne_and_two_are_not(config: Config) -> None:
    bad = {"created_at": "soon"}
    good = night(config, 1, deals=[*deals(99), *deals(1, first=99, **bad)])
    assert of(good, "rejected rows").observed == "1 of 100 rows (1.00%)"
    good.raise_for_errors()
    result = night(config, 2, deals=[*deals(98), *deals(2, first=98, **bad)])
    with pytest.raises(ChecksFailedError, match=r"deals: rejected rows: 2 of 100 rows \(2.00%\)"):
        result.raise_for_errors()
    # The run ends here, so its pages are written.
    assert (config.data_docs / "gx" / "index.html").exists()
    # A corrected file of that table clears it.
    night(config, 3, deals=deals(100)).raise_for_errors()


def test_a_full_export_that_lost_most_of_its_rows_blocks(config: Config) -> None:
    last = nights(config, [deals(100)] * 3 + [deals(20)], full_export=True)
    assert [item.check for item in last.errors] == ["rows of a full export", "vanished rows"]
    assert of(last, "rows of a full export").sentence() == (
        "landing: deals: rows of a full export: 20 rows, "
        "expected 50 to 300: the last 3 brought 100 to 100"
    )
    assert of(last, "vanished rows").observed == "80 of 100 rows (80.0%)"


def test_the_same_bad_export_again_is_no_better(config: Config) -> None:
    assert failed(nights(config, [deals(100)] * 3, full_export=True)) == []
    for number in (4, 5):
        result = night(config, number, deals=deals(20), full_export=True, status="checks_failed")
        # What was refused is no measure for what comes after it.
        assert len(result.errors) == 2
    assert of(result, "rows of a full export").low == 50
    recovered = night(config, 6, deals=deals(100), full_export=True)
    assert recovered.errors == ()


def test_a_full_export_half_as_large_as_ever_still_passes(config: Config) -> None:
    last = nights(config, [deals(100)] * 3 + [deals(50)], full_export=True)
    assert failed(last) == []


def test_an_unusual_delta_is_shown_and_does_not_block(config: Config) -> None:
    loads = [deals(500), *[deals(40, first=1000 * night) for night in range(1, 5)]]
    assert failed(nights(config, loads)) == []
    # The first load brought everything; a delta as large as that is still no usual delta.
    large = night(config, 6, deals=deals(201, first=9000))
    assert failed(large) == [("rows of a load", "deals")]
    assert large.errors == ()
    small = night(config, 7, deals=deals(7, first=20000))
    assert failed(small) == [("rows of a load", "deals")]


def test_of_several_loads_in_one_run_the_odd_one_shows(config: Config) -> None:
    nights(config, [deals(100)] * 4)
    for number, count in enumerate((100, 3, 100)):
        land(config, f"part-{number}", deals=deals(count, first=1000))
    with duckdb.connect(str(config.warehouse)) as connection:
        connection.execute("update ops.loads set run_id = 'part-0' where run_id like 'part-%'")
    result = check.check(config, run_id="part-0", suites=check.LANDING_SUITES)
    assert of(result, "rows of a load").observed == "3 rows"
    assert failed(result) == [("rows of a load", "deals")]


def test_rows_that_repeat_each_other_more_than_before_are_shown(config: Config) -> None:
    clean = [deals(100)] * 3
    last = nights(config, [*clean, [*deals(100), *deals(30)]])
    assert failed(last) == [("repeated rows", "deals")]
    assert of(last, "repeated rows").observed == "30 of 130 rows (23.1%)"


def test_a_table_that_stopped_coming_is_shown(config: Config) -> None:
    users = [{"user_id": "U1", "role": "ae"}]
    for number in range(1, 4):
        result = night(config, number, deals=deals(5), users=users)
    assert failed(result) == []
    result = night(config, 4, deals=deals(5))
    assert failed(result) == [("tables left out", "all tables")]
    assert of(result, "tables left out").observed == "users"


def test_old_data_is_shown(config: Config) -> None:
    week_old = AS_OF - timedelta(days=7)
    assert failed(night(config, 1, deals=deals(5, created_at=week_old))) == []
    older = week_old - timedelta(minutes=30)
    config = empty_home(config.home.with_name("other"))
    result = night(config, 1, deals=deals(5, created_at=older))
    assert failed(result) == [("freshness", "deals")]
    assert of(result, "freshness").observed == (
        "the newest is of 2025-06-22 23:30, 7.0 days before as_of (2025-06-30 00:00)"
    )


def test_what_is_later_than_as_of_does_not_make_data_fresh(config: Config) -> None:
    rows = [
        *deals(5, created_at=AS_OF - timedelta(days=30)),
        *deals(1, first=9, created_at=AS_OF + timedelta(days=1)),
    ]
    assert failed(night(config, 1, deals=rows)) == [("freshness", "deals")]


def changing(shares: list[int], **given: object) -> list:
    """Nightly deltas of 100 new deals; so many of each have no amount."""
    return [
        deals(100, first=1000 * number, nulls=nulls, **given) for number, nulls in enumerate(shares)
    ]


def test_a_column_that_loses_its_values_is_shown(config: Config) -> None:
    *usual, last = changing([90, 10, 12, 8, 60])
    # A handful of rows in between is no measure.
    last = nights(config, [*usual, deals(20, first=8000, nulls=20), last])
    assert failed(last) == [("null shares", "deals")]
    assert of(last, "null shares").observed == "amount 60% (before: 8% to 12%) in 100 rows"


def test_null_shares_within_the_tolerance_pass(config: Config) -> None:
    last = nights(config, changing([10, 10, 12, 8, 22]))
    assert failed(last) == []


def test_a_handful_of_rows_is_no_share(config: Config) -> None:
    last = nights(config, [*changing([10, 10, 12, 8]), deals(29, first=9000, nulls=29)])
    assert "null shares" not in {item.check for item in last.checks}


def test_checking_a_load_twice_compares_it_with_the_same_history(config: Config) -> None:
    nights(config, changing([10, 10, 12, 8, 60]))
    again = check.check(config, run_id="again", suites=check.LANDING_SUITES)
    assert of(again, "null shares").observed == "amount 60% (before: 8% to 12%) in 100 rows"
    with duckdb.connect(str(config.warehouse)) as connection:
        twice = connection.execute(
            "select count(*) from ops.column_profiles group by run_id, table_name, column_name "
            "having count(*) > 1"
        ).fetchall()
    assert twice == []


def test_amounts_in_cents_are_shown(config: Config) -> None:
    usual = changing([0] * 5)
    in_cents = [{**row, "amount": row["amount"] * 100} for row in deals(100, first=9000)]
    assert failed(nights(config, usual)) == []
    last = night(config, 6, deals=in_cents)
    assert failed(last) == [("distributions", "deals")]
    assert "median of amount 104,9" in of(last, "distributions").observed


def test_a_value_never_seen_before_is_shown_once(config: Config) -> None:
    first = [*deals(5), *deals(1, first=5, source="Web")]
    assert failed(night(config, 1, deals=first)) == []
    # A source that only a replaced version had, and a type that the contract names, are known.
    again = [
        *deals(1, first=5, source="Fair"),
        *deals(1, first=6, source="Web", deal_type="upsell"),
    ]
    result = night(config, 2, deals=again)
    assert of(result, "new values").observed == "source 'Fair'"
    assert failed(result) == [("new values", "deals")]
    result = night(config, 3, deals=deals(1, first=5, source="Web"))
    assert failed(result) == []
    result = night(config, 4, deals=deals(1, first=7, source="Web", stage="on <hold>"))
    assert of(result, "new values").observed == "stage 'on <hold>'"


def test_without_any_landing_there_is_nothing_to_say(config: Config) -> None:
    result = check.check(config, run_id="none", suites=check.LANDING_SUITES)
    assert result.checks == ()

"""What leaves is plausible and agrees with raw: each check with marts that break it."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from quality_case import (
    AS_OF,
    empty_home,
    failed,
    land,
    of,
    with_marts,
    write_company,
    write_scorecard,
)
from small_company import config_of
from warehouse import check, publish
from warehouse.config import Config


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("company") / "home"
    write_company(empty_home(home))
    return home


@pytest.fixture
def config(company: Path, tmp_path: Path) -> Config:
    shutil.copytree(company, tmp_path / "home")
    return config_of(tmp_path / "home")


def test_marts_that_say_what_raw_says_pass(config: Config) -> None:
    result = with_marts(config)
    assert failed(result) == []
    totals = {
        f"{item.table}.{item.column}": item.observed
        for item in result.checks
        if item.check == "agrees with raw"
    }
    assert totals == {
        "fct_deals.rows": "4",
        "fct_leads.rows": "4",
        "fct_activities.rows": "1",
        "fct_orders.rows": "2",
        "fct_nps_responses.rows": "2",
        "fct_spend.rows": "1",
        "fct_spend.amount": "50.00",
        "kpi_new_opportunities.new_deals": "4",
        "kpi_new_opportunities.new_leads": "4",
        "kpi_win_rate.won_deals": "3",
        "kpi_nps.responses": "1",
        # 10 EUR at 1.1 and 10 USD; 100 EUR at the rate of May's last day.
        "kpi_sales_by_location.amount": "21.00",
        "kpi_mrr.active_accounts": "1",
        "fct_account_months.mrr": "110.00",
    }


BROKEN_TOTALS = {
    ("fct_deals", "rows"): "delete from marts.fct_deals where deal_id = 'D00004'",
    ("fct_leads", "rows"): "insert into marts.fct_leads select * from marts.fct_leads limit 1",
    ("fct_activities", "rows"): "delete from marts.fct_activities",
    ("fct_orders", "rows"): "delete from marts.fct_orders where order_id = 'O1'",
    ("fct_spend", "amount"): "update marts.fct_spend set amount = 55",
    ("kpi_new_opportunities", "new_deals"): "update marts.kpi_new_opportunities set new_deals = 4",
    ("kpi_win_rate", "won_deals"): "update marts.kpi_win_rate set won_deals = 2",
    ("kpi_nps", "responses"): "update marts.kpi_nps set responses = 2",
    # As if 10 EUR had been taken 1:1, and at the rate of a later day.
    ("kpi_sales_by_location", "amount"): "update marts.kpi_sales_by_location set amount = 20",
    ("kpi_mrr", "active_accounts"): "update marts.kpi_mrr set active_accounts = 2",
    ("fct_account_months", "mrr"): "update marts.fct_account_months set mrr = 120 where mrr > 0",
}


def test_a_total_that_differs_from_raw_blocks(config: Config) -> None:
    result = with_marts(config, *BROKEN_TOTALS.values())
    assert {(item.table, item.column) for item in result.errors} == set(BROKEN_TOTALS)
    assert {item.check for item in result.errors} == {"agrees with raw"}
    found = next(item for item in result.errors if item.table == "fct_deals")
    assert (found.observed, found.expected) == ("3", "4 as in raw_crm.deals")


def test_what_is_discounted_away_is_no_revenue_whatever_the_rate(config: Config) -> None:
    # At this rate the three add up to 1e-10 if each is rounded by itself.
    result = with_marts(
        config,
        "update raw_finance.fx_rates set rate = 1.24688279301746",
        "insert into raw_crm.subscriptions by name select first.* replace (id as subscription_id, "
        "'G' as account_id, given as mrr) from raw_crm.subscriptions as first, "
        "(values ('S7', 33.33), ('S8', 66.67), ('S9', -100)) as discounted (id, given) "
        "where first.subscription_id = 'S1'",
        "update marts.fct_account_months set mrr = 124.688279301746 where account_id = 'A'",
        "update marts.kpi_sales_by_location set amount = 22.4688279301746",
    )
    assert [item.sentence() for item in result.errors] == []


def test_totals_follow_the_reporting_choices_of_the_build(config: Config) -> None:
    result = with_marts(
        config,
        """update ops.runs set vars = '{"reporting_currency": "EUR"}'""",
        # An order in EUR and one without a currency, which is EUR now.
        "update marts.kpi_sales_by_location set amount = 20",
        "update marts.fct_account_months set mrr = 100 where mrr > 0",
    )
    assert result.errors == ()


def test_days_are_those_of_the_reporting_time_zone(config: Config) -> None:
    # The afternoon of 19 June is the 20th in Auckland, and has its rate.
    result = with_marts(
        config,
        """update ops.runs set vars = '{"reporting_timezone": "Pacific/Auckland"}'""",
        "update raw_crm.orders set ordered_at = '2025-06-19 13:00' where order_id = 'O0'",
        "update marts.kpi_sales_by_location set amount = 22",
    )
    assert result.errors == ()


def test_totals_wait_for_a_build_after_the_last_landing(config: Config) -> None:
    land(config, "later", at=AS_OF.replace(hour=3), leads=[{"lead_id": "L9", "created_at": "2025"
                                                          "-06-01"}])  # fmt: skip
    result = with_marts(config)
    assert "agrees with raw" not in {item.check for item in result.checks}
    assert result.errors == ()


def test_a_rate_of_four_thirds_blocks(config: Config) -> None:
    result = with_marts(
        config, "update marts.kpi_win_rate set win_rate = 1.33 where period_start = '2025-05-01'"
    )
    [error] = result.errors
    assert error.sentence() == (
        "marts: kpi_win_rate: within 0..1: win_rate from 0.5 to 1.33, 1 row outside, "
        "expected win_rate within 0..1"
    )


def test_what_is_no_number_is_no_share_either(config: Config) -> None:
    result = with_marts(
        config,
        "create table marts.kpi_a as select -0.01::double as a_rate",
        "create table marts.kpi_b as select 'nan'::double as b_rate",
        "create table marts.kpi_c as select 'inf'::double as c_rate",
        "create table marts.kpi_d as select null::double as d_rate union all select 1",
    )
    assert failed(result) == [("within 0..1", f"kpi_{name}") for name in "abc"]


def test_only_shares_of_counts_are_bounded(config: Config) -> None:
    bounded = "win_rate", "win_rate_low", "churn_rate_6m", "acquisition_hazard", "pct_at_quota"
    free = "amount_win_rate", "meeting_acceptance_rate", "rate", "shared_spend"
    columns = ", ".join(f"2.0::double as {name}" for name in (*bounded, *free))
    result = with_marts(config, f"create table marts.kpi_x as select {columns}")
    [error] = result.errors
    assert error.expected == f"{', '.join(bounded)} within 0..1"
    assert error.value == len(bounded)


def test_a_headline_that_jumps_is_shown(config: Config) -> None:
    with duckdb.connect(str(config.warehouse)) as connection:
        write_scorecard(
            connection,
            "kpi_time_in_stage",
            [20, 22, 19, 21, 20, 22, 21, 20, 21, 55],
            detail="a / b",
        )
        write_scorecard(connection, "kpi_time_in_stage", [5.0] * 10, detail="a / c")
    result = with_marts(config)
    assert failed(result) == [("headline jump", "kpi_time_in_stage")]
    assert result.errors == ()
    jump = of(result, "headline jump", "kpi_time_in_stage")
    assert jump.observed == "21 to 55 in the period from 2025-06-16 (a / b)"
    assert jump.value == pytest.approx((34 - 0.5) / (1.4826 * 1.0), rel=0.5)
    assert of(result, "headline jump", "kpi_new_opportunities").value < 6


def test_only_a_change_beyond_its_own_history_is_a_jump(config: Config) -> None:
    headlines = {
        # Steady growth is none, however far the level is from where it began.
        "growing": ([100 * 1.1**n for n in range(12)], False),
        "changed_so_before": ([20, 22, 19, 60, 21, 20, 22, 21, 20, 21, 55], False),
        # A flat line has no spread of its own: then a share of its level stands for it.
        "flat_then_a_little": ([50.0] * 10 + [55.0], False),
        "flat_then_a_lot": ([50.0] * 10 + [80.0], True),
        "down": ([20, 22, 19, 21, 20, 22, 21, 20, 21, 1], True),
        "short": ([20, 22, 19, 21, 20, 22, 21, 90], False),
    }
    with duckdb.connect(str(config.warehouse)) as connection:
        for name, (values, _) in headlines.items():
            write_scorecard(connection, name, values)
    jumps = {table for check_name, table in failed(with_marts(config))}
    assert jumps == {name for name, (_, jumps) in headlines.items() if jumps}


def test_a_mart_that_lost_its_rows_since_the_release_is_shown(config: Config) -> None:
    with duckdb.connect(str(config.warehouse)) as connection:
        connection.execute(
            "create table ops.builds as select 'first' as run_id, now()::timestamp as started_at, "
            "?::timestamp as as_of, 'green' as status",
            [AS_OF],
        )
        connection.execute("create table ops.mart_keys (table_name varchar, key_columns varchar[])")
    publish.publish(config, report=False)
    assert failed(with_marts(config)) == []
    result = with_marts(config, "delete from marts.kpi_scorecard")
    assert failed(result) == [("rows of the marts", "all tables")]
    assert of(result, "rows of the marts").observed == "kpi_scorecard 0 instead of 12"


LEFT_OUT = {
    # The first rate of EUR is of 1 May: a day before it there is none.
    "currencies without a rate": (
        "update raw_crm.orders set currency = 'CHF' where order_id = 'O1';"
        "update raw_finance.spend set currency = 'EUR', spent_on = '2025-04-30'",
        "'CHF' of 1 row of orders; 'EUR' of 1 row of spend",
    ),
    "stages that are not listed": (
        "update marts.fct_deals set stage = 'new?' where deal_id = 'D00000'",
        "'sales / new?'",
    ),
    "deals without a known stage": (
        "update marts.fct_deals set stage = null, outcome = null where deal_id = 'D00004'",
        "1 row",
    ),
    "open deals without history": (
        "delete from raw_crm.deal_stage_history where deal_id = 'D00002'",
        "1 row",
    ),
    "history of unknown or deleted deals": (
        "update raw_crm.deal_stage_history set deal_id = 'D?' where deal_id = 'D00003'",
        "1 row of unknown deals, 0 of deleted ones",
    ),
    "closed before created": (
        "update marts.fct_deals set closed_at = '2025-04-01' where deal_id = 'D00001'",
        "1 row",
    ),
    "SQL before MQL": (
        "update marts.fct_leads set became_mql_at = '2025-06-02', became_sql_at = '2025-06-01' "
        "where lead_id = 'L0'",
        "1 row",
    ),
    "daily limits below zero": (
        "insert into raw_crm.users by name "
        "select 'U' as user_id, 'ae' as role, -1 as max_daily_deals",
        "1 row",
    ),
    "subscriptions without a rate": (
        "update raw_crm.subscriptions set currency = 'CHF' where subscription_id = 'S1'",
        "1 subscription: 'S1 (CHF)'",
    ),
}


def test_what_the_definitions_leave_out_is_counted(config: Config) -> None:
    whole = with_marts(config)
    assert {name: of(whole, name).value for name in LEFT_OUT} == dict.fromkeys(LEFT_OUT, 0)
    broken = with_marts(config, *(statement for statement, _ in LEFT_OUT.values()))
    found = {name: of(broken, name) for name in LEFT_OUT}
    assert {name: item.observed for name, item in found.items()} == {
        name: observed for name, (_, observed) in LEFT_OUT.items()
    }
    assert {(item.success, item.severity) for item in found.values()} == {(False, "warn")}


def test_history_of_deleted_deals_is_counted_and_no_fault(config: Config) -> None:
    found = of(with_marts(config), "history of unknown or deleted deals")
    assert (found.success, found.observed) == (True, "0 rows of unknown deals, 1 of deleted ones")


def test_before_the_first_build_there_is_nothing_to_compare(tmp_path: Path) -> None:
    config = empty_home(tmp_path / "home")
    result = check.check(config, run_id="early", suites=check.MARTS_SUITES)
    assert failed(result) == []

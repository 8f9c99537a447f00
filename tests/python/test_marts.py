"""Every published mart against an independent implementation that reads the same directories."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from edge_company import EdgeCompany, write_edge_company
from known_then import write_what_was_known
from landing_case import rows_of, write_rows
from oracle import MARTS, compare, compute
from running import dbt, read, refresh, warehouse
from warehouse import sample

SAMPLE_AS_OF = datetime(2026, 6, 15, 8, 30)
EARLIER = datetime(2026, 2, 11, 17, 45)
OTHER_CHOICES = {
    "reporting_timezone": "America/New_York",
    "reporting_currency": "EUR",
    "fiscal_year_start_month": 2,
    "lead_response_target_minutes": 60,
    "nps_min_tenure_days": 30,
    "employee_satisfaction_goal": 3.5,
    "survey_min_group": 4,
    "price_match_threshold": 0.1,
    "quota_too_high_below": 0.4,
    "quota_too_low_above": 0.6,
    "max_lifetime_months": 24,
}


@pytest.fixture(scope="module")
def edges(tmp_path_factory: pytest.TempPathFactory) -> EdgeCompany:
    return write_edge_company(tmp_path_factory.mktemp("edges"))


@pytest.fixture(scope="module")
def edge_home(edges: EdgeCompany, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("edge_home")
    refresh(home, edges.landing, as_of=edges.as_of)
    return home


@pytest.fixture(scope="module")
def sample_landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    landing = tmp_path_factory.mktemp("sample") / "landing"
    sample.write(landing, deals=250, seed=7, as_of=SAMPLE_AS_OF)
    return landing


@pytest.fixture(scope="module")
def sample_home(sample_landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("sample_home")
    refresh(home, sample_landing, as_of=SAMPLE_AS_OF)
    return home


def published(home: Path) -> Path:
    return home / "published" / "current" / "sales_kpi.duckdb"


def differences(expected: dict[str, list[dict]], file: Path) -> Iterator[str]:
    with read(file) as connection:
        for mart in MARTS:
            yield from compare(expected[mart], connection, mart)[:3]


def test_every_corner_case_gives_the_figures_of_the_oracle(edges, edge_home):
    expected = compute([edges.landing], edges.as_of)
    assert all(expected.values()), "a mart without rows proves nothing"
    assert list(differences(expected, published(edge_home))) == []


def test_a_delta_gives_the_figures_of_the_oracle(edges, edge_home):
    file = refresh(edge_home, edges.delta, as_of=edges.as_of_after_delta)
    expected = compute([edges.landing, edges.delta], edges.as_of_after_delta)
    assert list(differences(expected, file)) == []


def test_other_reporting_choices_give_the_figures_of_the_oracle(edges, tmp_path):
    file = refresh(tmp_path / "home", edges.landing, as_of=edges.as_of, settings=OTHER_CHOICES)
    expected = compute([edges.landing], edges.as_of, OTHER_CHOICES)
    assert list(differences(expected, file)) == []


def test_the_sample_gives_the_figures_of_the_oracle(sample_landing, sample_home):
    expected = compute([sample_landing], SAMPLE_AS_OF)
    assert all(expected.values()), "a mart without rows proves nothing"
    assert list(differences(expected, published(sample_home))) == []


def test_an_earlier_as_of_says_what_the_figures_said_then(sample_landing, sample_home, tmp_path):
    known_then = write_what_was_known(sample_landing, tmp_path / "known_then", EARLIER)
    then = refresh(tmp_path / "home", known_then, as_of=EARLIER)
    looked_back = refresh(sample_home, as_of=EARLIER)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{then}' as was (read_only)")
        connection.execute(f"attach '{looked_back}' as looks (read_only)")
        for mart in [*MARTS, "kpi_scorecard"]:
            # A calendar may reach further back where rows of the future name earlier days.
            only = (
                "where date_day between '2026-01-01' and '2026-02-11'" if mart == "dim_date" else ""
            )
            rows, missing, surplus = connection.execute(f"""
                select
                    (select count(*) from was.marts.{mart}),
                    (select count(*) from (
                        from was.marts.{mart} {only} except all from looks.marts.{mart} {only})),
                    (select count(*) from (
                        from looks.marts.{mart} {only} except all from was.marts.{mart} {only}))
            """).fetchone()
            assert rows > 0, f"{mart} without rows proves nothing"
            assert (missing, surplus) == (0, 0), f"{mart} differs from what was known then"


@pytest.mark.parametrize("company", ["edge_home", "sample_home"])
def test_the_survival_curve_is_that_of_kaplan_and_meier(company, request):
    with read(published(request.getfixturevalue(company))) as connection:
        visits = connection.execute(
            "select pipeline, stage, days_so_far, not is_current "
            "from marts.fct_deal_stage_visits where stage_outcome = 'open'"
        ).fetchall()
        points = connection.execute("from marts.stage_survival_curve").fetchall()
    curves: dict[tuple, dict[float, tuple]] = {}
    for pipeline, stage, days, share, at_risk in points:
        curves.setdefault((pipeline, stage), {})[days] = (share, at_risk)
    assert set(curves) == {(pipeline, stage) for pipeline, stage, _, _ in visits}
    for (pipeline, stage), curve in curves.items():
        stays = [(days, left) for *where, days, left in visits if where == [pipeline, stage]]
        share, steps = 1.0, {0.0: 1.0}
        for days in sorted({days for days, left in stays if left}):
            at_risk = sum(1 for other, _ in stays if other >= days)
            share *= 1 - stays.count((days, True)) / at_risk
            steps[days] = share
        # Points lie on the curve, both ends are there, and no fiftieth is passed over.
        for days, (shown, at_risk) in curve.items():
            assert shown == pytest.approx(steps[max(step for step in steps if step <= days)])
            assert at_risk == sum(1 for other, _ in stays if other >= days)
        assert min(curve) == 0
        assert max(curve) == max(days for days, _ in stays)
        for level in range(0, 100, 2):
            first = [days for days, share in steps.items() if share <= level / 100 + 1e-9]
            assert not first or min(first) in curve


def test_the_calendar_begins_with_the_first_year_that_a_date_can_name(sample_home, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(sample_home / "warehouse.duckdb", home / "warehouse.duckdb")
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("update raw_crm.accounts set created_at = '0001-01-01' where rowid = 0")
    dbt(home, "run", "--select", "int_days", "--vars", f"{{as_of: '{SAMPLE_AS_OF.isoformat()}'}}")
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        first = connection.execute(
            "select min(date_day)::varchar, min(fiscal_year) from intermediate.int_days"
        ).fetchone()
    assert first == ("0001-01-01", 1)


def test_plain_dbt_builds_and_all_its_tests_pass(sample_home):
    as_of = (SAMPLE_AS_OF + timedelta(hours=1)).isoformat()
    ran = dbt(sample_home, "build", "--vars", f"{{as_of: '{as_of}'}}")
    assert "ERROR=0" in ran.stdout
    assert "unit tests" in ran.stdout


def test_deals_without_a_rate_are_kept_where_the_calendar_is_long(
    sample_landing: Path, tmp_path: Path
) -> None:
    # An account of the year 1 makes three quarters of a million rates: DuckDB 2.0 then broke down
    # where deals with a rate and deals without one met before the size bands, on one core always.
    landing = shutil.copytree(sample_landing, tmp_path / "landing")
    accounts, deals = rows_of(landing, "accounts"), rows_of(landing, "deals")
    accounts[0]["created_at"] = "0001-01-01"
    for deal in deals[::7]:
        deal["currency"] = "XXX"
    write_rows(landing, "accounts", accounts)
    write_rows(landing, "deals", deals)
    home = tmp_path / "home"
    home.mkdir()
    (home / "warehouse.yml").write_text("threads: 1\n", encoding="utf-8")
    warehouse(home, "load", landing)
    warehouse(home, "build", "--as-of", SAMPLE_AS_OF.isoformat())
    with read(home / "warehouse.duckdb") as connection:
        connection.execute("create temp view landed as from raw_crm.deals where not is_deleted")
        rates, unpriced, wrong, found, wanted = connection.execute("""
            select
                (select count(*) from intermediate.int_fx_rates_daily),
                (select count(*) from landed where currency = 'XXX'),
                (select count(*) from marts.fct_deals as deals join landed using (deal_id)
                    where (deals.amount is null) <> (landed.currency = 'XXX' or landed.amount is null)
                    or (deals.size_band = 'unknown') <> (deals.amount is null)),
                (select count(*) from marts.fct_deals),
                (select count(*) from landed)
        """).fetchone()
    assert rates > 700_000
    assert unpriced > 20
    assert wrong == 0
    assert found == wanted

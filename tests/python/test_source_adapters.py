"""HubSpot and Salesforce give the facts of the landing contract, and none of the wrong figures that
packages for them are known for. One company, told once, in three systems: see crm_company."""

import ast
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

import crm_company
from crm_company import AS_OF, DAY, EARLIER, OUTCOMES, RATES, WINNER, Company, Deal
from running import REPOSITORY, dbt, read, warehouse
from warehouse.contract import load_contract

SOURCES = ("landing", "hubspot", "salesforce")
FACTS = (
    "fct_deals",
    "fct_deal_stage_visits",
    "fct_activities",
    "dim_account",
    "dim_product",
    "dim_stage",
)


@dataclass(frozen=True)
class World:
    """One home that holds all three systems, and its marts after each build."""

    company: Company
    home: Path
    built: dict[str, Path]

    def build(self, name: str, sources: list[str], *, as_of: datetime = AS_OF) -> None:
        """Build from these sources, and keep the marts under a name."""
        variables = json.dumps({"crm_sources": sources})
        warehouse(self.home, "build", "--as-of", as_of.isoformat(), "--vars", variables)
        self.built[name] = self.home.parent / f"{name}.duckdb"
        shutil.copy(self.home / "warehouse.duckdb", self.built[name])

    def rows(self, name: str, sql: str, *parameters: object) -> list[tuple]:
        """What a query says of the marts of a build."""
        with duckdb.connect(str(self.built[name]), read_only=True) as connection:
            connection.execute("set schema 'marts'")
            return connection.execute(sql, parameters).fetchall()

    def value(self, name: str, sql: str, *parameters: object) -> object:
        """The one figure of a query."""
        ((value,),) = self.rows(name, sql, *parameters)
        return value


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    directory = tmp_path_factory.mktemp("sources")
    company = crm_company.write_company(directory / "company")
    world = World(company, directory / "home", {})
    warehouse(world.home, "load", company.landing)
    warehouse(world.home, "load", company.salesforce, "--source", "salesforce")
    variables = json.dumps({"crm_sources": ["hubspot"]})
    # Once as people do: landed, built, checked and published.
    warehouse(
        world.home,
        "refresh",
        company.hubspot,
        *("--source", "hubspot", "--as-of", AS_OF.isoformat(), "--vars", variables),
    )
    world.built["hubspot"] = world.home / "published" / "current" / "sales_kpi.duckdb"
    for name in ("landing", "salesforce"):
        world.build(name, [name])
    world.build("earlier", ["hubspot", "salesforce"], as_of=EARLIER)
    world.build("all", list(SOURCES))
    return world


@pytest.fixture(scope="module")
def later(world: World) -> World:
    """HubSpot again, after its odd records and a late row of history have come."""
    warehouse(world.home, "load", world.company.hubspot_later, "--source", "hubspot")
    world.build("later", ["hubspot"])
    return world


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> World:
    """HubSpot and Salesforce with little more than their deals, in other layouts."""
    directory = tmp_path_factory.mktemp("bare")
    company = crm_company.write_company(directory / "company")
    bare = World(company, directory / "home", {})
    warehouse(bare.home, "load", company.hubspot_bare, "--source", "hubspot")
    warehouse(bare.home, "load", company.salesforce_bare, "--source", "salesforce")
    bare.build("bare", ["hubspot", "salesforce"])
    return bare


def existing(company: Company, as_of: datetime = AS_OF) -> Iterator[Deal]:
    """The deals that a figure may speak of."""
    for deal in company.deals:
        if not deal.is_deleted and deal.created_at <= as_of:
            yield deal


def known(deal: Deal, as_of: datetime = AS_OF) -> list[tuple[str, datetime]]:
    """The part of its path that has happened."""
    return [(stage, entered) for stage, entered in deal.path if entered <= as_of]


def days(elapsed: timedelta) -> float:
    return elapsed / DAY


# Which build, as_of when, and how its ids begin.
LOOKS = {
    **{source: (source, AS_OF, "") for source in SOURCES},
    "hubspot earlier": ("earlier", EARLIER, "hubspot:"),
    "salesforce earlier": ("earlier", EARLIER, "salesforce:"),
}


# --- against the truth ---------------------------------------------------------------------------


@pytest.mark.parametrize("look", list(LOOKS))
def test_every_stage_visit_is_that_of_the_truth(world, look):
    build, as_of, prefix = LOOKS[look]
    expected = []
    for deal in existing(world.company, as_of):
        path = known(deal, as_of)
        ends = [entered for _, entered in path[1:]] + [None]
        for number, ((stage, entered), left) in enumerate(zip(path, ends, strict=True), 1):
            expected.append((prefix + deal.deal_id, number, stage, entered, left))
    found = world.rows(
        build,
        "select deal_id, visit_number, stage, entered_at, exited_at from fct_deal_stage_visits "
        "where starts_with(deal_id, ?) order by deal_id, visit_number",
        prefix,
    )
    assert len(found) > 20
    assert found == sorted(expected)


@pytest.mark.parametrize("look", list(LOOKS))
def test_every_outcome_and_days_to_close_are_those_of_the_truth(world, look):
    build, as_of, prefix = LOOKS[look]
    expected = {}
    for deal in existing(world.company, as_of):
        stage, entered = known(deal, as_of)[-1]
        outcome = OUTCOMES[stage]
        to_close = None if outcome == "open" else days(entered - deal.created_at)
        expected[prefix + deal.deal_id] = (stage, outcome, to_close)
    found = world.rows(
        build,
        "select deal_id, stage, outcome, days_to_close from fct_deals where starts_with(deal_id, ?)",
        prefix,
    )
    assert {row[0] for row in found} == set(expected)
    for deal_id, stage, outcome, to_close in found:
        assert (stage, outcome) == expected[deal_id][:2], deal_id
        assert to_close == pytest.approx(expected[deal_id][2], abs=1e-9), deal_id


# --- the three systems agree ---------------------------------------------------------------------


@pytest.mark.parametrize("table", FACTS)
@pytest.mark.parametrize("source", ["hubspot", "salesforce"])
def test_facts_equal_those_of_the_landing_contract(world, source, table):
    query = f"select * from {table} order by all"
    expected = world.rows("landing", query)
    assert expected
    assert world.rows(source, query) == expected


@pytest.mark.parametrize("source", ["hubspot", "salesforce"])
def test_every_kpi_equals_that_of_the_landing_contract(world, source):
    tables = [
        name
        for (name,) in world.rows(
            "landing", "select table_name from duckdb_tables() where schema_name = 'marts'"
        )
        if name.startswith("kpi_") and name not in ("kpi_catalogue",)
    ]
    filled = 0
    for table in tables:
        query = f"select * from {table} order by all"
        expected = world.rows("landing", query)
        assert world.rows(source, query) == expected, table
        filled += bool(expected)
    assert filled >= 18


def test_managers_are_those_of_salesforce(world):
    managers = "select user_id, full_name, role, team, manager_id from dim_user order by user_id"
    expected = [(user, name, "ae", team, boss) for user, name, team, boss in crm_company.USERS]
    assert world.rows("salesforce", managers) == sorted(expected)


# --- several at once -----------------------------------------------------------------------------


def test_several_sources_are_added_up_and_their_ids_kept_apart(world):
    one = world.value("landing", "select count(*) from fct_deals")
    assert world.value("all", "select count(*) from fct_deals") == 3 * one
    assert world.rows(
        "all", "select split_part(deal_id, ':', 1), count(*) from fct_deals group by 1 order by 1"
    ) == [("hubspot", one), ("landing", one), ("salesforce", one)]
    (visits,) = world.rows(
        "landing", "select count(*), sum(days_so_far) from fct_deal_stage_visits"
    )
    for count, total in world.rows(
        "all",
        "select count(*), sum(days_so_far) from fct_deal_stage_visits "
        "group by split_part(visit_id, ':', 1)",
    ):
        assert (count, total) == (visits[0], pytest.approx(visits[1]))


def test_facts_of_several_sources_refer_to_each_other_within_a_source(world):
    for table, column, other, key in (
        ("fct_deals", "owner_id", "dim_user", "user_id"),
        ("fct_deals", "account_id", "dim_account", "account_id"),
        ("fct_deal_stage_visits", "deal_id", "fct_deals", "deal_id"),
        ("fct_activities", "user_id", "dim_user", "user_id"),
        ("dim_user", "manager_id", "dim_user", "user_id"),
    ):
        matched, lost = world.rows(
            "all",
            f"select count(*) filter (parent.{key} is not null), "
            f"count(*) filter (parent.{key} is null) "
            f"from {table} as child left join {other} as parent on child.{column} = parent.{key} "
            f"where child.{column} is not null and child.{column} not like '%005-gone'",
        )[0]
        assert matched and not lost, (table, column)
    assert (
        world.value(
            "all", "select count(*) from fct_deal_stage_visits where stage_position is null"
        )
        == 0
    )


def test_landed_rows_may_speak_of_the_records_of_a_crm(world):
    """The quota of user 005b of HubSpot is met by that user's wins there, and by no others."""
    won = world.value(
        "landing",
        "select sum(amount) from fct_deals where owner_id = '005b' and outcome = 'won' "
        "and closed_at >= date '2025-04-01' and closed_at < date '2025-07-01'",
    )
    assert world.rows(
        "all",
        "select dimension_value, actual from kpi_quota_attainment "
        "where dimension_value = 'hubspot:005b'",
    ) == [("hubspot:005b", won)]
    # With one source on, ids are as they are: that quota is nobody's, and Ann's is hers.
    assert world.rows(
        "hubspot", "select dimension_value from kpi_quota_attainment where actual > 0"
    ) == [(WINNER,)]


# --- what packages in use get wrong --------------------------------------------------------------


@pytest.mark.parametrize("source", ["hubspot", "salesforce"])
def test_days_to_close_are_never_negative(world, later, source):
    name = "later" if source == "hubspot" else source
    negative = "select count(*) from fct_deals where days_to_close < 0"
    assert world.value(name, negative) == 0
    same_day = "select days_to_close from fct_deals where deal_id = '006-same-day'"
    assert world.value(name, same_day) == pytest.approx(2.5 / 24)
    if source == "hubspot":
        # A close typed before the creation is counted as won, and not averaged.
        assert later.rows(
            "later",
            "select outcome, days_to_close from fct_deals where deal_id = 'odd-closed-early'",
        ) == [("won", None)]


@pytest.mark.parametrize("source", ["hubspot", "salesforce"])
def test_a_rep_with_wins_and_no_losses_wins_every_deal(world, source):
    rows = world.rows(
        source,
        "select won_deals, lost_deals, win_rate from kpi_win_rate "
        "where dimension = 'owner' and dimension_value = ? and period_grain = 'quarter'",
        WINNER,
    )
    assert len(rows) >= 2
    assert all(won > 0 and lost == 0 and rate == 1 for won, lost, rate in rows)


@pytest.mark.parametrize("source", ["salesforce", "all"])
def test_nobody_wins_more_than_all_deals_not_even_a_manager(world, source):
    assert world.value(source, "select max(win_rate) from kpi_win_rate") == 1
    # A team's wins are those of its people, each counted once.
    for dimension in ("owner", "team"):
        assert world.rows(
            source,
            "select period_start, sum(won_deals) from kpi_win_rate "
            "where period_grain = 'month' and dimension = ? group by all order by all",
            dimension,
        ) == world.rows(
            source,
            "select period_start, won_deals::hugeint from kpi_win_rate "
            "where period_grain = 'month' and dimension = 'all' order by all",
        )


@pytest.mark.parametrize("source", ["hubspot", "salesforce"])
def test_the_pipeline_is_worth_its_amounts_not_a_hundred_times_as_much(world, source):
    expected = {}
    for deal in existing(world.company):
        if OUTCOMES[deal.stage] == "open" and deal.amount is not None and deal.currency in RATES:
            worth = deal.amount * RATES[deal.currency]
            expected[deal.pipeline] = expected.get(deal.pipeline, 0) + worth
    found = world.rows(
        source,
        "select pipeline, sum(open_amount) from kpi_deals_by_stage where period_grain = 'month' "
        "and dimension = 'all' and period_start = date '2025-07-01' group by pipeline",
    )
    assert dict(found) == pytest.approx(expected)


def test_deals_of_every_forecast_category_are_in_the_pipeline(world):
    """MostLikely is one that is forgotten: it is the category of the stage offer."""
    expected = sum(deal.stage == "offer" for deal in existing(world.company))
    assert expected > 5
    assert (
        world.value(
            "salesforce",
            "select sum(open_deals) from kpi_deals_by_stage where period_grain = 'month' "
            "and dimension = 'all' and period_start = date '2025-07-01' and stage = 'offer'",
        )
        == expected
    )


@pytest.mark.parametrize("source", ["hubspot", "salesforce"])
def test_an_open_visit_has_no_end_and_lasts_until_as_of(world, source):
    rows = world.rows(
        source,
        "select entered_at, exited_at, days_in_stage, days_so_far from fct_deal_stage_visits "
        "where is_current",
    )
    assert len(rows) == len(list(existing(world.company)))
    for entered, exited, in_stage, so_far in rows:
        assert (exited, in_stage) == (None, None)
        assert so_far == pytest.approx(days(AS_OF - entered))
    assert world.value(source, "select max(exited_at) from fct_deal_stage_visits") < AS_OF


@pytest.mark.parametrize("source", ["hubspot", "salesforce"])
def test_a_visit_ends_when_the_next_begins_to_the_microsecond(world, source):
    """The connectors' own ends lie a millisecond before."""
    gaps = (
        "select count(*) from fct_deal_stage_visits as visits inner join fct_deal_stage_visits "
        "as following on visits.deal_id = following.deal_id "
        "and following.visit_number = visits.visit_number + 1 "
        "where visits.exited_at <> following.entered_at"
    )
    assert world.value(source, gaps) == 0


@pytest.mark.parametrize("source", ["hubspot", "salesforce"])
def test_time_in_a_stage_that_was_entered_twice_is_added_up_over_its_visits(world, source):
    assert world.rows(
        source,
        "select stage, count(*), sum(days_in_stage) from fct_deal_stage_visits "
        "where deal_id = '006-reentry' and not is_current group by stage order by stage",
    ) == [("demo", 2, 13.0), ("qualify", 2, 30.0)]


@pytest.mark.parametrize("source", ["hubspot", "salesforce"])
def test_a_deal_that_was_lost_and_later_won_is_won(world, source):
    assert world.rows(
        source,
        "select outcome, reopened_count, closed_at from fct_deals "
        "where deal_id = '006-lost-then-won'",
    ) == [("won", 1, datetime(2025, 3, 15, 16, 0, 0, 250_000))]


@pytest.mark.parametrize("source", ["hubspot", "salesforce"])
def test_a_deal_that_was_reopened_is_open_and_has_no_close(world, source):
    assert world.rows(
        source, "select outcome, closed_at from fct_deals where deal_id = '006-reopened'"
    ) == [("open", None)]


def test_one_stage_id_in_two_pipelines_multiplies_no_deal_and_keeps_its_place(later):
    assert later.value("later", "select count(*) - count(distinct deal_id) from fct_deals") == 0
    assert later.rows(
        "later",
        "select stage, stage_position, stage_outcome, direction from fct_deal_stage_visits "
        "where deal_id = 'odd-service-deal' order by visit_number",
    ) == [
        ("offer", 1, "open", "forward"),
        ("lost", 2, "open", "forward"),
        ("qualify", 3, "open", None),
    ]
    # The same ids in the other pipelines are what they were.
    assert later.rows(
        "later", "select pipeline, position from dim_stage where stage = 'qualify' order by all"
    ) == [("odd-service", 3), ("partner", 1), ("sell", 1)]


def test_a_merged_deal_is_one_deal_and_the_survivor_keeps_its_own_history(later):
    assert later.value("later", "select count(*) from fct_deals where deal_id is null") == 0
    merged = "select count(*) from {} where deal_id = 'odd-merged-away'"
    for table in ("fct_deals", "fct_deal_stage_visits", "fct_activities"):
        assert later.value("later", merged.format(table)) == 0
    survivor = "select * from fct_deal_stage_visits where deal_id = '006-reentry' order by all"
    assert later.rows("later", survivor) == later.rows("hubspot", survivor)
    # What was said on the merged deal was said to the survivor's people.
    assert later.rows(
        "later", "select deal_id from fct_activities where activity_id = 'odd-call'"
    ) == [("006-reentry",)]


@pytest.mark.parametrize("source", ["hubspot", "salesforce"])
def test_deleted_deals_are_not_counted(world, source):
    assert any(deal.is_deleted for deal in world.company.deals)
    for table in ("fct_deals", "fct_deal_stage_visits"):
        count = f"select count(*) from {table} where deal_id = '006-deleted'"
        assert world.value(source, count) == 0
    won = "select sum(won_amount) from kpi_win_rate where dimension = 'all' and period_grain = 'month'"
    assert world.value(source, won) < 999_999


@pytest.mark.parametrize("source", ["hubspot", "salesforce"])
def test_deals_without_an_owner_or_whose_owner_has_gone_are_there(world, source):
    assert world.rows(
        source,
        "select deal_id, owner_id, team from fct_deals "
        "where owner_id is null or owner_id = '005-gone' order by all",
    ) == [
        ("006-left", "005-gone", None),
        ("006-ownerless", None, None),
        ("006-ownerless-open", None, None),
    ]
    assert world.rows(
        source,
        "select won_deals from kpi_win_rate where dimension = 'owner' "
        "and dimension_value = 'unknown' and period_grain = 'month'",
    ) == [(1,)]


@pytest.mark.parametrize("source", ["hubspot", "salesforce"])
def test_amounts_of_several_currencies_are_converted_before_they_are_added_up(world, source):
    assert world.rows(
        source,
        "select deal_id, amount::double from fct_deals "
        "where deal_id in ('006-euro', '006-yen', '006-no-rate', '006-no-amount') order by deal_id",
    ) == [("006-euro", 1250), ("006-no-amount", None), ("006-no-rate", None), ("006-yen", 500)]


def test_visit_ids_stay_when_a_late_row_comes_between(later):
    visits = "select stage, visit_id from fct_deal_stage_visits where deal_id = '006-reopened'"
    before, after = dict(later.rows("hubspot", visits)), dict(later.rows("later", visits))
    assert set(after) - set(before) == {"demo"}
    # The deal was in offer twice: its later visit has the id it had, and so has the win.
    assert {stage: after[stage] for stage in before} == before
    others = (
        "select visit_id from fct_deal_stage_visits "
        "where deal_id not like 'odd%' and deal_id <> '006-reopened' order by all"
    )
    assert later.rows("later", others) == later.rows("hubspot", others)


# --- missing, unknown, mistaken ------------------------------------------------------------------


def test_what_is_not_understood_is_listed_with_what_it_counts_as(later):
    found = {
        (table, column, value): (rows, counts_as)
        for table, column, value, rows, counts_as in later.rows(
            "later",
            "select table_name, column_name, value, rows, counts_as from unmapped_values "
            "where source_system = 'hubspot'",
        )
    }
    existing_business = sum(
        deal.deal_type == "existing_business" for deal in existing(later.company)
    )
    own_type = "a type of its own: no new business, renewal, upsell or cross-sell"
    nobody = "a person without name, role, team and region"
    assert found == {
        ("deals", "deal_type", "Rental"): (1, own_type),
        ("deals", "deal_type", "existing_business"): (existing_business, own_type),
        ("deals", "stage", "sell/someday"): (1, "an open stage without position"),
        ("deal_stage_history", "stage", "sell/someday"): (1, "an open stage without position"),
        ("deals", "owner_id", "005-gone"): (1, nobody),
        ("deals", "currency", "CHF"): (1, "no amount, for want of a rate"),
        ("activities", "activity_type", "FAX"): (1, "no activity"),
        ("leads", "lifecycle_stage", "odd-stage"): (1, "a lead that is neither MQL nor SQL"),
    }
    # And all of it is there.
    assert later.rows(
        "later", "select outcome, stage from fct_deals where deal_id = 'odd-unlisted-stage'"
    ) == [("open", "someday")]
    assert later.value("later", "select count(*) from fct_leads where lead_id = 'odd-lead'") == 1


def test_every_source_says_what_it_did_not_understand(world):
    assert world.rows(
        "all",
        "select source_system, rows from unmapped_values where value = 'CHF' order by all",
    ) == [("hubspot", 1), ("landing", 1), ("salesforce", 1)]
    # A kind of task that nobody has explained; to-dos that are not done are no activities yet.
    assert world.rows(
        "salesforce",
        "select value, rows from unmapped_values where table_name = 'activities' order by all",
    ) == [("Letter", 1)]


def test_missing_tables_are_empty_and_missing_columns_null(bare):
    for empty in ("fct_activities", "fct_leads", "dim_user", "dim_account", "dim_product"):
        assert bare.value("bare", f"select count(*) from {empty}") == 0
    count = len(list(existing(bare.company)))
    assert bare.rows(
        "bare",
        "select split_part(deal_id, ':', 1), count(*), count(industry), count(team) from fct_deals "
        "group by 1 order by 1",
    ) == [("hubspot", count, 0, 0), ("salesforce", count, 0, 0)]


def test_opportunities_without_history_closed_on_their_day_and_not_before_their_creation(bare):
    """Stages follow from what opportunities show: outcomes, and places by probability."""
    for deal in existing(bare.company):
        if deal.deal_id == crm_company.TOLD:
            continue
        expected = None
        if deal.closed_at:
            midnight = datetime.combine(deal.closed_at.date(), datetime.min.time())
            expected = max(midnight, deal.created_at)
        assert bare.rows(
            "bare",
            "select outcome, closed_at, days_to_close >= 0 from fct_deals where deal_id = ?",
            f"salesforce:{deal.deal_id}",
        ) == [(OUTCOMES[deal.stage], expected, True if expected else None)]
    stages = bare.rows(
        "bare", "select stage from dim_stage where pipeline = 'salesforce:sell' order by position"
    )
    assert [stage for (stage,) in stages] == ["qualify", "demo", "offer", "won", "lost"]


def test_the_object_opportunity_history_is_read_as_well_and_its_ids_kept(bare):
    (told,) = (deal for deal in bare.company.deals if deal.deal_id == crm_company.TOLD)
    assert bare.rows(
        "bare",
        "select visit_id, stage, entered_at from fct_deal_stage_visits "
        "where deal_id like 'salesforce:%' order by entered_at",
    ) == [
        (f"salesforce:008-{number}", stage, entered)
        for number, (stage, entered) in enumerate(told.path)
    ]


def test_stage_history_out_of_property_history_has_the_same_visits_and_ids(bare):
    expected = []
    for deal in existing(bare.company):
        ends = [entered for _, entered in deal.path[1:]] + [None]
        for (stage, entered), left in zip(deal.path, ends, strict=True):
            micros = (entered - datetime(1970, 1, 1)) // timedelta(microseconds=1)
            visit = f"hubspot:{deal.deal_id}:{micros}:{stage}"
            expected.append((visit, OUTCOMES[stage], entered, left))
    assert bare.rows(
        "bare",
        "select visit_id, stage_outcome, entered_at, exited_at from fct_deal_stage_visits "
        "where deal_id like 'hubspot:%' order by visit_id",
    ) == sorted(expected)


def test_an_unknown_source_is_refused(world):
    ran = dbt(world.home, "parse", "--vars={crm_sources: [hubspott]}", expect=2)
    assert "there is no source 'hubspott'" in ran.stdout


def test_a_project_of_several_sources_compiles_without_a_database(tmp_path):
    variables = json.dumps({"crm_sources": list(SOURCES)})
    dbt(tmp_path / "nothing", "compile", f"--vars={variables}", "--select=int_deals_known")
    assert not (tmp_path / "nothing" / "warehouse.duckdb.wal").exists()


def test_the_tables_that_a_source_gives_are_the_models_it_has():
    declared = (REPOSITORY / "macros" / "source_tables.sql").read_text(encoding="utf-8")
    tables = declared.split("return(", 1)[1].rsplit("})", 1)[0] + "}"
    contract = {path.stem.split("__")[1] for path in _models("landing")} | {"unmapped_values"}
    for source, names in ast.literal_eval(tables).items():
        models = {path.stem.split("__")[1] for path in _models(source)}
        assert set(names) == models & contract, source


def test_every_column_that_names_a_record_is_an_id():
    ids = (REPOSITORY / "macros" / "id_columns.sql").read_text(encoding="utf-8")
    declared = set(re.findall(r"^        '(\w+)',$", ids, re.M))
    columns = {column.name for table in load_contract().tables for column in table.columns}
    assert declared <= columns
    assert {name for name in columns if name.endswith("_id")} <= declared
    assert {"pipeline", "changed_by"} <= declared


def _models(source: str) -> list[Path]:
    return sorted((REPOSITORY / "models" / "staging" / source).glob("stg_*.sql"))


def test_published_marts_of_a_crm_are_checked_and_readable(world):
    with read(world.built["hubspot"]) as connection:
        assert connection.execute("select count(*) from marts.unmapped_values").fetchone()[0] > 0
    with duckdb.connect(str(world.home / "warehouse.duckdb"), read_only=True) as connection:
        checked = connection.execute(
            "select table_name, success from ops.check_results where check_name = 'agrees with raw'"
        ).fetchall()
    assert {"fct_deals", "kpi_win_rate", "fct_leads"} <= {table for table, _ in checked}
    assert all(success for _, success in checked)

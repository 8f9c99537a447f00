"""The synthetic company: deterministic, lands without a reject, and looks like a real one."""

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from warehouse import load, sample
from warehouse.contract import load_contract
from warehouse.errors import InputError

AS_OF = datetime(2025, 6, 30, 6)
DELTA_DAYS = 30
CONTRACT = {table.name: table for table in load_contract().tables}

REFERENCES = [
    ("users", "manager_id", "users", "user_id"),
    ("accounts", "owner_id", "users", "user_id"),
    ("contacts", "account_id", "accounts", "account_id"),
    ("leads", "owner_id", "users", "user_id"),
    ("leads", "converted_account_id", "accounts", "account_id"),
    ("leads", "converted_contact_id", "contacts", "contact_id"),
    ("leads", "converted_deal_id", "deals", "deal_id"),
    ("deals", "account_id", "accounts", "account_id"),
    ("deals", "owner_id", "users", "user_id"),
    ("deals", "product_id", "products", "product_id"),
    ("deal_stage_history", "deal_id", "deals", "deal_id"),
    ("deal_stage_history", "changed_by", "users", "user_id"),
    ("activities", "user_id", "users", "user_id"),
    ("activities", "lead_id", "leads", "lead_id"),
    ("activities", "contact_id", "contacts", "contact_id"),
    ("activities", "account_id", "accounts", "account_id"),
    ("activities", "deal_id", "deals", "deal_id"),
    ("quotas", "user_id", "users", "user_id"),
    ("subscriptions", "account_id", "accounts", "account_id"),
    ("subscriptions", "product_id", "products", "product_id"),
    ("subscriptions", "deal_id", "deals", "deal_id"),
    ("orders", "account_id", "accounts", "account_id"),
    ("orders", "location_id", "locations", "location_id"),
    ("orders", "product_id", "products", "product_id"),
    ("orders", "promotion_id", "promotions", "promotion_id"),
    ("nps_responses", "account_id", "accounts", "account_id"),
    ("nps_responses", "contact_id", "contacts", "contact_id"),
    ("account_costs", "account_id", "accounts", "account_id"),
    ("competitor_prices", "product_id", "products", "product_id"),
    ("promotions", "product_id", "products", "product_id"),
    ("promotions", "location_id", "locations", "location_id"),
    ("promotions", "control_location_id", "locations", "location_id"),
]


@pytest.fixture(scope="module")
def company(tmp_path_factory) -> sample.SampleResult:
    """The default company with thirty days of deltas."""
    return sample.write(
        tmp_path_factory.mktemp("sample") / "company", as_of=AS_OF, delta_days=DELTA_DAYS
    )


@pytest.fixture(scope="module")
def files(company) -> duckdb.DuckDBPyConnection:
    """The files of the default company as tables in the types of the contract."""
    return tables_of(company.out_dir)


@pytest.fixture(scope="module")
def large_dir(tmp_path_factory) -> Path:
    """A company of 25,000 deals, big enough for two threads to share the work."""
    out_dir = tmp_path_factory.mktemp("sample") / "large"
    sample.write(out_dir, deals=25_000, as_of=AS_OF, file_format="parquet", threads=2)
    return out_dir


@pytest.fixture(scope="module")
def large(large_dir) -> duckdb.DuckDBPyConnection:
    """Its files as tables, for what chance would blur in a smaller company."""
    return tables_of(large_dir)


def tables_of(directory: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name, table in CONTRACT.items():
        (entry,) = directory.glob(f"{name}*")
        source = entry / "*.parquet" if entry.is_dir() else entry
        # Types of the contract instead of what DuckDB guesses from a file.
        columns = ", ".join(
            f'cast("{column.name}" as {column.data_type}) as "{column.name}"'
            for column in table.columns
        )
        connection.execute(f"create table {name} as select {columns} from '{source}'")
    connection.execute(
        """
        create view outcomes as
        select
            deals.*,
            pipeline_stages.outcome,
            pipeline_stages.position,
            epoch(closed_at - created_at) / 86400 as days_to_close,
        from deals
        inner join pipeline_stages
            on
                deals.pipeline = pipeline_stages.pipeline
                and deals.stage = pipeline_stages.stage
        where not is_deleted
        """
    )
    return connection


def value(connection: duckdb.DuckDBPyConnection, query: str, *parameters):
    return connection.execute(query, list(parameters)).fetchone()[0]


def rows(connection: duckdb.DuckDBPyConnection, query: str, *parameters) -> list[tuple]:
    return connection.execute(query, list(parameters)).fetchall()


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


# Determinism and sizes


def test_the_same_seed_writes_the_same_bytes_whatever_the_threads(tmp_path, large_dir):
    sample.write(tmp_path / "again", deals=25_000, as_of=AS_OF, file_format="parquet", threads=1)
    assert contents(tmp_path / "again") == contents(large_dir)


def test_the_same_seed_writes_the_same_csv_and_deltas_again(tmp_path):
    for name in ("once", "again"):
        sample.write(tmp_path / name, deals=300, seed=7, as_of=AS_OF, delta_days=2)
    once = contents(tmp_path / "once")
    assert once == contents(tmp_path / "again")
    assert "deals.csv" in once
    assert "delta-2025-07-02/deals.csv" in once


def test_another_seed_writes_another_company(tmp_path):
    for seed in (1, 2):
        sample.write(tmp_path / str(seed), deals=100, seed=seed, as_of=AS_OF)
    first, second = contents(tmp_path / "1"), contents(tmp_path / "2")
    chance_free = {"products.csv", "pipeline_stages.csv", "locations.csv", "promotions.csv"}
    assert {name for name in first if first[name] == second[name]} == chance_free


@pytest.mark.parametrize("deals", [1, 100, 777])
def test_every_table_has_the_contract_columns_and_deals_are_counted_exactly(tmp_path, deals):
    result = sample.write(tmp_path / "company", deals=deals, as_of=AS_OF)
    assert set(result.rows) == set(CONTRACT)
    assert result.rows["deals"] == deals
    for name, table in CONTRACT.items():
        header = (tmp_path / "company" / f"{name}.csv").read_text().splitlines()[0]
        assert header == ",".join(table.column_names)
    if deals >= 100:
        assert min(result.rows.values()) > 0, result.rows


def test_part_files_hold_the_same_company(tmp_path, monkeypatch):
    whole = tmp_path / "whole"
    parts = tmp_path / "parts"
    arguments = {"deals": 800, "as_of": AS_OF, "delta_days": 2, "file_format": "parquet"}
    sample.write(whole, **arguments)
    monkeypatch.setattr(sample, "CHUNK", 400)
    result = sample.write(parts, **arguments)
    assert sorted(path.name for path in (parts / "deals").iterdir()) == [
        "part-0001.parquet",
        "part-0002.parquet",
        "part-0003.parquet",
    ]
    connection = duckdb.connect()
    for name in CONTRACT:
        one, many = f"'{whole}/{name}.parquet'", f"'{parts}/{name}/*.parquet'"
        difference = (
            f"(from {one} except all from {many}) union all (from {many} except all from {one})"
        )
        assert rows(connection, difference) == [], name
        assert value(connection, f"select count(*) from {many}") == result.rows[name]
    for day in result.delta_dirs:
        assert contents(day) == contents(whole / day.name)


def test_without_an_as_of_the_company_ends_at_the_beginning_of_the_day(tmp_path):
    sample.write(tmp_path / "company", deals=100)
    newest = value(tables_of(tmp_path / "company"), "select max(created_at) from deals")
    age = datetime.now() - newest
    assert timedelta(0) < age < timedelta(days=20)


# What landing demands


def test_landing_accepts_every_row_of_base_and_deltas(company, tmp_path):
    connection = duckdb.connect(str(tmp_path / "warehouse.duckdb"))
    load.ensure_raw_tables(connection)
    # the first days hold every kind of change, the new month's quotas too
    directories = [company.out_dir, *company.delta_dirs[:4]]
    result = load.load(connection, directories, run_id="test", loaded_at=datetime(2025, 8, 1))
    assert result.absent == ()
    base = {entry.table_name: entry for entry in result.tables[: len(CONTRACT)]}
    assert {name: entry.rows_inserted for name, entry in base.items()} == company.rows
    for entry in result.tables:
        assert entry.rows_read == entry.rows_landed, entry
        assert entry.rows_stale == 0, entry
        assert (entry.missing_columns, entry.extra_columns, entry.drift) == ((), (), ()), entry


@pytest.mark.parametrize(("table", "column", "target", "key"), REFERENCES, ids=str)
def test_references_point_to_what_is_there(files, table, column, target, key):
    orphans = f"""
        select count(*)
        from {table} as referring
        where
            referring.{column} is not null
            and not exists (select 1 from {target} as there where there.{key} = referring.{column})
    """
    assert value(files, orphans) == 0
    assert value(files, f"select count({column}) from {table}") > 0


def test_rates_are_quoted_to_six_digits(files):
    assert value(files, "select count(*) from fx_rates where rate > 1") > 100
    assert value(files, "select count(*) from fx_rates where rate <> round(rate, 6)") == 0


def test_some_attributes_are_missing_as_in_a_real_company(files):
    for column in ("account_id", "owner_id", "amount", "currency", "source", "product_id"):
        share = value(files, f"select count(*) filter ({column} is null) / count(*) from deals")
        assert 0 < share < 0.06, (column, share)


# What was known


def test_history_starts_with_the_deal_and_ends_in_its_stage(files):
    broken = """
        select
            deals.deal_id,
            min(changed_at) as first_at,
            arg_max(deal_stage_history.stage, (changed_at, change_id)) as last_stage,
        from deals
        left join deal_stage_history on deals.deal_id = deal_stage_history.deal_id
        group by deals.deal_id, deals.created_at, deals.stage
        having
            first_at is distinct from deals.created_at
            or last_stage is distinct from deals.stage
    """
    assert rows(files, broken) == []
    unknown_stages = """
        select count(*)
        from deal_stage_history
        inner join deals on deal_stage_history.deal_id = deals.deal_id
        anti join pipeline_stages
            on
                deals.pipeline = pipeline_stages.pipeline
                and deal_stage_history.stage = pipeline_stages.stage
    """
    assert value(files, unknown_stages) == 0


def test_nothing_is_known_before_it_happened_but_booked_meetings(files):
    instants = {
        "deals": ["created_at", "closed_at", "updated_at"],
        "deal_stage_history": ["changed_at"],
        "leads": [
            "created_at",
            "became_mql_at",
            "became_sql_at",
            "disqualified_at",
            "converted_at",
            "updated_at",
        ],
        "accounts": ["created_at", "updated_at"],
        "contacts": ["created_at"],
        "activities": ["created_at"],
        "orders": ["ordered_at"],
        "nps_responses": ["sent_at", "responded_at"],
        "employee_responses": ["responded_at"],
        "subscriptions": ["started_on"],
        "spend": ["spent_on"],
        "account_costs": ["incurred_on"],
        "fx_rates": ["rate_on"],
        "competitor_prices": ["observed_on"],
        "quotas": ["period_start"],
        "users": ["hired_on", "left_on"],
    }
    for table, columns in instants.items():
        for column in columns:
            newest = value(files, f"select max({column})::timestamp from {table}")
            assert newest <= AS_OF, (table, column)
            assert newest > AS_OF - timedelta(days=100), (table, column)
    booked = rows(
        files,
        "select distinct activity_type, meeting_status from activities where occurred_at > ?",
        AS_OF,
    )
    assert booked
    assert {kind for kind, _ in booked} <= {"meeting", "video_meeting"}
    assert {status for _, status in booked} >= {"scheduled", "accepted"}
    assert "held" not in {status for _, status in booked}


@pytest.mark.parametrize(
    ("table", "moment", "target", "key", "exists_from"),
    [
        ("deals", "created_at", "accounts", "account_id", "created_at"),
        (
            "activities",
            "coalesce(referring.created_at, occurred_at)",
            "deals",
            "deal_id",
            "created_at",
        ),
        (
            "activities",
            "coalesce(referring.created_at, occurred_at)",
            "leads",
            "lead_id",
            "created_at",
        ),
        ("orders", "ordered_at", "accounts", "account_id", "created_at"),
        ("subscriptions", "started_on", "accounts", "account_id", "created_at::date"),
    ],
)
def test_nothing_refers_to_what_comes_later(large, table, moment, target, key, exists_from):
    moment = moment if "(" in moment else f"referring.{moment}"
    early = f"""
        select count(*) filter ({moment} < there.{exists_from}), count(*)
        from {table} as referring
        inner join {target} as there on referring.{key} = there.{key}
    """
    too_early, all_of_them = rows(large, early)[0]
    assert all_of_them > 1000
    assert too_early == 0


def test_people_work_only_while_they_are_employed(large):
    outside = """
        select
            count(*) filter (occurred_at::date < hired_on or occurred_at::date > left_on) / count(*)
        from activities
        inner join users on activities.user_id = users.user_id
    """
    assert value(large, outside) < 0.0005


def test_an_update_is_never_older_than_what_it_tells(files):
    assert value(files, "select count(*) from deals where updated_at < closed_at") == 0
    late = """
        select count(*)
        from leads
        where updated_at < greatest(
            created_at, became_mql_at, became_sql_at, disqualified_at, converted_at
        )
    """
    assert value(files, late) == 0
    order = """
        select count(*)
        from leads
        where
            became_mql_at < created_at
            or became_sql_at < became_mql_at
            or converted_at < became_sql_at
    """
    assert value(files, order) == 0


# Deltas


def test_the_base_is_the_same_with_and_without_deltas(company, tmp_path):
    sample.write(tmp_path / "alone", as_of=AS_OF)
    alone = contents(tmp_path / "alone")
    del alone[sample.MANIFEST]
    with_deltas = contents(company.out_dir)
    assert alone == {name: with_deltas[name] for name in alone}


def test_base_and_deltas_amount_to_the_company_as_known_at_the_end(company, tmp_path):
    end_at = AS_OF + timedelta(days=DELTA_DAYS)
    sample.write(tmp_path / "end", as_of=AS_OF, delta_days=DELTA_DAYS, known_at=end_at)
    connection = duckdb.connect()
    texts = "all_varchar = true, header = true"
    changed = 0
    for name, table in CONTRACT.items():
        landed = [
            str(directory / f"{name}.csv")
            for directory in (company.out_dir, *company.delta_dirs)
            if (directory / f"{name}.csv").exists()
        ]
        connection.execute(
            f"""
            create or replace table current as
            select columns(* exclude (filename))
            from read_csv(?, filename = true, {texts})
            qualify row_number() over (
                partition by {", ".join(table.key)} order by list_position(?, filename) desc
            ) = 1
            """,
            [landed, landed],
        )
        connection.execute(
            f"create or replace table expected as from read_csv(?, {texts})",
            [str(tmp_path / "end" / f"{name}.csv")],
        )
        difference = """
            (from current except all from expected)
            union all
            (from expected except all from current)
        """
        assert rows(connection, difference) == [], name
        changed += value(connection, "select count(*) from current") - company.rows[name]
    assert changed > 1000


def test_a_delta_holds_only_what_became_known_on_its_day(company):
    connection = duckdb.connect()
    assert [path.name for path in company.delta_dirs] == [
        f"delta-{(AS_OF + timedelta(days=day)).date()}" for day in range(1, DELTA_DAYS + 1)
    ]
    for day, directory in enumerate(company.delta_dirs):
        first, last = rows(
            connection, f"select min(updated_at), max(updated_at) from '{directory}/deals.csv'"
        )[0]
        if first is None:  # a day on which no deal changed: the header alone
            continue
        assert AS_OF + timedelta(days=day) < first <= last <= AS_OF + timedelta(days=day + 1)


def test_deltas_bring_every_kind_of_change(company, tmp_path):
    connection = duckdb.connect()
    for name in CONTRACT:
        connection.execute(f"create table {name} as from '{company.out_dir}/{name}.csv'")
    kinds = {
        "new deal": "select count(*) from delta_deals anti join deals using (deal_id)",
        "closed deal": """
            select count(*) from delta_deals as d inner join deals as b using (deal_id)
            where b.stage not like 'closed%' and d.stage like 'closed%'
        """,
        "reopened deal": """
            select count(*) from delta_deals as d inner join deals as b using (deal_id)
            where b.stage like 'closed%' and d.stage not like 'closed%'
        """,
        "deleted deal": """
            select count(*) from delta_deals as d inner join deals as b using (deal_id)
            where d.is_deleted and not b.is_deleted
        """,
        "changed owner": """
            select count(*) from delta_deals as d inner join deals as b using (deal_id)
            where d.owner_id <> b.owner_id
        """,
        "corrected amount": """
            select count(*) from delta_deals as d inner join deals as b using (deal_id)
            where d.amount <> b.amount and b.stage = 'closed_won'
        """,
        "late move": f"""
            select count(*) from delta_deal_stage_history where changed_at < '{AS_OF}'
        """,
        "held meeting": """
            select count(*) from delta_activities as d
            inner join activities as b using (activity_id)
            where b.meeting_status in ('scheduled', 'accepted') and d.meeting_status = 'held'
        """,
        "converted lead": """
            select count(*) from delta_leads as d inner join leads as b using (lead_id)
            where b.converted_at is null and d.converted_at is not null
        """,
        "corrected rate": """
            select count(*) from delta_fx_rates as d
            inner join fx_rates as b using (currency, rate_on)
            where d.rate <> b.rate
        """,
        "ended subscription": """
            select count(*) from delta_subscriptions as d
            inner join subscriptions as b using (subscription_id)
            where b.ended_on is null and d.ended_on is not null
        """,
        "late invoice": f"""
            select count(*) from delta_spend where spent_on < '{AS_OF}'::date - 1
        """,
        "new order": "select count(*) from delta_orders anti join orders using (order_id)",
    }
    for name in CONTRACT:
        connection.execute(f"create table delta_{name} as from {name} limit 0")
        for directory in company.delta_dirs:
            if (directory / f"{name}.csv").exists():
                connection.execute(f"insert into delta_{name} from '{directory}/{name}.csv'")
    counts = {kind: value(connection, query) for kind, query in kinds.items()}
    assert {kind for kind, count in counts.items() if not count} == set(), counts
    # A night is small: of all rows of the base well under one in a hundred.
    night = sum(value(connection, f"select count(*) from delta_{name}") for name in CONTRACT) / len(
        company.delta_dirs
    )
    assert 0.0005 < night / sum(company.rows.values()) < 0.005


# Realism: broad bounds that a company without the trait would miss


def test_deals_have_about_six_moves_and_five_activities(large):
    deals = value(large, "select count(*) from deals")
    assert 5.2 < value(large, "select count(*) from deal_stage_history") / deals < 6.8
    assert 4.2 < value(large, "select count(*) from activities") / deals < 6.2


def test_business_grows_and_rests_in_august_and_on_weekends(large):
    months = dict(
        rows(large, "select date_trunc('month', created_at)::date, count(*) from deals group by 1")
    )
    by_month = {(day.year, day.month): count for day, count in months.items()}
    last_year = sum(by_month[2024 + (month < 7), month] for month in range(1, 13))
    year_before = sum(by_month[2023 + (month < 7), month] for month in range(1, 13))
    assert 1.15 < last_year / year_before < 2.2
    for year in (2023, 2024):
        around = (by_month[year, 6] + by_month[year, 9]) / 2
        assert by_month[year, 8] < 0.8 * around
    assert value(large, "select count(*) from deals where isodow(created_at) > 5") == 0
    at_night = """
        select count(*) filter (hour(created_at) not between 7 and 17) / count(*)
        from deals
        where region = 'EMEA'
    """
    assert value(large, at_night) < 0.01


def test_deals_close_at_the_end_of_the_quarter(large):
    last_ten_days = """
        select count(*) filter (
            closed_at::date > date_trunc('quarter', closed_at) + interval 3 month - interval 11 day
        ) / count(closed_at)
        from outcomes
        where outcome = ?
    """
    won, lost = value(large, last_ten_days, "won"), value(large, last_ten_days, "lost")
    assert 0.2 < won < 0.45
    assert lost < 0.75 * won


def test_win_rates_differ_by_type_source_and_experience(large):
    win_rate = "count(*) filter (outcome = 'won') / count(*) filter (outcome <> 'open')"
    by_type = dict(rows(large, f"select deal_type, {win_rate} from outcomes group by deal_type"))
    assert 0.2 < by_type["new_business"] < 0.32
    assert 0.35 < by_type["cross_sell"] < by_type["upsell"] < by_type["renewal"] < 0.92
    by_source = dict(
        rows(
            large,
            f"select source, {win_rate} from outcomes where deal_type = 'new_business' group by 1",
        )
    )
    assert by_source["referral"] > 1.5 * by_source["paid_search"]
    by_tenure = dict(
        rows(
            large,
            f"""
            select outcomes.created_at::date - users.hired_on < 150, {win_rate}
            from outcomes
            inner join users on outcomes.owner_id = users.user_id
            where users.role = 'ae'
            group by 1
            """,
        )
    )
    assert by_tenure[False] > 1.15 * by_tenure[True]


def test_cycles_take_one_to_three_months_and_longer_in_enterprise(large):
    median = dict(
        rows(
            large,
            "select pipeline, median(days_to_close) from outcomes where outcome = 'won' group by 1",
        )
    )
    assert 30 < median["customer_growth"] < 60
    assert 35 < median["new_business"] < 70
    assert 80 < median["enterprise"] < 150
    assert value(large, "select min(days_to_close) from outcomes") >= 0


def test_every_stage_loses_deals_and_paths_skip_return_and_reopen(large):
    lost_from = """
        with moves as (
            select
                history.stage,
                lag(history.stage) over (
                    partition by history.deal_id order by changed_at, change_id
                ) as previous,
            from deal_stage_history as history
            inner join deals on history.deal_id = deals.deal_id
            where pipeline = 'new_business'
        )
        select previous, count(*) from moves where stage = 'closed_lost' group by previous
    """
    stages = rows(
        large,
        "select stage from pipeline_stages where pipeline = 'new_business' and outcome = 'open'",
    )
    lost = dict(rows(large, lost_from))
    assert all(lost[stage] > 50 for (stage,) in stages)
    shares = """
        with moves as (
            select
                history.deal_id,
                stages.position,
                stages.outcome,
                lag(stages.position) over in_deal as previous_position,
                lag(stages.outcome) over in_deal as previous_outcome,
            from deal_stage_history as history
            inner join deals on history.deal_id = deals.deal_id
            inner join pipeline_stages as stages
                on deals.pipeline = stages.pipeline and history.stage = stages.stage
            window in_deal as (partition by history.deal_id order by changed_at, change_id)
        )
        select
            count(*) filter (outcome = 'open' and position > previous_position + 1) / count(*),
            count(*) filter (previous_outcome = 'open' and position < previous_position) / count(*),
            count(*) filter (previous_outcome <> 'open' and outcome = 'open') / count(*),
            count(*) filter (position = previous_position) / count(*),
        from moves
    """
    skipped, returned, reopened, repeated = rows(large, shares)[0]
    assert 0.02 < skipped < 0.12
    assert 0.02 < returned < 0.12
    assert 0.002 < reopened < 0.02
    assert 0 < repeated < 0.02
    assert 0.01 < value(large, "select avg(is_deleted::integer) from deals") < 0.05


def test_customers_stay_for_years_and_pay_more_in_time(large):
    churn = """
        with months as (
            select last_day(range::date) as month_end
            from range(date '2024-06-01', date '2025-06-01', interval 1 month)
        ),
        active as (
            select month_end, account_id, sum(mrr) as mrr
            from months
            inner join subscriptions
                on started_on <= month_end and (ended_on is null or ended_on > month_end)
            group by month_end, account_id
            having sum(mrr) > 0
        )
        select
            count(*) filter (later.account_id is null) / count(*),
            sum(later.mrr) filter (later.mrr > active.mrr) / sum(active.mrr),
            count(*) filter (later.mrr < active.mrr) / count(*),
        from active
        left join active as later
            on
                active.account_id = later.account_id
                and later.month_end = last_day(active.month_end + 1)
        where active.month_end < date '2025-05-31'
    """
    churned, expanded, contracted = rows(large, churn)[0]
    assert 0.008 < churned < 0.022
    assert expanded > 0.005
    assert 0.0005 < contracted < 0.03


def test_leads_are_answered_within_minutes_or_days(large):
    response = """
        with first as (
            select
                leads.lead_id,
                min(epoch(occurred_at - leads.created_at) / 60) as minutes,
            from leads
            left join activities
                on leads.lead_id = activities.lead_id and direction = 'outbound'
            group by leads.lead_id
        )
        select
            count(*) filter (minutes <= 5) / count(*),
            count(*) filter (minutes > 1440) / count(*),
            count(*) filter (minutes is null) / count(*),
        from first
    """
    at_once, next_days, never = rows(large, response)[0]
    assert 0.08 < at_once < 0.3
    assert 0.08 < next_days < 0.4
    assert 0.15 < never < 0.45


def test_surveys_look_like_surveys(large):
    shares = """
        select
            count(score) / count(*),
            100 * (count(*) filter (score >= 9) - count(*) filter (score <= 6)) / count(score),
        from nps_responses
    """
    answered, nps = rows(large, shares)[0]
    assert 0.22 < answered < 0.4
    assert 25 < nps < 45
    assert value(large, "select avg(rating) from employee_responses") == pytest.approx(3.8, abs=0.3)
    groups = rows(
        large,
        "select count(distinct split_part(response_id, '-', 2)) from employee_responses "
        "where wave = '2025-Q1' group by team",
    )
    sizes = [size for (size,) in groups]
    assert min(sizes) < 5 < max(sizes)


def test_about_half_of_the_reps_make_their_quota_in_a_usual_month(large):
    attainment = """
        with won as (
            select
                owner_id,
                date_trunc('month', closed_at)::date as period_start,
                sum(
                    amount * case currency when 'EUR' then 1.09 when 'GBP' then 1.27 else 1 end
                ) as won,
            from outcomes
            where outcome = 'won'
            group by all
        )
        select quotas.period_start, count(*) filter (won >= target) / count(*)
        from quotas
        left join won on quotas.user_id = won.owner_id and quotas.period_start = won.period_start
        where metric = 'won_amount' and period_grain = 'month' and target > 0
        group by all
    """
    shares = sorted(share for _, share in rows(large, attainment))
    assert 0.35 < shares[len(shares) // 2] < 0.75
    assert shares[0] < 0.3
    assert shares[-1] > 0.9


def test_one_promotion_sells_more_and_one_is_running(large):
    # lines sold in the store during against before, relative to its control store
    ratio = """
        with sold as (
            select
                count(*) filter (is_test and is_during) as test_during,
                count(*) filter (is_test and not is_during) as test_before,
                count(*) filter (not is_test and is_during) as control_during,
                count(*) filter (not is_test and not is_during) as control_before,
            from (
                select
                    orders.location_id = promotions.location_id as is_test,
                    ordered_at::date >= starts_on as is_during,
                from promotions
                inner join orders on promotions.product_id = orders.product_id
                where
                    promotions.promotion_id = ?
                    and orders.location_id in (promotions.location_id, control_location_id)
                    and ordered_at::date <= ends_on
                    and ordered_at::date >= starts_on - (ends_on - starts_on + 1)::integer
            )
        )
        select (test_during / test_before) / (control_during / control_before) from sold
    """
    assert value(large, ratio, "PR01") > 2
    assert 0.5 < value(large, ratio, "PR02") < 1.6
    running = "select count(*) from promotions where starts_on <= ? and ends_on > ?"
    assert value(large, running, AS_OF.date(), AS_OF.date()) == 1
    assert value(large, "select count(*) from promotions where control_location_id is null") == 1


# Calls that are wrong


def test_a_directory_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "deals.csv").write_text("deal_id\nmine\n")
    with pytest.raises(InputError, match=r"deals\.csv, which no sample wrote"):
        sample.write(tmp_path, deals=100, as_of=AS_OF)
    assert contents(tmp_path) == {"deals.csv": b"deal_id\nmine\n"}


def test_an_earlier_sample_is_replaced_and_what_was_added_to_it_is_not(tmp_path):
    out_dir = tmp_path / "company"
    sample.write(out_dir, deals=20, as_of=AS_OF, delta_days=1)
    sample.write(out_dir, deals=20, seed=2, as_of=AS_OF, file_format="parquet")
    assert not list(out_dir.glob("*.csv")) and not list(out_dir.glob("delta-*"))
    (out_dir / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt"):
        sample.write(out_dir, deals=100, as_of=AS_OF)
    assert (out_dir / "notes.txt").exists()


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(self, name):
        raise RuntimeError("no")

    monkeypatch.setattr(sample._Company, "write_deltas", fail)
    with pytest.raises(RuntimeError):
        sample.write(tmp_path / "company", deals=100, as_of=AS_OF, delta_days=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"deals": 0}, "1 to 100,000,000 deals"),
        ({"delta_days": -1}, "0 to 3660 days"),
        ({"as_of": AS_OF.replace(year=1800)}, "between 1990 and 2100"),
        ({"known_at": AS_OF + timedelta(days=1)}, "known_at"),
        ({"file_format": "xlsx"}, "use csv or parquet"),
    ],
)
def test_a_wrong_call_says_what_is_possible(tmp_path, arguments, message):
    with pytest.raises(InputError, match=message):
        sample.write(tmp_path / "company", **{"as_of": AS_OF, **arguments})
    assert list(tmp_path.iterdir()) == []

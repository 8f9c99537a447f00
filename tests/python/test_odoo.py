"""Odoo's own tables, from a real PostgreSQL to the marts: every habit of Odoo has its figure."""

import duckdb
import pytest

from odoo_company import fill
from running import dbt, warehouse
from source_case import postgres_binaries, running_postgres

pytestmark = pytest.mark.skipif(
    postgres_binaries() is None, reason="PostgreSQL is not installed (apt-get install postgresql)"
)
VARIABLES = "{crm_sources: [odoo], as_of: '2025-03-01 00:00:00'}"
MODELS = [
    "+fct_deals", "+fct_deal_stage_visits", "+fct_leads", "+fct_activities", "+fct_nps_responses",
    "+fct_orders", "+dim_user", "+dim_account", "+dim_product", "+kpi_win_rate",
    "+unmapped_values",
]  # fmt: skip


@pytest.fixture(scope="module")
def marts(tmp_path_factory):
    home = tmp_path_factory.mktemp("odoo") / "home"
    with running_postgres("no-password-here") as server:
        fill(server, "crm")
        warehouse(home, "load", "--source", "odoo", "--from", server.url())
    kinds = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    dbt(home, "build", "--select", *MODELS, *kinds, "--vars", VARIABLES)
    connection = duckdb.connect(str(home / "warehouse.duckdb"), read_only=True)
    yield lambda query: connection.execute(query).fetchall()
    connection.close()


def test_password_hashes_and_letters_are_not_fetched(marts):
    fetched = {
        row[0]
        for row in marts(
            "select table_name || '.' || column_name from duckdb_columns()"
            " where schema_name = 'raw_odoo'"
        )
    }
    assert "res_users.login" in fetched
    assert not fetched & {"res_users.password", "mail_message.body"}


def test_lost_won_put_away_and_open(marts):
    assert marts(
        "select deal_id, outcome, stage, round(days_to_close, 4) from marts.fct_deals"
        " order by deal_id::int"
    ) == [
        ("1", "won", "Won", 10.0),
        ("2", "lost", "lost", 14.0),
        ("4", "won", "Won", 20.0),
        ("5", "open", "New", None),
        ("7", "open", "Qualified", None),
        ("9", "lost", "lost", 30.0),
        ("10", "open", "Review (7)", None),
        ("11", "open", "77", None),
        ("12", "won", "Won", 5.0),
    ]


def test_a_lost_deal_says_why(marts):
    assert marts(
        "select deal_id, lost_reason from staging.stg_odoo__deals where lost_reason is not null"
    ) == [("2", "Too expensive")]


def visits(marts, deal: int) -> list[tuple]:
    return marts(
        "select stage, round(days_in_stage, 4), direction from marts.fct_deal_stage_visits"
        f" where deal_id = '{deal}' order by entered_at, visit_id"
    )


def test_the_first_stage_is_the_old_value_of_the_first_change(marts):
    assert visits(marts, 1) == [
        ("New", 0.0, "forward"),
        ("Qualified", 4.0, "forward"),
        ("Angebot", 6.0, "won"),
        ("Won", None, None),
    ]


def test_lost_is_a_stage_here_and_is_left_when_the_deal_is_taken_back(marts):
    assert visits(marts, 2) == [
        ("New", 7.0, "lost"),
        ("lost", 2.0, "reopened"),
        ("New", 2.0, "forward"),
        ("Angebot", 3.0, "lost"),
        ("lost", None, None),
    ]
    assert visits(marts, 9) == [("Negotiation", 30.0, "lost"), ("lost", None, None)]


def test_a_won_deal_in_the_archive_stays_won(marts):
    assert visits(marts, 4) == [("New", 20.0, "won"), ("Won", None, None)]
    assert visits(marts, 12) == [("New", 5.0, "won"), ("Won", None, None)]


def test_what_a_merge_brought_is_no_history_of_the_one_that_stayed(marts):
    assert visits(marts, 5) == [
        ("New", 2.0, "forward"),
        ("Qualified", 1.0, "back"),
        ("New", None, None),
    ]


def test_the_win_rate_counts_what_closed(marts):
    assert marts(
        "select sum(won_deals), sum(closed_deals) from marts.kpi_win_rate"
        " where dimension = 'all' and period_grain = 'quarter'"
    ) == [(3, 5)]


def test_amounts_are_in_the_currency_of_the_company_at_its_rate(marts):
    # 5 says which company, 10 leaves it to its owner.
    assert marts(
        "select deal_id, amount::double from marts.fct_deals where deal_id in ('1', '5', '10')"
        " order by deal_id::int"
    ) == [("1", 1000.0), ("5", 125.0), ("10", 125.0)]
    assert marts("select currency, rate_on::varchar, round(rate, 6)::double from"
                 " intermediate.int_fx_rates_known order by all") == [
        ("EUR", "2025-01-01", 1.25),
        ("EUR", "2025-02-01", 2.0),
        ("GBP", "2025-01-01", 2.5),
        ("GBP", "2025-02-01", 2.5),
    ]  # fmt: skip


def test_leads_are_rows_that_are_or_were_leads(marts):
    assert marts(
        "select lead_id, converted_at::varchar, converted_deal_id, disqualified_at::varchar,"
        " converted_contact_id, source, campaign from intermediate.int_leads_known order by lead_id"
    ) == [
        ("6", None, None, None, None, "Fair", "Spring"),
        ("7", "2025-01-20 08:00:00", "7", None, "11", "Fair", "Spring"),
        ("8", None, None, "2025-02-01 08:00:00", None, "Fair", "Spring"),
    ]


def test_activities_are_what_was_done_once_each(marts):
    assert marts(
        "select activity_type, direction, lead_id, deal_id, user_id, occurred_at::varchar,"
        " meeting_status, account_id from marts.fct_activities order by occurred_at, activity_id"
    ) == [
        ("meeting", "outbound", None, "1", "3", "2025-01-03 09:00:00", None, "10"),
        ("meeting", "outbound", "6", None, "3", "2025-01-03 10:00:00", None, None),
        ("video_meeting", "outbound", None, "1", "3", "2025-01-04 09:00:00", "cancelled", "10"),
        ("email", "outbound", None, "1", "3", "2025-01-09 08:00:00", None, "10"),
        ("call", "outbound", "7", None, "3", "2025-01-10 08:00:00", None, "10"),
        ("email", "outbound", None, "7", "3", "2025-01-22 08:00:00", None, "10"),
        ("email", "outbound", None, "7", "3", "2025-01-23 08:00:00", None, "10"),
        ("email", "inbound", None, "7", None, "2025-01-24 08:00:00", None, "10"),
        ("email", "inbound", None, "7", None, "2025-01-25 08:00:00", None, "10"),
    ]


def test_a_kind_of_activity_that_nobody_explained_is_listed(marts):
    assert marts(
        "select distinct column_name, value from marts.unmapped_values where source_system = 'odoo'"
        " and column_name in ('activity_type', 'stage') order by all"
    ) == [("activity_type", "Coffee"), ("stage", "crm/77")]


def test_users_are_colleagues_with_their_teams(marts):
    assert marts(
        "select user_id, full_name, role, team, manager_id from marts.dim_user order by user_id"
    ) == [
        ("2", "Ann", "manager", "Direct", None),
        ("3", "Bob", "ae", "Direct", "2"),
        ("4", "Cleo", "other", None, None),
    ]


def test_accounts_are_whoever_does_business_and_no_colleagues(marts):
    assert marts("select account_id, name, region from marts.dim_account order by all") == [
        ("10", "Acme", "Austria"),
        ("12", "Private Person", "Austria"),
    ]


def test_confirmed_orders_have_lines_of_products(marts):
    assert marts(
        "select order_id, line_number, account_id, product_id, quantity::int, amount::int"
        " from marts.fct_orders order by all"
    ) == [("50", 1, "10", "21", 2, 100), ("50", 2, "10", "22", 1, 900)]
    assert marts(
        "select product_id from marts.fct_deals where deal_id in ('1', '5') order by 1"
    ) == [
        ("22",),
        (None,),
    ]


def test_survey_answers_are_those_to_the_question_from_0_to_10(marts):
    assert marts(
        "select response_id, score, sent_at::varchar, responded_at::varchar, wave, account_id"
        " from marts.fct_nps_responses order by response_id"
    ) == [
        ("1", 9, "2025-02-01 08:00:00.5", "2025-02-01 08:00:00.5", "NPS 2025", "10"),
        ("2", None, "2025-02-01 08:00:00.5", None, "NPS 2025", "10"),
        ("3", None, "2025-02-01 08:00:00.5", None, "NPS 2025", "10"),
        ("5", 6, "2025-02-01 08:00:00.5", "2025-02-01 08:00:00.5", "NPS 2025", "10"),
    ]

"""Tryton for real: its own client moves opportunities, the warehouse lands its database, the figures agree.

Needs the environment that `make test-tryton` makes.
"""

import json
import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from running import REPOSITORY, dbt, warehouse

TRYTON = REPOSITORY / ".venv-tryton" / "bin"
pytestmark = pytest.mark.skipif(
    not (TRYTON / "trytond-admin").exists(), reason="Tryton is not installed (make test-tryton)"
)
# What Tryton writes lies between the instants before and after the move.
CLOSE = timedelta(seconds=0.001)
# A deal begins when it is more than a lead; what only ever was a lead is none.
NO_DEALS = ("a lead", "a lead that was lost")
MODELS = [
    "+fct_deals",
    "+fct_deal_stage_visits",
    "+fct_leads",
    "+fct_orders",
    "+kpi_win_rate",
    "+dim_user",
]


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """What was done in Tryton, and a warehouse that landed its database."""
    directory = tmp_path_factory.mktemp("tryton")
    settings, database = directory / "trytond.conf", directory / "crm.sqlite"
    settings.write_text(f"[database]\nuri = sqlite://\npath = {directory}\n")
    (directory / "password").write_text("not-a-secret-1A!")
    database.touch()
    environment = {**os.environ, "TZ": "UTC", "TRYTONPASSFILE": str(directory / "password")}

    def run(*call: object) -> None:
        ran = subprocess.run(
            list(map(str, call)), env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr[-4000:]

    run(TRYTON / "trytond-admin", "-c", settings, "-d", "crm", "-u", "sale_opportunity",
        "--activate-dependencies", "--email", "admin@here.test")  # fmt: skip
    out = directory / "done.json"
    run(TRYTON / "python", Path(__file__).parent / "drive.py", settings, "crm", out)
    home = directory / "home"
    warehouse(home, "load", "--source", "tryton", "--from", f"sqlite://{database}")
    kinds = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    variables = json.dumps({"crm_sources": ["tryton"], "reporting_currency": "EUR"})
    dbt(home, "build", "--select", *MODELS, *kinds, "--vars", variables)
    connection = duckdb.connect(str(home / "warehouse.duckdb"), read_only=True)
    yield json.loads(out.read_text()), lambda query: connection.execute(query).fetchall()
    connection.close()


@pytest.fixture
def done(company) -> dict:
    return company[0]


@pytest.fixture
def marts(company):
    return company[1]


def deals(done: dict) -> list[dict]:
    return [deal for deal in done["deals"] if deal["name"] not in NO_DEALS]


def moves_as_deal(deal: dict) -> list[dict]:
    """The moves from the first one that made it more than a lead."""
    states = [move["state"] for move in deal["moves"]]
    return deal["moves"][states.index("opportunity") :]


def test_every_deal_has_the_outcome_that_it_was_given(done, marts):
    outcomes = {"won": "won", "lost": "lost", "cancelled": "lost"}
    assert marts(
        "select deal_id, outcome, amount::double from marts.fct_deals order by deal_id"
    ) == sorted(
        (
            str(deal["id"]),
            outcomes.get(deal["moves"][-1]["state"], "open"),
            float(deal["amount"]),
        )
        for deal in deals(done)
    )


def test_every_visit_is_one_that_was_made_when_it_was_made(done, marts):
    for deal in deals(done):
        visits = marts(
            "select stage, entered_at from marts.fct_deal_stage_visits"
            f" where deal_id = '{deal['id']}' order by entered_at, visit_id"
        )
        moves = moves_as_deal(deal)
        assert [stage for stage, _ in visits] == [move["state"] for move in moves], deal["name"]
        for (_, entered_at), move in zip(visits, moves, strict=True):
            assert datetime.fromisoformat(move["before"]) - CLOSE <= entered_at, deal["name"]
            assert entered_at <= datetime.fromisoformat(move["after"]) + CLOSE, deal["name"]


def test_days_to_close_run_from_the_first_deal_state_to_the_last_move(done, marts):
    for deal in deals(done):
        moves = moves_as_deal(deal)
        ((days,),) = marts(
            f"select days_to_close from marts.fct_deals where deal_id = '{deal['id']}'"
        )
        if moves[-1]["state"] not in ("won", "lost", "cancelled"):
            assert days is None
            continue
        first, last = moves[0], moves[-1]
        shortest = datetime.fromisoformat(last["before"]) - datetime.fromisoformat(first["after"])
        longest = datetime.fromisoformat(last["after"]) - datetime.fromisoformat(first["before"])
        assert shortest - CLOSE <= timedelta(days=days) <= longest + CLOSE, deal["name"]


def test_the_win_rate_is_that_of_what_was_done(done, marts):
    ends = [deal["moves"][-1]["state"] for deal in deals(done)]
    won = ends.count("won")
    closed = won + ends.count("lost") + ends.count("cancelled")
    assert (won, closed) == (3, 6)
    assert marts(
        "select won_deals, closed_deals, win_rate from marts.kpi_win_rate"
        " where dimension = 'all' and period_grain = 'quarter'"
    ) == [(won, closed, won / closed)]


def test_leads_are_converted_or_disqualified_or_neither(done, marts):
    found = {
        row[0]: row[1:]
        for row in marts(
            "select lead_id, converted_at is not null, disqualified_at is not null"
            " from staging.stg_tryton__leads"
        )
    }
    assert found == {
        str(deal["id"]): (deal["name"] not in NO_DEALS, deal["name"] == "a lead that was lost")
        for deal in done["deals"]
    }


def test_sales_are_orders_and_employees_are_users(done, marts):
    won = [deal for deal in done["deals"] if deal["moves"][-1]["state"] == "won"]
    assert marts("select amount::double, account_id from marts.fct_orders order by amount") == [
        (float(deal["amount"]), str(done["customer"])) for deal in won
    ]
    assert marts("select user_id, full_name, role from marts.dim_user") == [
        (str(done["employee"]), "Sam Seller", "ae")
    ]

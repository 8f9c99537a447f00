"""The declaration of the landing contract, and what is made of it."""

from __future__ import annotations

import duckdb
import pytest
import yaml

from warehouse import load
from warehouse.contract import (
    HISTORY_COLUMNS,
    SOURCES_FILE,
    TECHNICAL_COLUMNS,
    Kind,
    load_contract,
)
from warehouse.contract_docs import landing_page
from warehouse.errors import StepError

TABLES = {
    "raw_crm": [
        "users", "accounts", "contacts", "leads", "products", "pipeline_stages", "deals",
        "deal_stage_history", "activities", "quotas", "subscriptions", "orders", "locations",
    ],
    "raw_survey": ["nps_responses", "employee_responses"],
    "raw_finance": ["spend", "account_costs", "fx_rates"],
    "raw_market": ["competitor_prices", "promotions"],
}  # fmt: skip


def test_the_contract_declares_the_twenty_tables_in_their_schemas():
    found: dict[str, list[str]] = {}
    for table in load_contract().tables:
        found.setdefault(table.schema, []).append(table.name)
    assert found == TABLES


def test_composite_keys_required_columns_and_bounds_are_declared():
    contract = load_contract()
    quotas = contract.table("quotas")
    assert quotas.key == ("user_id", "metric", "period_grain", "period_start")
    assert all(column.required for column in quotas.columns)
    score = contract.table("nps_responses").column("score")
    assert (score.kind, score.required, score.at_least, score.at_most) == (
        Kind.INTEGER,
        False,
        0,
        10,
    )
    assert contract.table("fx_rates").column("rate").above == 0
    assert contract.table("deals").updated_at == "updated_at"
    assert contract.table("activities").updated_at is None
    assert contract.table("nothing_of_the_kind") is None


def test_closed_lists_are_closed_and_open_lists_are_not():
    contract = load_contract()
    assert contract.table("pipeline_stages").column("outcome").values == ("open", "won", "lost")
    assert contract.table("users").column("role").values == ()
    assert contract.table("users").column("role").known_values == ("bdr", "ae", "am", "manager")


def test_every_table_and_column_is_described():
    for table in load_contract().tables:
        assert "One row per" in table.description, table.name
        for column in table.columns:
            assert column.description.endswith("."), f"{table.name}.{column.name}"
            if not column.required:
                # What null means is part of the description of a column that may be null.
                assert "null" in column.description.lower(), f"{table.name}.{column.name}"


def test_raw_tables_and_histories_are_created_from_the_contract():
    connection = duckdb.connect()
    load.ensure_raw_tables(connection)
    load.ensure_raw_tables(connection)
    technical = [(column.name, column.data_type.upper()) for column in TECHNICAL_COLUMNS]
    history = [(column.name, column.data_type.upper()) for column in HISTORY_COLUMNS]
    for table in load_contract().tables:
        declared = [(column.name, column.data_type.upper()) for column in table.columns]
        for name, more in ((table.name, []), (f"{table.name}__history", history)):
            found = connection.execute(
                "select column_name, data_type from duckdb_columns()"
                " where schema_name = ? and table_name = ? order by column_index",
                [table.schema, name],
            ).fetchall()
            assert found == declared + technical + more


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (lambda users: users["config"]["meta"].update(key=["nope"]), "users.nope is a key column"),
        (lambda users: users["config"]["meta"].update(kee=["user_id"]), "unknown meta key"),
        (lambda users: users["columns"][1].update(data_type="text"), "unknown data_type 'text'"),
        (lambda users: users["columns"][1].update(description=" "), "has no description"),
        (lambda users: users["columns"][1].update(name="user_id"), "declares a column twice"),
        (
            lambda users: users["columns"][1].update(config={"meta": {"require": True}}),
            "unknown meta key",
        ),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(tmp_path, change, fact):
    declared = yaml.safe_load(SOURCES_FILE.read_text())
    change(declared["sources"][0]["tables"][0])
    path = tmp_path / "sources.yml"
    path.write_text(yaml.safe_dump(declared))
    with pytest.raises(StepError, match=fact):
        load_contract(path)


def test_the_page_of_the_contract_names_every_table_column_list_and_rule():
    page = landing_page()
    for table in load_contract().tables:
        assert f"### {table.name}\n" in page
        section = page.split(f"### {table.name}\n")[1].split("\n##")[0]
        for column in table.columns:
            name = f"**{column.name}**" if column.name in table.key else column.name
            assert f"| {name}{'*' if column.required else ''} |" in section
            assert column.description in section
            assert all(f"`{value}`" in section for value in column.values + column.known_values)
        assert all(rule.reason in section for rule in table.rules)
    assert "| score | whole number 0 to 10 |" in page

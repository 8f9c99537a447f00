"""Samples of a CRM's own tables with their known truth, deal by deal.

`WAREHOUSE_SOURCE_SAMPLES` names directories, separated like PATH: the source's tables as Parquet
files beside `_truth_deal.parquet` and `_truth_visit.parquet`. Without it nothing is tested here;
what ships with the project is in test_source_adapters.
"""

import json
import os
from pathlib import Path

import duckdb
import pytest

from running import warehouse

SAMPLES = {
    "hubspot" if (path / "deal.parquet").exists() else "salesforce": path
    for path in map(Path, filter(None, os.environ.get("WAREHOUSE_SOURCE_SAMPLES", "").split(":")))
}
AS_OF = "2026-11-01"
# How each source writes the ids and stages of the truth.
IDS = {"hubspot": "deal_id", "salesforce": "'006' || lpad(deal_id, 15, '0')"}
OWNERS = {
    "hubspot": "cast(cast(dimension_value as bigint) - 1000 as varchar)",
    "salesforce": "ltrim(substr(dimension_value, 4), '0')",
}
STAGES = {"hubspot": "stage_id", "salesforce": "sf_stage_name"}
# HubSpot knows which deals were merged, Salesforce has no such thing.
EXISTING = "is_deleted = 'false' and is_merged_away = 'false'"


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("samples")
    rates = directory / "rates" / "fx_rates.csv"
    rates.parent.mkdir()
    rates.write_text("currency,rate_on,rate\nEUR,2020-01-01,1.1\nGBP,2020-01-01,1.25\n")
    homes = {}
    for source, sample in SAMPLES.items():
        tables = directory / source
        tables.mkdir()
        for file in sample.glob("[a-z]*.parquet"):
            (tables / file.name).symlink_to(file)
        if source == "salesforce":
            # The deals that HubSpot merged away, so that both have the same.
            (tables / "opportunity.parquet").unlink()
            duckdb.execute(
                f"copy (select * replace (case when id in (select {IDS[source]} "
                f"from '{sample}/_truth_deal.parquet' where is_merged_away = 'true') then 'true' "
                f"else is_deleted end as is_deleted) from '{sample}/opportunity.parquet') "
                f"to '{tables}/opportunity.parquet'"
            )
        home = homes[source] = directory / f"{source}_home"
        warehouse(home, "load", rates.parent)
        warehouse(home, "load", tables, "--source", source)
        variables = json.dumps({"crm_sources": [source]})
        warehouse(home, "build", "--as-of", AS_OF, "--vars", variables)
    return homes


def marts(home: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(home / "warehouse.duckdb"), read_only=True)
    connection.execute("set schema 'marts'")
    return connection


@pytest.mark.parametrize("source", list(SAMPLES))
def test_every_stage_visit_is_that_of_the_truth(homes, source):
    with marts(homes[source]) as connection:
        expected = connection.execute(
            f"select {IDS[source]}, cast(seq as bigint), {STAGES[source]}, "
            "cast(entered_at as timestamp), cast(left_at as timestamp), "
            "case when is_won = 'true' then 'won' when is_closed = 'true' then 'lost' else 'open' end "
            f"from '{SAMPLES[source]}/_truth_visit.parquet' where deal_id in "
            f"(select deal_id from '{SAMPLES[source]}/_truth_deal.parquet' where {EXISTING}) "
            "order by all"
        ).fetchall()
        found = connection.execute(
            "select deal_id, visit_number, stage, entered_at, exited_at, stage_outcome "
            "from fct_deal_stage_visits order by all"
        ).fetchall()
    assert len(expected) > 10_000
    assert found == expected


@pytest.mark.parametrize("source", list(SAMPLES))
def test_every_outcome_and_days_to_close_are_those_of_the_truth(homes, source):
    with marts(homes[source]) as connection:
        expected = connection.execute(
            f"select {IDS[source]}, "
            "case when is_won = 'true' then 'won' when is_closed = 'true' then 'lost' else 'open' end, "
            "case when is_closed = 'true' then (epoch_us(cast(closedate as timestamp)) "
            "- epoch_us(cast(created_at as timestamp))) / 86400000000.0 end "
            f"from '{SAMPLES[source]}/_truth_deal.parquet' where {EXISTING} order by all"
        ).fetchall()
        found = connection.execute(
            "select deal_id, outcome, days_to_close from fct_deals order by all"
        ).fetchall()
    assert len(expected) > 2_000
    assert found == expected


KPIS = {
    "kpi_win_rate": "won_deals, lost_deals, win_rate, won_amount, lost_amount, amount_win_rate",
    "kpi_days_to_close": "won_deals, avg_days, median_days, p90_days, lost_deals, avg_days_lost",
    "kpi_deal_size": "won_deals, total_amount, avg_amount, median_amount",
    "kpi_sales_cycle": "won_deals, avg_cycle_days",
}


@pytest.mark.parametrize("kpi", list(KPIS))
def test_both_systems_give_the_same_kpis_for_the_same_deals(homes, kpi):
    if len(homes) < 2:
        pytest.skip("WAREHOUSE_SOURCE_SAMPLES names no two samples")
    found = {}
    for source, home in homes.items():
        with marts(home) as connection:
            found[source] = connection.execute(
                "select period_grain, period_start, dimension, case when dimension = 'owner' and "
                f"dimension_value <> 'unknown' then {OWNERS[source]} else dimension_value end, "
                f"{KPIS[kpi]} from {kpi} "
                "where dimension in ('all', 'owner', 'deal_type', 'size_band') order by all"
            ).fetchall()
    assert len(found["hubspot"]) > 100
    assert found["hubspot"] == found["salesforce"]


def test_both_systems_give_the_same_time_in_stage(homes):
    if len(homes) < 2:
        pytest.skip("WAREHOUSE_SOURCE_SAMPLES names no two samples")
    truth = SAMPLES["hubspot"] / "_truth_pipe.parquet"
    found = {}
    for source, home in homes.items():
        with marts(home) as connection:
            found[source] = connection.execute(
                "select period_grain, period_start, sf_stage_name, visits, avg_days, median_days, "
                "p90_days, deals, avg_days_per_deal from kpi_time_in_stage as kpi "
                f"inner join '{truth}' as stages on kpi.stage = stages.{STAGES[source]} "
                "where dimension = 'all' order by all"
            ).fetchall()
    assert len(found["hubspot"]) > 100
    assert found["hubspot"] == found["salesforce"]

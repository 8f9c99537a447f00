"""`dbt source freshness` says which table no load has brought a row for too long."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from running import REPOSITORY, dbt
from small_company import config_of
from warehouse import load, store

SOURCES = REPOSITORY / "models" / "staging" / "landing" / "_landing__sources.yml"
THRESHOLDS = REPOSITORY / "scripts" / "warehouse" / "quality" / "thresholds.yml"
# Days since the last load of a table, and what is said to that; the other tables never landed.
AGES = {
    "raw_crm.deals": (6.9, "pass"),
    "raw_crm.leads": (7.1, "warn"),
    "raw_crm.orders": (3.9, "pass"),
    "raw_crm.activities": (4.1, "warn"),
    "raw_finance.spend": (63, "warn"),
}


def test_the_days_are_those_of_the_quality_check() -> None:
    declared = {
        table["name"]: table["config"]["freshness"]["warn_after"]
        for source in yaml.safe_load(SOURCES.read_text(encoding="utf-8"))["sources"]
        for table in source["tables"]
        if "freshness" in table["config"]
    }
    checked = yaml.safe_load(THRESHOLDS.read_text(encoding="utf-8"))["freshness"]["days"]
    assert declared == {name: {"count": days, "period": "day"} for name, days in checked.items()}


def test_a_table_that_no_load_brings_any_more_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Five hours from UTC: a clock that is taken for another one would show.
    monkeypatch.setenv("TZ", "America/New_York")
    config = config_of(tmp_path / "home")
    store.prepare_home(config)
    now = datetime.now(UTC).replace(tzinfo=None)
    with store.connect(config) as connection:
        load.ensure_raw_tables(connection)
        for table, (days, _) in AGES.items():
            connection.execute(
                f"create or replace table {table} as select ?::timestamp as _loaded_at",
                [now - timedelta(days=days)],
            )
    dbt(config.home, "source", "freshness")
    results = json.loads((config.home / "dbt" / "sources.json").read_text())["results"]
    found = {item["unique_id"].split(".", 2)[2]: item["status"] for item in results}
    assert {name: found[name] for name in AGES} == {name: says for name, (_, says) in AGES.items()}
    assert {found[name] for name in found.keys() - AGES.keys()} == {"pass"}
    assert len(found) == 8

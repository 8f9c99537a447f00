"""A dbt project of three marts and a landing of a few rows, to test the commands whole."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import duckdb

from warehouse import config as settings
from warehouse.build import GREEN
from warehouse.config import Config

AS_OF = datetime(2025, 6, 30)
REPOSITORY = Path(__file__).resolve().parents[2]

PROJECT = {
    "dbt_project.yml": """
name: small
version: "1.0"
config-version: 2
profile: warehouse
flags: {send_anonymous_usage_stats: false}
vars: {as_of: "", run_id: "", reporting_timezone: UTC, reporting_currency: USD,
       fiscal_year_start_month: 1, quota_too_high_below: 0.3, quota_too_low_above: 0.9}
models:
  small: {+materialized: table, +schema: marts, +persist_docs: {relation: true, columns: true}}
""",
    "profiles.yml": """
warehouse:
  target: duckdb
  outputs:
    duckdb:
      type: duckdb
      path: "{{ env_var('WAREHOUSE_HOME') }}/warehouse.duckdb"
      schema: marts
      threads: 1
      config_options: {autoinstall_known_extensions: false, autoload_known_extensions: false}
    elsewhere: {type: postgres, schema: marts, host: none}
    cluster: {type: spark, method: thrift, schema: marts, host: none}
""",
    "macros/generate_schema_name.sql": """
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
""",
    "models/sources.yml": """
version: 2
sources:
  - name: raw_crm
    schema: raw_crm
    tables: [{name: deals}, {name: users}]
  - name: raw_survey
    schema: raw_survey
    tables: [{name: nps_responses}]
models:
  - name: kpi_deals
    description: "Deals, isn't it. One row."
    columns: [{name: deals, description: "How many; \\"all\\" of them."}]
""",
    "models/release.sql": """
select
    cast('{{ var("as_of") }}' as timestamp) as as_of,
    '{{ var("run_id") }}' as run_id,
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp) as built_at
""",
    "models/kpi_deals.sql": """
select '{{ var("reporting_currency") }}' as currency, count(*) as deals
from {{ source('raw_crm', 'deals') }} as deals
left join {{ source('raw_crm', 'users') }} as users on deals.owner_id = users.user_id
""",
    "models/int_answers.sql": """
{{ config(materialized='view', schema='intermediate') }}
select * from {{ source('raw_survey', 'nps_responses') }}
""",
    "models/kpi_answers.sql": """
select answers.response_id, deals.deals as base
from {{ ref('int_answers') }} as answers
cross join {{ ref('kpi_deals') }} as deals
""",
    "tests/no_negative_amount.sql": """
select deal_id, amount from {{ source('raw_crm', 'deals') }} where amount < 0
""",
}


def write_project(directory: Path, **changed: str) -> Path:
    """The project; `changed` replaces or adds models by their name."""
    for name, text in PROJECT.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name, text in changed.items():
        (directory / "models" / f"{name}.sql").write_text(text, encoding="utf-8")
    return directory


def write_landing(directory: Path, deals: int = 3, *, amount: str = "10.5") -> Path:
    """A landing directory with nothing but deals."""
    directory.mkdir(parents=True, exist_ok=True)
    rows = [f"D{number},sales,open,2025-01-02,{amount}" for number in range(deals)]
    text = "\n".join(["deal_id,pipeline,stage,created_at,amount", *rows]) + "\n"
    (directory / "deals.csv").write_text(text, encoding="utf-8")
    return directory


def config_of(home: Path, project_dir: Path = REPOSITORY, **changed: object) -> Config:
    """The settings of a home, with every grace period off."""
    loaded = settings.load(home, project_dir)
    return Config(**{**vars(loaded), "reader_grace_seconds": 0.0, **changed})


def build_by_hand(config: Config, version: int, rows: int = 1000, *, status: str = GREEN) -> str:
    """What a green build leaves behind, without dbt: two marts that both carry `version`."""
    config.home.mkdir(parents=True, exist_ok=True)
    run_id = f"run-{version}"
    with duckdb.connect(str(config.warehouse)) as connection:
        connection.execute("create schema if not exists ops")
        connection.execute("create schema if not exists marts")
        connection.execute(
            "create table if not exists ops.builds "
            "(run_id varchar primary key, started_at timestamp, as_of timestamp, status varchar)"
        )
        connection.execute(
            "create table if not exists ops.mart_keys "
            "(table_name varchar primary key, key_columns varchar[])"
        )
        connection.execute(
            "insert or replace into ops.builds values (?, now()::timestamp, ?, ?)",
            [run_id, AS_OF, status],
        )
        connection.execute("insert or replace into ops.mart_keys values ('fct_deals', ['deal_id'])")
        connection.execute(
            "create or replace table marts.release as select ?::timestamp as as_of, "
            "?::varchar as run_id, now()::timestamp as built_at",
            [AS_OF, run_id],
        )
        connection.execute(
            "create or replace table marts.fct_deals as select range as deal_id, "
            "?::bigint as version, (range % 7) / 7.0 as win_rate "
            "from range(?) order by hash(range)",
            [version, rows],
        )
        connection.execute(
            "create or replace table marts.kpi_deals as "
            "select ?::bigint as version, ?::bigint as deals",
            [version, rows],
        )
        connection.execute("comment on table marts.kpi_deals is 'Deals, isn''t it.'")
        connection.execute("comment on column marts.kpi_deals.deals is 'How many; \"all\".'")
    return run_id


PUBLISHER = """
import sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from small_company import config_of
from warehouse import publish
config = config_of(Path(sys.argv[1]), Path(sys.argv[2]))
print("ready", flush=True)
while True:
    print(publish.publish(config, report=False).release_id, flush=True)
"""


def kill_a_publisher(config: Config, directory: Path, *, after: float) -> None:
    """Let a process publish again and again, and kill it so many seconds after it began."""
    script = directory / "publisher.py"
    script.write_text(PUBLISHER)
    here = Path(__file__).parent
    publisher = subprocess.Popen(
        [sys.executable, str(script), str(config.home), str(config.project_dir), str(here)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert publisher.stdout is not None
    assert publisher.stdout.readline() == "ready\n"
    time.sleep(after)
    publisher.send_signal(signal.SIGKILL)
    publisher.communicate()

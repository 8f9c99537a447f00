"""dbt inside the process: what a build reports, and what it leaves behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from small_company import AS_OF, REPOSITORY, config_of, write_landing, write_project
from warehouse import build, load, publish, runs
from warehouse.build import BuildResult
from warehouse.config import Config
from warehouse.errors import ChecksFailedError, StepError


def landed(home: Path, project: Path, **deals: object) -> Config:
    config = config_of(home, project)
    directory = write_landing(home.parent / "landing", **deals)
    home.mkdir(exist_ok=True)
    with duckdb.connect(str(config.warehouse)) as connection:
        load.ensure_raw_tables(connection)
        load.load(connection, [directory], run_id="load-1", loaded_at=datetime(2025, 6, 30))
    config.releases.mkdir(parents=True)
    return config


def run(config: Config, run_id: str = "run-1", **changed: object) -> BuildResult:
    choices = {"run_id": run_id, "as_of": AS_OF, "variables": {}, **changed}
    return build.build(config, **choices)


def rows(config: Config, sql: str) -> list[tuple]:
    with duckdb.connect(str(config.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_green_build_can_be_published_and_says_why_a_mart_is_empty(tmp_path: Path) -> None:
    config = landed(tmp_path / "home", write_project(tmp_path / "project"))
    seen: list[str] = []
    result = run(config, progress=seen.append)
    result.raise_for_failures()
    assert (result.models, result.tests, result.failures) == (4, 1, ())
    assert dict(result.rows) == {"kpi_deals": 1, "kpi_answers": 0, "release": 1}
    # kpi_answers also joins kpi_deals, which has a row although no users have landed.
    assert [mart.sentence() for mart in result.empty] == [
        "kpi_answers is empty: nothing has landed in nps_responses"
    ]
    assert any("kpi_deals" in text for text in seen)
    assert rows(config, "select currency, deals from marts.kpi_deals") == [("USD", 3)]
    release = publish.publish(config, report=False)
    assert release.as_of == "2025-06-30T00:00:00" and release.run_id == "run-1"


def test_an_empty_kpi_is_put_down_to_what_it_needs_alone(tmp_path: Path) -> None:
    # Both have the names of KPIs of the project, of which it is known what they need.
    project = write_project(
        tmp_path / "project",
        kpi_nps="select 1 as one from {{ source('raw_crm', 'users') }}",
        kpi_deal_size="select 1 as one from {{ source('raw_survey', 'nps_responses') }}",
    )
    result = run(landed(tmp_path / "home", project))
    result.raise_for_failures()
    assert {mart.sentence() for mart in result.empty} == {
        "kpi_answers is empty: nothing has landed in nps_responses",
        # Deals have landed; that no answers have does not matter.
        "kpi_deal_size is empty: nothing of what has landed counts for it",
        "kpi_nps is empty: nothing has landed in nps_responses",
    }


def test_with_a_crm_as_source_an_empty_kpi_is_put_down_to_what_it_reads(tmp_path: Path) -> None:
    # The tables of the landing contract are empty then without being missed.
    project = write_project(
        tmp_path / "project",
        kpi_nps="select 1 as one from {{ source('raw_crm', 'users') }}",
    )
    config = landed(tmp_path / "home", project)
    result = run(config, variables={"crm_sources": ["odoo"]})
    result.raise_for_failures()
    assert "kpi_nps is empty: nothing has landed in users" in {
        mart.sentence() for mart in result.empty
    }


def test_the_vars_of_each_run_count_though_the_parse_is_reused(tmp_path: Path) -> None:
    config = landed(tmp_path / "home", write_project(tmp_path / "project"))
    run(config)
    parsed = (config.target / "partial_parse.msgpack").stat().st_mtime_ns
    run(config, "run-2", as_of=datetime(2025, 7, 1, 12, 30, 0, 5))
    assert rows(config, "select as_of, run_id from marts.release") == [
        (datetime(2025, 7, 1, 12, 30, 0, 5), "run-2")
    ]
    assert (config.target / "partial_parse.msgpack").stat().st_mtime_ns == parsed
    run(config, "run-3", variables={"reporting_currency": "EUR"})
    assert rows(config, "select currency from marts.kpi_deals") == [("EUR",)]


def test_nothing_is_written_into_the_project_and_no_connection_stays_open(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    config = landed(tmp_path / "home", project)
    before = sorted(project.rglob("*"))
    run(config)
    assert sorted(project.rglob("*")) == before
    # Another process may write at once: ours holds nothing.
    code = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('create table t as select 1')"
    subprocess.run([sys.executable, "-c", code, str(config.warehouse)], check=True)


def test_a_failing_test_shows_what_it_found(tmp_path: Path) -> None:
    config = landed(tmp_path / "home", write_project(tmp_path / "project"), amount="-1")
    result = run(config)
    with pytest.raises(ChecksFailedError) as caught:
        result.raise_for_failures()
    assert "1 dbt test failed, nothing was published" in str(caught.value)
    assert "no_negative_amount on deals: 3 rows found, such as deal_id = D0" in str(caught.value)
    with pytest.raises(StepError, match="was not green"):
        publish.publish(config, report=False)


def test_broken_sql_names_its_model(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project", kpi_deals="select nonsense from nowhere")
    config = landed(tmp_path / "home", project)
    result = run(config)
    with pytest.raises(StepError) as caught:
        result.raise_for_failures()
    assert "model kpi_deals broke" in str(caught.value)
    assert "nowhere does not exist" in str(caught.value)
    assert "1 more were skipped" in str(caught.value)
    assert result.failures[0].is_check is False


def test_a_project_that_cannot_be_parsed_is_one_sentence(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project", kpi_deals="select {{ ref('nothing') }}")
    config = landed(tmp_path / "home", project)
    with pytest.raises(StepError, match=r"cannot be parsed: .*'nothing' which was not found"):
        run(config)
    assert rows(config, "select status from ops.builds") == [("running",)]


def test_a_mart_that_left_the_project_leaves_the_warehouse(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project", kpi_old="select 1 as figure")
    config = landed(tmp_path / "home", project)
    assert "kpi_old" in run(config).rows
    (project / "models" / "kpi_old.sql").unlink()
    assert "kpi_old" not in run(config, "run-2").rows


def test_a_build_that_died_is_not_published(tmp_path: Path) -> None:
    config = landed(tmp_path / "home", write_project(tmp_path / "project"))
    run(config)
    with duckdb.connect(str(config.warehouse)) as connection:
        connection.execute(
            "insert into ops.builds values ('run-2', ?, ?, 'running')", [runs.now(), AS_OF]
        )
    with pytest.raises(StepError, match=r"the last build \(run-2\) was not green"):
        publish.publish(config, report=False)


CONTRACT = """
models:
  - name: kpi_old
    description: What it's for; "all" of it.
    config: {contract: {enforced: true}, persist_docs: {relation: true, columns: true}}
    columns:
      - {name: period, data_type: date, description: The day.}
      - {name: deals, data_type: TYPE, description: How many.}
"""


def add_own_macros(project: Path) -> None:
    """How the project makes its tables, and its hook at the start."""
    (project / "macros").mkdir(exist_ok=True)
    for name in ("table", "assert_contract", "comments_on", "as_of", "built_at", "incremental"):
        found = REPOSITORY / "macros" / name
        if found.is_dir():
            shutil.copytree(found, project / "macros" / name)
        else:
            shutil.copy(found.with_suffix(".sql"), project / "macros")
    with (project / "dbt_project.yml").open("a") as settings:
        settings.write('\non-run-start: "{{ keep_states() }}"\n')


@pytest.mark.parametrize(
    ("declared", "selected", "differs"),
    [
        ("bigint", "3::bigint as deals, date '2025-01-02' as period", None),
        # Another name of the same type is no difference.
        ("int8", "3::bigint as deals, date '2025-01-02' as period", None),
        ("bigint", "3::integer as deals, date '2025-01-02' as period", "deals"),
        ("bigint", "date '2025-01-02' as period", "deals"),
        ("bigint", "3::bigint as deals, date '2025-01-02' as period, 1 as won", "won"),
    ],
    ids=["kept", "kept by another name", "another type", "a column too few", "a column too many"],
)
def test_a_table_keeps_its_contract_and_carries_its_descriptions(
    tmp_path: Path, declared: str, selected: str, differs: str | None
) -> None:
    project = write_project(tmp_path / "project", kpi_old=f"select {selected}")
    (project / "models" / "contract.yml").write_text(CONTRACT.replace("TYPE", declared))
    add_own_macros(project)
    config = landed(tmp_path / "home", project)
    result = run(config)
    if differs:
        with pytest.raises(StepError, match=rf"model kpi_old broke: .*contract.*{differs}"):
            result.raise_for_failures()
        return
    result.raise_for_failures()
    assert rows(config, "select period::varchar, deals from marts.kpi_old") == [("2025-01-02", 3)]
    found = rows(
        config,
        "select comment from duckdb_tables() where table_name = 'kpi_old' union all select comment"
        " from duckdb_columns() where table_name = 'kpi_old' order by all",
    )
    assert found == [("How many.",), ("The day.",), ('What it\'s for; "all" of it.',)]


THREADS = "current_setting('threads')"
# What DuckDB says when it has no more memory, on more than one core.
NEEDS_MEMORY = f"""
select case when {THREADS} > 1 then error('Out of Memory Error: 1 GiB used') else 'built' end as how
"""


@pytest.mark.parametrize("cores", [None, 2])
def test_what_runs_out_of_memory_is_built_again_on_one_core(
    tmp_path: Path, cores: int | None
) -> None:
    project = write_project(
        tmp_path / "project",
        kpi_large=NEEDS_MEMORY,
        kpi_of_it=f"select *, {THREADS} as cores from {{{{ ref('kpi_large') }}}}",
        kpi_small=f"select {THREADS} as cores",
    )
    add_own_macros(project)
    config = replace(landed(tmp_path / "home", project), threads=cores)
    seen: list[str] = []
    result = run(config, progress=seen.append)
    result.raise_for_failures()
    assert (result.models, result.tests, result.skipped) == (7, 1, 0)
    assert "out of memory: 2 nodes again on one core" in seen
    assert rows(config, "select how, cores from marts.kpi_of_it") == [("built", 1)]
    # What was built at first had all cores, or as many as it may.
    assert rows(config, "select cores from marts.kpi_small") == [(cores or os.cpu_count(),)]


def test_a_build_that_also_broke_otherwise_is_not_tried_again(tmp_path: Path) -> None:
    project = write_project(
        tmp_path / "project", kpi_large=NEEDS_MEMORY, kpi_wrong="select error('no such thing')"
    )
    add_own_macros(project)
    result = run(landed(tmp_path / "home", project))
    with pytest.raises(StepError, match=r"(?s)kpi_large broke: .*Memory.*kpi_wrong broke"):
        result.raise_for_failures()

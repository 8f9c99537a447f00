"""The Dagster definitions for real: a job that refreshes a home, and one that must fail.

Dagster is an extra of its own and not in the lock: `pip install -e '.[dagster]'` lets these run.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from small_company import REPOSITORY, config_of, write_landing, write_project
from warehouse import publish

if importlib.util.find_spec("dagster_dbt") is None:
    pytest.skip("Dagster is not installed: pip install -e '.[dagster]'", allow_module_level=True)
# Dagster and its libraries warn of themselves.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def deployed() -> ModuleType:
    path = REPOSITORY / "scripts" / "deploy" / "dagster_definitions.py"
    spec = importlib.util.spec_from_file_location("dagster_definitions", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"))


def metadata_of(result: object) -> dict[str, dict]:
    """What each asset that was materialized says about itself."""
    return {
        event.asset_key.to_user_string(): {
            name: value.value for name, value in event.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
    }


def test_a_run_of_the_job_is_a_refresh_and_each_mart_an_asset(
    deployed: ModuleType, project: Path, tmp_path: Path
) -> None:
    landing = write_landing(tmp_path / "landing", deals=3)
    definitions = deployed.build_definitions(tmp_path / "home", landing, project)
    result = definitions.resolve_job_def("refresh_job").execute_in_process()
    assert result.success
    release = publish.current(config_of(tmp_path / "home"))
    assert release is not None
    shown = metadata_of(result)
    assert shown["marts/kpi_deals"]["dagster/row_count"] == release.row_counts["kpi_deals"] == 1
    assert shown["marts/kpi_answers"]["dagster/row_count"] == 0
    assert {each["release_id"] for each in shown.values()} == {release.release_id}
    # Of the landed tables the one that came; models depend on it.
    assert shown["raw_crm/deals"]["rows_landed"] == 3 and "raw_crm/users" not in shown
    graph = definitions.resolve_asset_graph()
    [key] = [key for key in graph.get_all_asset_keys() if key.path[-1] == "kpi_deals"]
    assert {parent.to_user_string() for parent in graph.get(key).parent_keys} == {
        "raw_crm/deals",
        "raw_crm/users",
    }


def test_failed_checks_fail_the_run_and_say_which(
    deployed: ModuleType, project: Path, tmp_path: Path
) -> None:
    landing = write_landing(tmp_path / "landing", amount="-1")
    definitions = deployed.build_definitions(tmp_path / "home", landing, project)
    job = definitions.resolve_job_def("refresh_job")
    result = job.execute_in_process(raise_on_error=False)
    assert not result.success and metadata_of(result) == {}
    [event] = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    failure = event.event_specific_data.user_failure_data
    assert "no_negative_amount on deals: 3 rows found" in failure.description
    [item] = failure.metadata["failures"].value
    assert item["check"] == "no_negative_amount" and failure.metadata["exit_code"].value == 1


def test_a_home_that_is_busy_is_tried_again_later(
    deployed: ModuleType, project: Path, tmp_path: Path
) -> None:
    from dagster import RetryRequested, build_asset_context

    from warehouse import lock, store

    config = config_of(tmp_path / "home")
    store.prepare_home(config)
    landing = write_landing(tmp_path / "landing")
    with lock.hold(config, "refresh"), pytest.raises(RetryRequested) as caught:
        deployed.warehouse(
            build_asset_context(),
            *("refresh", str(landing), "--home", str(config.home)),
            *("--project-dir", str(project)),
        )
    assert caught.value.seconds_to_wait == 600


def test_new_files_ask_for_one_run_when_they_rest(deployed: ModuleType, tmp_path: Path) -> None:
    from dagster import RunRequest, SkipReason, build_sensor_context, job

    @job
    def nothing() -> None:
        pass

    landing = tmp_path / "landing"
    landing.mkdir()
    sensor = deployed.new_files(landing, nothing)
    context = build_sensor_context()
    seen = []
    for change in (None, "deals.csv", None, "users.csv", None):
        if change:
            (landing / change).write_text("x")
            os.utime(landing / change, ns=(1, len(change) * 10**9 + len(seen)))
        seen += sensor(context)
    kinds = [type(item) for item in seen]
    assert kinds == [SkipReason, SkipReason, RunRequest, SkipReason, RunRequest]
    assert seen[2].run_key != seen[4].run_key
    # Nothing new: the same key, which Dagster runs once.
    [again] = sensor(context)
    assert again.run_key == seen[4].run_key

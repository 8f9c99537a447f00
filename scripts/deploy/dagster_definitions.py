"""The nightly refresh in Dagster: landed tables and dbt models as assets, a schedule and a sensor.

    pip install -e '.[dagster]'
    WAREHOUSE_HOME=/srv/sales-kpi/home WAREHOUSE_LANDING=/srv/sales-kpi/landing \
        dagster dev -f scripts/deploy/dagster_definitions.py

Dagster reports its usage to its makers unless DAGSTER_DISABLE_TELEMETRY=1.

One run of the job is one `warehouse refresh`: nothing is shown as materialized that was not checked
and published. The schedule and the sensor are off until somebody turns them on.
"""

# No `from __future__ import annotations` here: Dagster reads the annotation of `context`.

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, build_dbt_asset_specs

REPOSITORY = Path(__file__).resolve().parents[2]
# What a command ends with (docs/runbook.md).
CHECKS_FAILED, LOCKED = 1, 3
# The group of the assets that are landed tables.
LANDED = "landed"


def build_definitions(
    home: Path, landing: Path | None, project_dir: Path = REPOSITORY
) -> dg.Definitions:
    """Assets, job, schedule and sensor of one home; without `landing`, from what has landed."""
    specs = asset_specs(json.loads(manifest(home, project_dir).read_text(encoding="utf-8")))

    @dg.multi_asset(specs=specs, name="refresh")
    def refresh(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        call = ["refresh", *([str(landing)] if landing else [])]
        done = warehouse(context, *call, "--home", str(home), "--project-dir", str(project_dir))
        yield from materializations(specs, done)

    job = dg.define_asset_job("refresh_job", selection=dg.AssetSelection.assets(refresh))
    nightly = dg.ScheduleDefinition(name="nightly", job=job, cron_schedule="15 2 * * *")
    sensors = [new_files(landing, job)] if landing else []
    return dg.Definitions(assets=[refresh], jobs=[job], schedules=[nightly], sensors=sensors)


def manifest(home: Path, project_dir: Path) -> Path:
    """What dbt knows of the project, parsed again when a file of the project is newer."""
    target = home / "target" / "dagster"
    path = target / "manifest.json"
    folders = ("models", "macros", "seeds")
    files = [path for name in folders for path in (project_dir / name).rglob("*.*")]
    newest = max(file.stat().st_mtime for file in [*files, project_dir / "dbt_project.yml"])
    if not path.exists() or path.stat().st_mtime < newest:
        target.mkdir(parents=True, exist_ok=True)
        dbt = shutil.which("dbt", path=Path(sys.executable).parent) or "dbt"
        call = [dbt, "--quiet", "parse", "--target-path", str(target), "--log-path", str(target)]
        environment = {**os.environ, "WAREHOUSE_HOME": str(home)}
        subprocess.run(call, cwd=project_dir, env=environment, check=True)
    return path


def asset_specs(nodes: dict[str, Any]) -> list[dg.AssetSpec]:
    """An asset per model and seed that is a table or view, and per landed table that they read."""

    class ByFolder(DagsterDbtTranslator):
        """Assets are grouped as the models are: core, kpi, intermediate ..."""

        def get_group_name(self, dbt_resource_props: Any) -> str:
            """The folder below `models/`, of marts the one below that."""
            folders = dbt_resource_props["fqn"][1:-1]
            if folders[:1] == ["marts"]:
                folders = folders[1:] or folders
            return folders[0] if folders else dbt_resource_props["resource_type"]

    models = list(build_dbt_asset_specs(manifest=nodes, dagster_dbt_translator=ByFolder()))
    read = {spec.key: {dep.asset_key for dep in spec.deps} for spec in models}
    landed = set().union(*read.values()) - read.keys()
    specs = {spec.key: spec for spec in models}
    specs |= {key: dg.AssetSpec(key, group_name=LANDED, skippable=True) for key in landed}
    # What is read comes before what reads it: so Dagster wants to be told of them.
    return [specs[key] for key in TopologicalSorter(read).static_order()]


def warehouse(context: dg.AssetExecutionContext, *arguments: str) -> dict[str, Any]:
    """Run a command, pass on what it says, and return what it did; its failure is Dagster's."""
    call = [sys.executable, "-m", "warehouse.cli", *arguments, "--json"]
    with subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            for line in process.stderr:
                tell = context.log.warning if line.startswith("warning: ") else context.log.info
                tell(line.rstrip())
            printed = process.stdout.read()
        except BaseException:
            # A run that is cancelled in Dagster ends cleanly: the last release stays.
            process.send_signal(signal.SIGTERM)
            raise
    done: dict[str, Any] = json.loads(printed) if printed.strip() else {}
    if process.returncode == LOCKED:
        raise dg.RetryRequested(max_retries=6, seconds_to_wait=600)
    if process.returncode:
        raise dg.Failure(
            description=done.get("message", f"exit code {process.returncode}"),
            metadata={
                "exit_code": process.returncode,
                "run_id": done.get("run_id", ""),
                "failures": dg.MetadataValue.json(done.get("failures", [])),
            },
            # What failed a check fails it again; what broke may have been the machine.
            allow_retries=process.returncode > CHECKS_FAILED + 1,
        )
    return done


def materializations(
    specs: list[dg.AssetSpec], done: dict[str, Any]
) -> Iterator[dg.MaterializeResult]:
    """One per asset: rows of marts, rows landed and rejected, and the release they are in."""
    release = done["release"]
    common = {
        "release_id": release["release_id"],
        "run_id": done["run_id"],
        "as_of": done["as_of"],
        "database": dg.MetadataValue.path(release["database"]),
    }
    landed: dict[str, dict[str, int]] = {}
    for table in done["tables"]:
        counts = landed.setdefault(table["table_name"], {})
        for name in ("rows_read", "rows_landed", "rejected"):
            counts[name] = counts.get(name, 0) + table[name]
    for spec in specs:
        name = spec.key.path[-1]
        if spec.group_name != LANDED:
            rows = release["row_counts"].get(name)
            counts = {} if rows is None else {"dagster/row_count": rows}
        elif name in landed:
            counts = landed[name]
        else:
            continue  # nothing of it has landed in this run
        yield dg.MaterializeResult(asset_key=spec.key, metadata={**common, **counts})


def new_files(landing: Path, job: Any) -> dg.SensorDefinition:
    """Asks for a run when the newest file of the landing directory has rested for a minute."""

    @dg.sensor(name="new_files", job=job, minimum_interval_seconds=60)
    def sense(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        times = [path.stat().st_mtime_ns for path in landing.rglob("*") if path.is_file()]
        if not times:
            yield dg.SkipReason(f"{landing} holds no file")
        elif context.cursor != str(max(times)):
            # First seen: still being written, perhaps. Seen twice alike: complete.
            context.update_cursor(str(max(times)))
            yield dg.SkipReason(f"{landing} has changed: waiting for it to rest")
        else:
            yield dg.RunRequest(run_key=str(max(times)))

    return sense


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev -f` loads: the home and the landing directory of the environment."""
    landing = os.environ.get("WAREHOUSE_LANDING")
    home = Path(os.environ.get("WAREHOUSE_HOME") or REPOSITORY / "var").expanduser().absolute()
    return build_definitions(home, Path(landing).expanduser() if landing else None)

"""The command as people and schedulers call it: exit codes, messages, signals, faults."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest

from small_company import build_by_hand, config_of, write_landing, write_project
from warehouse import lock, publish, refresh, runs

HAS_SPARK = find_spec("dbt.adapters.spark") is not None
COMMANDS = [
    "refresh", "sample", "load", "build", "check", "publish", "report", "status", "rejects",
]  # fmt: skip


def call(
    *arguments: object, environment: dict[str, str] | None = None, **options: object
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "warehouse.cli", *map(str, arguments)],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
        env={**os.environ, **(environment or {})},
        **options,
    )


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "warehouse.cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_landing(tmp_path_factory.mktemp("landing"))


@pytest.fixture(scope="module")
def refreshed(
    project: Path, landing: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict]:
    """A home after one whole refresh, and what the command printed. Tests only read it."""
    home = tmp_path_factory.mktemp("refreshed") / "home"
    done = call(
        "refresh", landing, "--home", home, "--project-dir", project,
        "--as-of", "2025-06-30T00:00:00Z", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return home, json.loads(done.stdout)


def test_a_refresh_publishes_and_prints_what_it_did(refreshed: tuple[Path, dict]) -> None:
    home, printed = refreshed
    assert (printed["status"], printed["exit_code"], printed["command"]) == (
        "published",
        0,
        "refresh",
    )
    assert printed["as_of"] == "2025-06-30T00:00:00"
    assert [(table["table_name"], table["rows_landed"]) for table in printed["tables"]] == [
        ("deals", 3)
    ]
    assert set(printed["seconds_per_step"]) == {"land", "check", "build", "publish", "report"}
    assert printed["empty_marts"] == ["kpi_answers is empty: nothing has landed in nps_responses"]
    current = home / "published" / "current"
    with duckdb.connect(str(current / "sales_kpi.duckdb"), read_only=True) as connection:
        deals = connection.execute("select deals from sales_kpi.marts.kpi_deals").fetchall()
    assert deals == [(3,)]
    assert (current / "report" / "index.html").exists()
    assert (home / "data_docs" / "index.html").exists()


def test_status_shows_the_run_its_tables_and_the_release(refreshed: tuple[Path, dict]) -> None:
    home, printed = refreshed
    text = call("status", "--home", home).stdout
    assert "refresh: published" in text and "as of 2025-06-30T00:00:00" in text
    assert "deals: 3 read, 3 landed" in text
    assert "kpi_answers is empty: nothing has landed in nps_responses" in text
    assert f"-> {printed['release_id'] or printed['release']['release_id']}" in text
    content = json.loads(call("status", "--home", home, "--json").stdout)
    assert content["runs"][0]["run_id"] == printed["run_id"]
    assert content["published"]["row_counts"]["kpi_deals"] == 1
    assert content["running"] is None


def test_the_home_may_stand_before_or_after_the_command_or_in_the_environment(
    tmp_path: Path,
) -> None:
    homes = [tmp_path / name for name in ("before", "after", "environment")]
    outputs = [
        call("--home", homes[0], "--json", "status"),
        call("status", "--json", "--home", homes[1]),
        call("status", "--json", environment={"WAREHOUSE_HOME": str(homes[2])}),
    ]
    assert [json.loads(done.stdout)["home"] for done in outputs] == [str(home) for home in homes]
    both = call("--home", homes[0], "status", "--home", homes[1], "--json")
    assert json.loads(both.stdout)["home"] == str(homes[1])
    # Looking changes nothing.
    assert not any(home.exists() for home in homes)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_there_for_every_command(command: str) -> None:
    done = call(command, "--help")
    assert done.returncode == 0 and "--home" in done.stdout and "--json" in done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["status"]])
def test_help_and_status_load_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    code = (
        "import sys\nfrom warehouse import cli\n"
        "try:\n    cli.main(sys.argv[1:])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "heavy = {'dbt', 'duckdb', 'apprise', 'great_expectations', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    arguments = [*arguments, "--home", str(tmp_path)]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["refresh", "--as-of", "yesterday"], "is no instant: write ISO 8601"),
        (["refresh", "--vars", "{fiscal_year_start_month: 13}"], "whole number from 1 to 12"),
        (["refresh", "--vars", "{surprise: 1}"], "no var 'surprise'"),
        (["refresh", "--target", "nowhere"], "no target 'nowhere'"),
        (["refresh", "--target", "elsewhere"], "published from DuckDB"),
        pytest.param(
            ["refresh", "--target", "cluster"],
            "needs dbt-spark, which is not installed here",
            marks=pytest.mark.skipif(HAS_SPARK, reason="dbt-spark is installed here"),
        ),
        (["refresh", "/no/such/directory"], "no landing directory /no/such/directory"),
        (["refresh", __file__], "is a file: name the landing directory"),
        (["refresh", "x" * 300], "cannot be looked at: File name too long"),
        (["status", "--home", ""], "it is empty: name a directory"),
        (["status", "--home", "x" * 300], "cannot be looked at: File name too long"),
        (["sample", f"{__file__}/x"], "test_cli.py cannot be made: File exists"),
        (["sample", "x" * 300], "cannot be looked at: File name too long"),
        (["refresh", "--full-export"], "--full-export says what the landing directory is"),
        (["refresh"], "Nothing has landed"),
        (["build"], "Nothing has landed"),
        (["load"], "Name a landing directory"),
        (["rejects", "nonsense"], "no table 'nonsense'; known are users"),
        (["rejects"], "Nothing has landed"),
        (["report"], "Nothing is published"),
        (["publish", "--rollback"], "nothing to go back from"),
        (["publish", "--rollback", "nonsense"], "no release 'nonsense'"),
        (["explode"], "No such command"),
        (["refresh", "--surprise"], "No such option"),
    ],
)
def test_a_mistake_of_the_user_is_exit_2_and_one_message(
    arguments: list[str], message: str, project: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    done = call(*arguments[:1], "--home", home, "--project-dir", project, *arguments[1:])
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert publish.current_id(config_of(home)) is None


def test_an_adapter_on_spark_is_refused_before_anything_lands(tmp_path: Path) -> None:
    choice = ["--target", "spark", "--vars", "{crm_sources: [odoo]}"]
    for command in ("refresh", "build"):
        done = call(command, "--home", tmp_path / "home", *choice)
        assert done.returncode == 2
        assert "crm_sources has to be [landing] on Spark and is [odoo]" in done.stderr
    assert not (tmp_path / "home" / "warehouse.duckdb").exists()


def test_an_error_is_json_too(project: Path, tmp_path: Path) -> None:
    done = call("--json", "--home", tmp_path, "--project-dir", project, "refresh", "/nowhere")
    assert (done.returncode, json.loads(done.stdout)) == (
        2,
        {
            "status": "input_error",
            "exit_code": 2,
            "message": "There is no landing directory /nowhere.",
        },
    )


def test_a_file_that_cannot_be_read_is_exit_2_and_changes_nothing(
    refreshed: tuple[Path, dict], project: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    broken = tmp_path / "landing"
    broken.mkdir()
    (broken / "deals.csv").write_text("deal_id,stage\nD1,open\n")
    done = call("refresh", broken, "--home", home, "--project-dir", project)
    assert done.returncode == 2
    assert "deals.csv" in done.stderr and "pipeline" in done.stderr
    assert "Traceback" not in done.stderr
    assert [record.status for record in runs.history(config_of(home))] == ["input_error"]


def test_too_many_rejects_are_exit_1_and_can_be_looked_at(project: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    bad = write_landing(tmp_path / "landing", amount="plenty")
    done = call("refresh", bad, "--home", home, "--project-dir", project, "--json")
    assert done.returncode == 1
    assert "rejected rows: 3 of 3 rows (100.00%)" in done.stderr
    printed = json.loads(done.stdout)
    assert (printed["status"], printed["exit_code"]) == ("checks_failed", 1)
    assert [(table["table_name"], table["rejected"]) for table in printed["tables"]] == [
        ("deals", 3)
    ]
    [failure] = printed["failures"]
    assert {name: failure[name] for name in ("suite", "table", "check", "severity", "success")} == {
        "suite": "landing",
        "table": "deals",
        "check": "rejected rows",
        "severity": "error",
        "success": False,
    }
    assert (failure["value"], failure["high"]) == (1.0, 0.01)
    assert failure["sentence"] in printed["message"]
    # `check` alone says the same, and `status` remembers it.
    alone = json.loads(call("check", "--home", home, "--project-dir", project, "--json").stdout)
    assert [item["check"] for item in alone["failures"]] == ["rejected rows"]
    seen = json.loads(call("status", "--home", home, "--json").stdout)["runs"]
    assert [run["failures"] for run in seen] == [alone["failures"], printed["failures"]]
    listed = json.loads(call("rejects", "deals", "--home", home, "--json").stdout)["rejects"]
    assert [(row["source_line"], row["column_name"]) for row in listed] == [
        (line, "amount") for line in (2, 3, 4)
    ]
    assert "3 rejected rows of deals" in call("rejects", "deals", "--home", home).stdout
    assert publish.current_id(config_of(home)) is None


def test_a_failing_dbt_test_is_exit_1_and_leaves_the_last_release(
    refreshed: tuple[Path, dict], project: Path, landing: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    write_landing(tmp_path / "bad", amount="-1")
    assert call("refresh", landing, "--home", home, "--project-dir", project).returncode == 0
    before = publish.current_id(config_of(home))
    done = call("refresh", tmp_path / "bad", "--home", home, "--project-dir", project, "--json")
    assert done.returncode == 1
    assert "no_negative_amount on deals: 3 rows found" in done.stderr
    [failure] = json.loads(done.stdout)["failures"]
    assert (failure["suite"], failure["kind"], failure["check"]) == (
        "dbt",
        "test",
        "no_negative_amount",
    )
    assert "no_negative_amount on deals: 3 rows found, such as" in failure["sentence"]
    assert publish.current_id(config_of(home)) == before
    # Nor does a publish alone let it through.
    alone = call("publish", "--home", home, "--project-dir", project)
    assert alone.returncode == 4 and "was not green" in alone.stderr


def test_the_days_beside_a_base_are_a_note_and_no_warning(project: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    base = write_landing(tmp_path / "landing")
    for day in range(1, 6):
        write_landing(base / f"delta-2025-07-0{day}")
    (base / "archive").mkdir()
    done = call("load", base, "--home", home, "--project-dir", project, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["warnings"] == [
        "Not landed: archive/ (no table of the contract)"
    ]
    notes = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
    assert notes == [
        "note: 5 directories of single days were left alone (delta-2025-07-01, delta-2025-07-02, "
        "delta-2025-07-03, ...): each is landed by a call that names it."
    ]
    assert notes[0].removeprefix("note: ") in (home / "logs" / "warehouse.jsonl").read_text()


def test_broken_sql_is_exit_4_and_names_the_step(landing: Path, tmp_path: Path) -> None:
    broken = write_project(tmp_path / "project", kpi_deals="select nonsense from nowhere")
    done = call("refresh", landing, "--home", tmp_path / "home", "--project-dir", broken)
    assert done.returncode == 4
    assert "The step build broke" in done.stderr and "model kpi_deals broke" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_refresh_is_exit_3_and_names_the_first(
    project: Path, landing: Path, tmp_path: Path
) -> None:
    config = config_of(tmp_path / "home")
    first = start("refresh", landing, "--home", config.home, "--project-dir", project)
    wait_for(lambda: lock.holder(config))
    second = call("refresh", landing, "--home", config.home, "--project-dir", project)
    assert second.returncode == 3
    assert f"process {first.pid}" in second.stderr and "Another refresh" in second.stderr
    seen = json.loads(call("status", "--home", config.home, "--json").stdout)
    assert seen["running"]["pid"] == first.pid and seen["runs"][0]["status"] == "running"
    first.send_signal(signal.SIGTERM)
    _output, errors = first.communicate(timeout=60)
    assert first.returncode == 4
    assert "Interrupted in the step" in errors and "nothing was published" in errors
    assert "Traceback" not in errors
    assert [record.status for record in runs.history(config)] == ["killed"]
    assert publish.current_id(config) is None


def test_a_signal_that_comes_while_a_query_runs_is_an_interruption(tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", tmp_path / "home"
    landing.mkdir()
    # Landed in some five seconds, which DuckDB spends in queries.
    duckdb.execute(
        f"copy (select range as change_id, range // 6 as deal_id, 'Stage ' || range % 6 as stage, "
        f"timestamp '2025-01-01' + to_seconds(range) as changed_at from range(3_000_000)) "
        f"to '{landing / 'deal_stage_history.csv'}'"
    )
    process = start("load", landing, "--home", home)
    wait_for((home / "warehouse.duckdb").exists)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    _output, errors = process.communicate(timeout=60)
    assert process.returncode == 4
    assert "Interrupted in the step land: nothing was published" in errors
    assert "broke" not in errors and "Traceback" not in errors
    assert [record.status for record in runs.history(config_of(home))] == ["killed"]


def test_a_refresh_that_was_killed_in_any_step_is_made_up_for_by_the_next(
    project: Path, landing: Path, tmp_path: Path
) -> None:
    config = config_of(tmp_path / "home")
    arguments = ["refresh", landing, "--home", config.home, "--project-dir", project]
    for sentence in ("Building", "Publishing", "Verifying"):
        running = start(*arguments)
        assert running.stderr is not None
        lines = [running.stderr.readline()]
        while sentence not in lines[-1]:
            assert lines[-1], lines
            lines.append(running.stderr.readline())
        running.kill()
        running.communicate()
    done = call(*arguments)
    assert done.returncode == 0, done.stderr
    # The last one may have come as far as the switch; killed it is all the same.
    assert [record.status for record in runs.history(config)] == ["published", *["killed"] * 3]
    release = publish.current(config)
    assert release is not None and release.run_id == runs.history(config)[0].run_id
    assert not list(config.releases.glob("*.partial"))
    with duckdb.connect(str(release.database), read_only=True) as connection:
        assert connection.execute("select deals from marts.kpi_deals").fetchall() == [(3,)]


def test_rollback_and_publish_are_commands_of_their_own(project: Path, tmp_path: Path) -> None:
    config = config_of(tmp_path / "home")
    config.releases.mkdir(parents=True)
    ids = []
    for version in (1, 2):
        build_by_hand(config, version)
        ids.append(publish.publish(config, report=False).release_id)
    # It is the emergency exit: it has to work when the warehouse does not.
    config.warehouse.write_bytes(b"broken" * 4096)
    back = call("publish", "--rollback", "--home", config.home, "--project-dir", project)
    assert back.returncode == 0, back.stderr
    assert publish.current_id(config) == ids[0]
    assert f"went back from release {ids[1]} to {ids[0]}" in runs.history(config)[0].message
    forth = call("publish", "--home", config.home, "--rollback", ids[1])
    assert forth.returncode == 0 and publish.current_id(config) == ids[1]
    stuck = call("check", "--home", config.home)
    assert stuck.returncode == 4 and "not a valid DuckDB database" in stuck.stderr


def test_a_full_disk_is_named_and_the_last_release_stays(
    refreshed: tuple[Path, dict], project: Path, landing: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"

    def little_space() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    done = call(
        "refresh", landing, "--home", home, "--project-dir", project, preexec_fn=little_space
    )
    assert done.returncode == 4
    assert "Traceback" not in done.stderr and done.stderr.strip()
    assert publish.current_id(config_of(home)) is None
    after = call("refresh", landing, "--home", home, "--project-dir", project)
    assert after.returncode == 0, after.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user whose writes are refused")
def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    os.umask(0o022)
    home = Path("/proc/sys/kernel/warehouse")
    done = call("refresh", tmp_path, "--home", home)
    assert done.returncode == 4
    assert str(home) in done.stderr and "Traceback" not in done.stderr


def test_a_home_that_is_a_file_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = call("status", "--home", tmp_path / "file")
    assert done.returncode == 2 and "is a file, not a directory" in done.stderr


def test_a_clock_that_went_back_is_a_warning(tmp_path: Path) -> None:
    config = config_of(tmp_path / "home")
    config.releases.mkdir(parents=True)
    build_by_hand(config, 1)
    release = publish.publish(config, report=False)

    def warnings(as_of: datetime | None) -> list[str]:
        with refresh._run(config, "build", as_of, {}, lambda _kind, _text: None) as run:
            return run.warnings

    assert warnings(None) == []
    assert "lies in the future" in warnings(datetime(2150, 1, 1))[0]
    note = release.path / "release.json"
    note.chmod(0o644)
    note.write_text(note.read_text().replace("2025-06-30T", "2150-01-01T"))
    assert "the clock went back" in warnings(None)[0]
    # Asked for, an earlier instant is no surprise.
    assert warnings(datetime(2025, 1, 1)) == []


def test_output_that_nobody_reads_any_more_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m warehouse.cli status --home {tmp_path} | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""

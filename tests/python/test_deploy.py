"""The scheduler files for real: their commands parse, their units verify, their paths agree."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from warehouse import cli

DEPLOY = Path(__file__).parents[2] / "scripts" / "deploy"
FILES = ("crontab", "sales-kpi-refresh.service", "github-actions.yml")


def commands(name: str) -> list[list[str]]:
    """The `warehouse` commands of a file; what the shell would fill in is left empty."""
    text = re.sub(r"\$\{[^}]*\}", "", (DEPLOY / name).read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [
        shlex.split(found.group(1))
        for line in lines
        if (found := re.search(r"\.venv/bin/warehouse (.*)$", line))
    ]


@pytest.mark.parametrize("name", FILES)
def test_every_command_is_one_that_the_command_line_knows(name: str) -> None:
    found = commands(name)
    assert found[0][0] == "refresh"
    for command, *arguments in found:
        parsed = cli.cli.commands[command]
        with click.Context(parsed, info_name=command) as parent:
            context = parsed.make_context(command, arguments, parent=parent)
        if command == "refresh":
            assert [str(path) for path in context.params["landing_dir"]] == [
                "/srv/sales-kpi/landing"
            ]


@pytest.mark.parametrize("name", FILES)
def test_the_state_is_in_the_same_home_everywhere(name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    assert re.findall(r"WAREHOUSE_HOME[=:] ?(\S+)", text) == ["/srv/sales-kpi/home"]


def test_they_run_at_the_same_time_of_night() -> None:
    cron = [
        line.split()[:5]
        for line in (DEPLOY / "crontab").read_text().splitlines()
        if line.endswith("landing")
    ]
    assert cron == [["15", "2", "*", "*", "*"]]
    # YAML reads `on` as true.
    workflow = yaml.safe_load((DEPLOY / "github-actions.yml").read_text(encoding="utf-8"))
    assert workflow[True]["schedule"] == [{"cron": "15 2 * * *"}]
    assert "OnCalendar=*-*-* 02:15:00" in (DEPLOY / "sales-kpi-refresh.timer").read_text()
    assert 'cron_schedule="15 2 * * *"' in (DEPLOY / "dagster_definitions.py").read_text()


def test_text_from_outside_never_becomes_part_of_a_script() -> None:
    workflow = yaml.safe_load((DEPLOY / "github-actions.yml").read_text(encoding="utf-8"))
    scripts = [step.get("run", "") for step in workflow["jobs"]["refresh"]["steps"]]
    assert any(scripts) and not any("${{" in script for script in scripts)


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here: its units are not verified")
    for kind in ("service", "timer"):
        text = (DEPLOY / f"sales-kpi-refresh.{kind}").read_text(encoding="utf-8")
        # The command has to be there for systemd to accept it.
        text = text.replace("/srv/sales-kpi/repository/.venv/bin/warehouse", "/bin/true")
        (tmp_path / f"sales-kpi-refresh.{kind}").write_text(text, encoding="utf-8")
        said = subprocess.run(
            ["systemd-analyze", "verify", str(tmp_path / f"sales-kpi-refresh.{kind}")],
            capture_output=True,
            text=True,
            check=False,
        )
        about_ours = [line for line in said.stderr.splitlines() if "sales-kpi-refresh" in line]
        assert about_ours == [], said.stderr

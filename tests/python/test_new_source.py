"""`warehouse new-source`: what it writes parses, builds and passes its own test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from running import REPOSITORY, warehouse
from warehouse.contract import load_contract
from warehouse.errors import InputError, StepError
from warehouse.sources import declared, skeleton


@pytest.fixture
def project(tmp_path) -> Path:
    """A copy of what the adapter of another CRM is written into."""
    copy = tmp_path / "repository"
    for name in ("models", "macros", "seeds", "tests/generic"):
        shutil.copytree(REPOSITORY / name, copy / name)
    (copy / "tests" / "python").mkdir()
    for name in (
        "dbt_project.yml",
        "profiles.yml",
        "tests/python/running.py",
        "tests/python/forked.py",
    ):
        shutil.copy(REPOSITORY / name, copy / name)
    return copy


def test_the_skeleton_works_from_its_first_minute(project, tmp_path):
    home = tmp_path / "home"
    ran = warehouse(home, "new-source", "acme", "--project-dir", project)
    assert "models/staging/acme/_acme__sources.yml" in ran.stdout
    source = declared.load(project, "acme")
    assert source.table_names == tuple(
        table.name for table in load_contract().tables if table.name in skeleton.USUAL_TABLES
    )
    tested = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/python/test_acme.py",
        ],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "tests" / "python")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "3 passed" in tested.stdout
    linted = subprocess.run(
        [Path(sys.executable).parent / "ruff", "check", "--config", REPOSITORY / "pyproject.toml",
         "--ignore", "I001", "tests/python/test_acme.py"],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert linted.returncode == 0, linted.stdout


def test_the_chosen_tables_have_the_columns_of_the_contract(project):
    chosen = ["pipeline_stages", "deals", "deal_stage_history", "orders"]
    skeleton.write(project, "acme", load_contract(), chosen)
    written = {path.name for path in (project / "models" / "staging" / "acme").glob("*.sql")}
    assert written == {f"stg_acme__{name}.sql" for name in chosen}
    orders = declared.load(project, "acme").table("orders")
    contract = load_contract().table("orders")
    assert orders.columns == contract.column_names
    assert orders.key == contract.key
    (source,) = yaml.safe_load(
        (project / "models" / "staging" / "acme" / "_acme__sources.yml").read_text()
    )["sources"]
    assert [[column["data_type"] for column in table["columns"]] for table in source["tables"]][
        -1
    ] == [column.data_type for column in contract.columns]
    register = (project / "macros" / "source_tables.sql").read_text()
    for name in chosen:
        assert f"            '{name}',\n" in register.split("'acme': [")[1].split("]")[0]


@pytest.mark.parametrize(
    ("name", "tables", "message"),
    [
        ("Acme", skeleton.USUAL_TABLES, "use small letters"),
        ("../x", skeleton.USUAL_TABLES, "use small letters"),
        ("odoo", skeleton.USUAL_TABLES, "There is a source odoo already"),
        ("landing", skeleton.USUAL_TABLES, "There is a source landing already"),
        ("acme", ["deals", "sales"], "sales is no table of the landing contract"),
        ("acme", ["deals"], "Without pipeline_stages"),
    ],
)
def test_what_cannot_be_written_is_refused_and_nothing_is(project, name, tables, message):
    before = sorted(path for path in project.rglob("*"))
    with pytest.raises(InputError, match=message):
        skeleton.write(project, name, load_contract(), tables)
    assert sorted(path for path in project.rglob("*")) == before


def test_a_test_that_is_there_is_not_overwritten(project):
    path = project / "tests" / "python" / "test_acme.py"
    path.write_text("mine")
    with pytest.raises(InputError, match=r"test_acme\.py is there already"):
        skeleton.write(project, "acme", load_contract())
    assert path.read_text() == "mine"
    assert not (project / "models" / "staging" / "acme").exists()


def test_a_register_that_was_rewritten_is_left_alone(project):
    (project / "macros" / "source_tables.sql").write_text(
        "{% macro source_tables() %}{% endmacro %}"
    )
    with pytest.raises(StepError, match="by hand"):
        skeleton.write(project, "acme", load_contract())

"""dbt's documentation as one file: written when the project changed, whatever its texts say."""

import json
import re
from pathlib import Path

import pytest

from small_company import build_by_hand, config_of, write_landing, write_project
from warehouse import dbt_docs, publish, refresh

HARMFUL = "</script><script>alert('x')</script>"


def quiet(*_: object) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory):
    copied = "select deals, deals + 1 as one_more from {{ ref('kpi_deals') }}"
    project = write_project(tmp_path_factory.mktemp("project"), kpi_copied=copied)
    text = (project / "models" / "sources.yml").read_text()
    (project / "models" / "sources.yml").write_text(text.replace("How many;", HARMFUL))
    config = config_of(tmp_path_factory.mktemp("home"), project)
    landing = write_landing(tmp_path_factory.mktemp("landing"))
    refresh.load(config, [landing], progress=quiet)
    refresh.build(config, progress=quiet)
    return config


def test_a_build_writes_the_page_and_the_next_one_leaves_it_alone(built):
    page = built.dbt_docs / dbt_docs.PAGE
    before = page.stat()
    assert before.st_size > 1_000_000, "dbt's page with the project in it"
    refresh.build(built, progress=quiet)
    assert page.stat().st_mtime_ns == before.st_mtime_ns
    model = built.project_dir / "models" / "kpi_deals.sql"
    model.write_text(f"-- changed\n{model.read_text()}")
    refresh.build(built, progress=quiet)
    assert page.stat().st_mtime_ns > before.st_mtime_ns


def test_a_text_of_the_project_never_becomes_markup(built):
    text = (built.dbt_docs / dbt_docs.PAGE).read_text(encoding="utf-8")
    assert HARMFUL not in text
    project = json.JSONDecoder().raw_decode(text[text.index('{"metadata":{"dbt_schema') :])[0]
    column = project["nodes"]["model.small.kpi_deals"]["columns"]["deals"]
    assert column["description"].startswith(HARMFUL)


def test_a_column_means_what_it_means_where_it_comes_from(built):
    text = (built.dbt_docs / dbt_docs.PAGE).read_text(encoding="utf-8")
    project = json.JSONDecoder().raw_decode(text[text.index('{"metadata":{"dbt_schema') :])[0]
    nodes = project["nodes"]
    own = nodes["model.small.kpi_deals"]["columns"]["deals"]["description"]
    copied = nodes["model.small.kpi_copied"]["columns"]
    assert copied["deals"]["description"] == own != ""
    assert copied["one_more"]["description"] == ""
    assert {"kpi_copied", "kpi_copied.one_more"} <= set(dbt_docs.undescribed(project))
    assert not re.search(r'"compiled_code":"', text), "the SQL of one run is none of the project"


def test_a_release_carries_the_docs_of_its_build(tmp_path: Path):
    config = config_of(tmp_path / "home")
    build_by_hand(config, 1)
    config.releases.mkdir(parents=True)
    without = publish.publish(config, report=False)
    assert not (without.path / "docs").exists()
    config.dbt_docs.mkdir()
    (config.dbt_docs / dbt_docs.PAGE).write_text("the docs")
    release = publish.publish(config, report=False)
    assert (release.path / "docs" / "index.html").read_text() == "the docs"
    assert "docs/index.html" in release.sha256

"""What BI tools hold on to: published names, and the examples of docs/bi.md."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from running import REPOSITORY, read, refresh
from warehouse import documentation, figures, sample

GUIDE = (REPOSITORY / "docs" / "bi.md").read_text(encoding="utf-8")
PROMISED = (REPOSITORY / "docs" / "published_columns.txt").read_text(encoding="utf-8").split("\n")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    as_of = datetime(2026, 6, 15, 8, 30)
    landing = tmp_path_factory.mktemp("landing")
    sample.write(landing, deals=60, seed=3, as_of=as_of)
    return refresh(tmp_path_factory.mktemp("home"), landing, as_of=as_of)


def examples(language: str) -> Iterator[str]:
    yield from re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.S | re.M)


def test_no_promised_column_is_missing_and_no_new_one_is_unpromised():
    models = documentation._models(REPOSITORY)
    present = [
        f"{path.stem}.{column['name']} {column['data_type']}"
        for path in (REPOSITORY / "models" / "marts").rglob("*.sql")
        for column in models[path.stem]["columns"]
    ]
    promised = [line for line in PROMISED if line]
    assert set(promised) - set(present) == set(), "published names stay: see docs/bi.md"
    assert set(present) - set(promised) == set(), "add the new columns to published_columns.txt"
    assert promised == sorted(promised)


def test_a_promised_column_is_published_with_its_type(published):
    with read(published) as connection:
        found = {
            f"{table}.{column}": kind.lower().replace(" ", "")
            for table, column, kind in connection.execute(
                "select table_name, column_name, data_type from duckdb_columns() "
                "where schema_name = 'marts'"
            ).fetchall()
        }
    for line in filter(None, PROMISED):
        name, kind = line.split(" ")
        assert found[name] == kind, name


@pytest.mark.parametrize("sql", list(examples("sql")), ids=lambda sql: sql.split("\n")[0][:40])
def test_an_example_query_of_the_guide_gives_rows(published, sql):
    with read(published) as connection:
        assert connection.execute(sql).fetchall()


def test_the_python_example_of_the_guide_runs(published, capsys):
    example = next(code for code in examples("python") if "import duckdb" in code)
    exec(compile(example.replace("PUBLISHED", str(published)), "docs/bi.md", "exec"), {})
    assert "2026, 6, 15" in capsys.readouterr().out


def exposure(name: str) -> set[str]:
    """The models that an exposure names."""
    text = (REPOSITORY / "models" / "_exposures.yml").read_text(encoding="utf-8")
    found = next(one for one in yaml.safe_load(text)["exposures"] if one["name"] == name)
    assert len(found["description"]) > 20
    return {re.fullmatch(r"ref\('(\w+)'\)", ref)[1] for ref in found["depends_on"]}


def test_the_exposure_of_the_report_names_what_it_reads():
    marts = {path.stem for path in (REPOSITORY / "models" / "marts").rglob("*.sql")}
    kpis = {name for name in marts if name.startswith("kpi_")} | {"kpi_catalogue"}
    others = {table for _, table, *_ in (*figures._NAMES, *figures._NEWEST)}
    others |= {"release", "dim_date", "dim_stage", *figures._DISTRIBUTIONS}
    assert exposure("report_page") == kpis | others


def test_the_exposure_of_the_dashboard_names_what_it_reads():
    text = (REPOSITORY / "scripts" / "superset" / "dashboard.yml").read_text(encoding="utf-8")
    spec = yaml.safe_load(text)
    charts = [chart for section in spec["sections"] for chart in section["charts"]]
    used = {chart["dataset"] for chart in charts} - set(spec["datasets"])
    for sql in spec["datasets"].values():
        used |= set(re.findall(r"marts\.(\w+)", sql))
    assert exposure("superset_dashboard") == used
    assert len({chart["title"] for chart in charts}) == len(charts)

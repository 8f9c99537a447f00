"""What is generated is up to date, and what people read is complete."""

import re

import pytest
import yaml

from running import REPOSITORY
from warehouse import documentation

MODELS = sorted((REPOSITORY / "models").rglob("*.sql"))
MARTS = [path for path in MODELS if "marts" in path.parts]
DESCRIBED = documentation._models(REPOSITORY)


def test_generated_documents_are_up_to_date():
    stale = [path.name for path in documentation.out_of_date()]
    assert stale == [], "run `make docs`"


@pytest.mark.parametrize("path", MARTS, ids=lambda path: path.stem)
def test_a_mart_says_what_a_row_is_and_what_each_column_means(path):
    model = DESCRIBED[path.stem]
    assert re.search(r"\bOne row\b", model["description"])
    assert model["columns"]
    for column in model["columns"]:
        assert column["data_type"]
        assert len(column["description"]) > 3, column["name"]


@pytest.mark.parametrize("path", MARTS, ids=lambda path: path.stem)
def test_a_mart_has_its_key_and_its_rules_tested(path):
    if path.stem == "release":
        return
    tests = [test["conforms"]["arguments"] for test in DESCRIBED[path.stem]["data_tests"]]
    assert any(arguments.get("key") for arguments in tests)


@pytest.mark.parametrize("path", MARTS, ids=lambda path: path.stem)
def test_no_mart_reads_raw_or_staging(path):
    text = path.read_text()
    assert "source(" not in text
    assert "stg_" not in text


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_names_follow_their_layer(path):
    prefixes = {"staging": "stg_", "intermediate": "int_", "core": ("dim_", "fct_", "release")}
    prefixes["kpi"] = "kpi_"
    if "distributions" in path.parts:
        assert path.stem.endswith(("_curve", "_distribution"))
        return
    if "sources" in path.parts:
        assert path.stem == "unmapped_values"
        return
    layer = next(name for name in ("staging", "intermediate", "core", "kpi") if name in path.parts)
    assert path.stem.startswith(prefixes[layer])


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_no_model_asks_which_engine_it_runs_on(path):
    assert "target." not in path.read_text()


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_no_figure_depends_on_the_order_of_adding(path):
    """Averages and variances of doubles do: models add up integers and decimals."""
    assert not re.search(r"\b(avg|var_\w+|stddev\w*|covar_\w+|corr|regr_\w+)\(", path.read_text())


def test_a_macro_stands_in_a_file_of_its_name():
    for path in (REPOSITORY / "macros").glob("*.sql"):
        assert re.search(rf"{{%-? (macro|materialization) {path.stem}\b", path.read_text()), path


def test_every_var_says_why_it_exists():
    lines = (REPOSITORY / "dbt_project.yml").read_text().splitlines()
    start = lines.index("vars:")
    for number, line in enumerate(lines[start + 1 :], start + 1):
        if line and not line.startswith(" "):
            break
        if re.match(r"  \w+:", line):
            assert lines[number - 1].strip().startswith("#"), line


def test_the_unit_tests_have_rows():
    for path in (REPOSITORY / "models").rglob("*unit_tests.yml"):
        for test in yaml.safe_load(path.read_text())["unit_tests"]:
            assert any(given.get("rows") for given in test["given"]), test["name"]
            assert test["expect"]["rows"], test["name"]

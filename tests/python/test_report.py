"""The page of a release: which figures it carries, and that nothing can break out of it."""

import csv
import math
import re
from datetime import date
from pathlib import Path

import duckdb
import pytest

from marts_case import AS_OF, catalogue, months, release, weeks, win_rates, write_marts
from warehouse import figures, report
from warehouse.errors import StepError

REPOSITORY = Path(__file__).parents[2]
NASTY = "</script><script>alert('x')</script> \"quoted\" & <b>Ünïcode 漢字 \u2028"


def written(file: Path, out_dir: Path) -> str:
    path = report.write(file, out_dir)
    assert path == out_dir / "index.html"
    return path.read_text(encoding="utf-8")


def rows_of(mart: dict) -> list[dict]:
    """The rows of a mart inside the page, as the page's script unpacks them."""
    columns = {}
    for name, packed in mart["columns"].items():
        columns[name] = (
            [None if code < 0 else packed["texts"][code] for code in packed["codes"]]
            if "texts" in packed
            else packed["values"]
        )
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    slices = [("all", "all"), ("source", NASTY), ("source", "partner"), ("owner", "7")]
    return write_marts(
        tmp_path / "small.duckdb",
        release=release(),
        kpi_catalogue=catalogue("kpi_win_rate"),
        kpi_win_rate=win_rates(months(6), slices, is_complete=False),
        dim_user=[
            {"user_id": "7", "full_name": "Ana Cruz", "created_at": None},
            {"user_id": "8", "full_name": "Not in any figure", "created_at": None},
        ],
    )


def test_the_page_is_one_file_that_asks_for_nothing_else(small, tmp_path):
    page = written(small, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["index.html"]
    linked = re.findall(r'(?:src|href)="([^"]*)"', page.split('<script id="figures"')[0])
    assert linked
    assert all(link.startswith(("#", "data:")) for link in linked)
    assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttpRequest|import\(", page)
    assert "<!--" not in page, "a part of the template was not filled"


def test_the_figures_of_the_page_are_those_of_the_mart(small, tmp_path):
    found = rows_of(report.unpacked(written(small, tmp_path))["marts"]["kpi_win_rate"])
    with duckdb.connect(str(small), read_only=True) as connection:
        cursor = connection.execute("select * from marts.kpi_win_rate")
        names = [column[0] for column in cursor.description]
        expected = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    assert len(found) == len(expected) == 24
    key = ("period_grain", "period_start", "dimension", "dimension_value")
    by_key = {tuple(row[name] for name in key): row for row in found}
    for row in expected:
        shown = by_key[tuple(str(row[name]) for name in key)]
        for name in names:
            if isinstance(row[name], (str, bool, date)):
                assert shown[name] == (row[name] if isinstance(row[name], bool) else str(row[name]))
            else:
                assert math.isclose(shown[name], float(row[name]), rel_tol=1e-9), name


def test_texts_of_the_data_never_become_markup(small, tmp_path):
    page = written(small, tmp_path)
    assert "alert(" not in page
    assert page.count("</script>") == 2, "the figures and the script, nothing of the data"
    assert (
        NASTY
        in report.unpacked(page)["marts"]["kpi_win_rate"]["columns"]["dimension_value"]["texts"]
    )


def test_the_same_figures_give_the_same_bytes(small, tmp_path):
    first = report.write(small, tmp_path / "first").read_bytes()
    assert report.write(small, tmp_path / "second").read_bytes() == first


def test_only_people_who_appear_in_a_figure_are_named(small, tmp_path):
    assert report.unpacked(written(small, tmp_path))["names"] == {"owner": {"7": "Ana Cruz"}}


def test_two_people_of_one_name_keep_their_ids(tmp_path):
    slices = [("owner", "1"), ("owner", "2"), ("owner", "3")]
    people = [("1", "Ana Cruz"), ("2", "Ana Cruz"), ("3", "Bo Lind")]
    file = write_marts(
        tmp_path / "namesakes.duckdb",
        release=release(),
        kpi_win_rate=win_rates(months(2), slices),
        dim_user=[{"user_id": number, "full_name": name} for number, name in people],
    )
    names = report.unpacked(written(file, tmp_path))["names"]["owner"]
    assert names == {"1": "Ana Cruz (1)", "2": "Ana Cruz (2)", "3": "Bo Lind"}


def test_totals_go_back_further_than_slices_and_the_running_period_is_kept(tmp_path):
    rows = win_rates(
        weeks(60), [("all", "all"), ("team", "North")], grain="week", is_complete=False
    )
    file = write_marts(tmp_path / "long.duckdb", release=release(), kpi_win_rate=rows)
    content = report.unpacked(written(file, tmp_path))
    mart = content["marts"]["kpi_win_rate"]
    shown = rows_of(mart)
    total = [row["period_start"] for row in shown if row["dimension"] == "all"]
    team = [row["period_start"] for row in shown if row["dimension"] == "team"]
    assert total == [str(week) for week in weeks(figures.PERIODS["week"] + 1)]
    assert team == [str(week) for week in weeks(figures.SLICE_PERIODS["week"] + 1)]
    assert [row["is_complete_period"] for row in shown if row["period_start"] == total[-1]] == [
        False,
        False,
    ]
    assert (mart["total"], mart["shown"]) == (120, len(shown))
    assert content["periods"]["week"][-1] == [total[-1], False]
    assert content["periods"]["week"][-2] == [total[-2], True]


def test_a_kpi_whose_rows_end_early_shows_its_own_last_periods(tmp_path):
    old = win_rates(months(3, date(2019, 5, 1)))
    file = write_marts(
        tmp_path / "old.duckdb",
        release=release(),
        kpi_win_rate=old,
        kpi_other=win_rates(months(40)),
    )
    shown = rows_of(report.unpacked(written(file, tmp_path))["marts"]["kpi_win_rate"])
    assert [row["period_start"] for row in shown] == ["2019-03-01", "2019-04-01", "2019-05-01"]


def test_of_many_values_the_busiest_are_kept_and_the_page_says_so(tmp_path):
    values = [("owner", f"U{number:03}") for number in range(50)]
    rows = win_rates(months(2), [("all", "all"), *values]) + win_rates(
        months(1, date(2025, 1, 1)), [("owner", "U049")]
    )
    file = write_marts(tmp_path / "many.duckdb", release=release(), kpi_win_rate=rows)
    content = report.unpacked(written(file, tmp_path))
    kept = content["values"]["owner"]
    assert kept[0] == "U049", "the one with the most rows comes first"
    assert len(kept) == figures.SLICE_VALUES[0]
    assert content["left_out"] == [{"dimension": "owner", "kept": len(kept), "of": 50}]
    shown = {row["dimension_value"] for row in rows_of(content["marts"]["kpi_win_rate"])}
    assert shown == {"all", *kept}


def test_a_page_that_would_be_too_large_is_written_with_fewer_slices(tmp_path, monkeypatch):
    slices = [("all", "all"), *[("owner", f"U{number:03}") for number in range(30)]]
    file = write_marts(
        tmp_path / "large.duckdb", release=release(), kpi_win_rate=win_rates(months(12), slices)
    )
    usual = report.write(file, tmp_path / "usual").read_bytes()
    assert len(report.unpacked(usual.decode())["values"]["owner"]) == 30
    monkeypatch.setattr(report, "MAX_BYTES", len(usual) - 1)
    smaller = report.write(file, tmp_path / "smaller").read_bytes()
    assert len(smaller) < len(usual)
    assert len(report.unpacked(smaller.decode())["values"]["owner"]) == 16


def test_pairs_of_dimensions_stay_in_the_marts(tmp_path):
    slices = [("all", "all"), ("owner_channel", "7/call"), ("location_product", "1/2")]
    file = write_marts(
        tmp_path / "pairs.duckdb", release=release(), kpi_win_rate=win_rates(months(2), slices)
    )
    content = report.unpacked(written(file, tmp_path))
    assert {row["dimension"] for row in rows_of(content["marts"]["kpi_win_rate"])} == {"all"}


def test_an_empty_kpi_says_what_has_not_landed(tmp_path):
    nothing = [dict.fromkeys(win_rates(months(1))[0])]
    file = write_marts(
        tmp_path / "empty.duckdb",
        release=release(),
        kpi_nps=nothing,
        fct_nps_responses=[{"response_id": None}],
        kpi_win_rate=nothing,
        fct_deals=[{"deal_id": "1", "created_at": AS_OF}],
        kpi_quota_team=nothing,
    )
    reasons = report.unpacked(written(file, tmp_path))["reasons"]
    assert reasons["kpi_nps"] == (
        "No rows in kpi_nps: nothing was landed in nps_responses that counts by 2026-03-18."
    )
    assert reasons["kpi_win_rate"] == (
        "No rows in kpi_win_rate: deals have rows, but none of them counts for it by 2026-03-18."
    )
    assert "landed in quotas" in reasons["kpi_quota_team"]
    assert reasons["kpi_mrr"] == "kpi_mrr is not in this release."


@pytest.mark.parametrize(
    ("start", "year", "name"),
    [(date(2026, 4, 1), 2026, "2026-Q2"), (date(2026, 2, 1), 2027, "FY2027-Q2")],
)
def test_quarters_have_the_names_of_their_fiscal_year(tmp_path, start, year, name):
    file = write_marts(
        tmp_path / "quarters.duckdb",
        release=release(),
        dim_date=[{"quarter_start": start, "fiscal_year": year, "fiscal_quarter": 2}],
    )
    quarters = report.unpacked(written(file, tmp_path))["quarters"]
    assert quarters == {str(start): name}


def test_the_newest_entries_do_not_lie_after_as_of(tmp_path):
    file = write_marts(
        tmp_path / "new.duckdb",
        release=release(),
        fct_deals=[
            {"deal_id": "1", "created_at": date(2026, 3, 1)},
            {"deal_id": "2", "created_at": date(2026, 4, 1)},
        ],
    )
    newest = report.unpacked(written(file, tmp_path))["newest"]
    assert newest == [{"label": "Deals created", "at": "2026-03-01 00:00:00"}]


def test_a_file_that_is_no_database_is_named(tmp_path):
    file = tmp_path / "broken.duckdb"
    file.write_text("no database")
    with pytest.raises(StepError, match=r"broken\.duckdb"):
        report.write(file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_infinity_and_nan_are_no_figures():
    assert figures._rounded(float("nan")) is None
    assert figures._rounded(float("inf")) is None
    assert figures._rounded(-1 / 3) == -0.3333333333
    assert figures._rounded(12.0) == 12


def kpis_of_the_catalogue() -> set[str]:
    with (REPOSITORY / "seeds" / "kpi_catalogue.csv").open(encoding="utf-8", newline="") as stream:
        return {row["kpi_id"] for row in csv.DictReader(stream)}


def test_every_kpi_of_the_catalogue_has_a_chart_and_a_reason_to_be_empty():
    script = "\n".join((report.PAGE / name).read_text(encoding="utf-8") for name in report.SCRIPTS)
    assert set(re.findall(r'kpi: "(kpi_\w+)"', script)) == kpis_of_the_catalogue()
    assert set(figures.NEEDS) == kpis_of_the_catalogue()


def landing_tables_behind(model: str, files: dict[str, Path], seen: set[str]) -> set[str]:
    """The landing tables that a model is made of, by its refs and sources."""
    if model in seen or model not in files:
        return set()
    seen.add(model)
    sql = files[model].read_text(encoding="utf-8")
    found = set(re.findall(r"source\(\s*['\"]\w+['\"]\s*,\s*['\"](\w+)['\"]", sql))
    parents = re.findall(r"ref\(\s*['\"](\w+)['\"]", sql)
    parents += [f"stg_landing__{table}" for table in re.findall(r"staged\('(\w+)'\)", sql)]
    for parent in parents:
        found |= landing_tables_behind(parent, files, seen)
    return found


def test_what_a_kpi_needs_lies_behind_its_mart():
    files = {path.stem: path for path in (REPOSITORY / "models").rglob("*.sql")}
    assert set(figures.FED_BY) <= set(figures.NEEDS)
    for kpi, needed in figures.NEEDS.items():
        tables = {*needed, *figures.FED_BY.get(kpi, ())}
        behind = landing_tables_behind(kpi, files, set())
        assert tables <= behind, f"{kpi} is not made of {tables - behind}"


def test_the_scripts_import_what_the_ones_before_them_export():
    exported: dict[str, set[str]] = {}
    declared: list[str] = []
    for name in report.SCRIPTS:
        text = (report.PAGE / name).read_text(encoding="utf-8")
        for names, module in re.findall(r'^import \{([^}]*)\} from "\./([\w.]+)";', text, re.M):
            wanted = {part.strip() for part in names.split(",")}
            assert module in exported, f"{name} needs {module} before it"
            assert wanted <= exported[module], f"{name} imports {wanted - exported[module]}"
            for one in wanted:
                used = len(re.findall(rf"\b{re.escape(one)}\b", text))
                assert used > 1, f"{name} imports {one} and does not use it"
        exported[name] = set(
            re.findall(r"^export (?:async )?(?:function|const|class|let) (\w+)", text, re.M)
        )
        declared += re.findall(
            r"^(?:export )?(?:async )?(?:function|const|class|let) (\w+)", text, re.M
        )
    assert {path.name for path in report.PAGE.glob("*.js")} == set(report.SCRIPTS)
    assert len(declared) == len(set(declared)), "inlined scripts share one scope"

"""The gates as a whole: severities, what is kept, and the pages that show it."""

from __future__ import annotations

import html.parser
import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from quality_case import AS_OF, deals, empty_home, failed, land, of, with_marts, write_company
from running import warehouse
from small_company import config_of
from warehouse import check, refresh, store
from warehouse.check import Check, CheckResult
from warehouse.config import Config
from warehouse.config import load as load_config
from warehouse.errors import ChecksFailedError, InputError
from warehouse.quality import page, thresholds

BROKEN_RATE = "update marts.kpi_win_rate set win_rate = 1.33"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("company") / "home"
    write_company(empty_home(home))
    return home


@pytest.fixture
def config(company: Path, tmp_path: Path) -> Config:
    return config_of(shutil.copytree(company, tmp_path / "home"))


def change(config: Config, statement: str) -> None:
    with duckdb.connect(str(config.warehouse)) as connection:
        connection.execute(statement)


def contents(config: Config) -> dict[str, tuple]:
    """Rows and a checksum of every table."""
    with duckdb.connect(str(config.warehouse), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() order by 1"
        ).fetchall()
        return {
            name: connection.execute(
                f"select count(*), bit_xor(hash(everything)) from {name} as everything"
            ).fetchone()
            for (name,) in tables
        }


class _Page(html.parser.HTMLParser):
    """Everything that a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href", "data")]


def read_page(config: Config) -> tuple[str, _Page]:
    text = (config.data_docs / "index.html").read_text(encoding="utf-8")
    parsed = _Page()
    parsed.feed(text)
    return text, parsed


def test_a_sound_company_passes_and_only_results_are_written(config: Config) -> None:
    before = contents(config)
    result = check.check(config, run_id="one")
    assert {item.suite for item in result.checks} == {"landing", "marts"}
    assert failed(result) == []
    after = contents(config)
    written = {"ops.check_results", "ops.column_profiles"}
    assert {name: after[name] for name in after if name not in written} == before
    assert after["ops.check_results"][0] == len(result.checks)


def test_measuring_needs_no_right_to_write(config: Config) -> None:
    # No connection that may write can be opened beside a read-only one in the same process.
    with store.connect(config, read_only=True):
        assert failed(with_marts(config)) == []


def test_a_failed_check_of_severity_error_blocks_and_is_recorded(config: Config) -> None:
    change(config, BROKEN_RATE)
    with pytest.raises(ChecksFailedError, match=r"kpi_win_rate: within 0\.\.1: win_rate from 1.33"):
        refresh.check(config, progress=lambda *_: None)
    with duckdb.connect(str(config.warehouse)) as connection:
        [(status, kept)] = connection.execute(
            "select status, (select count(*) from ops.check_results where run_id = runs.run_id "
            "and not success) from ops.runs where command = 'check'"
        ).fetchall()
    assert (status, kept) == ("checks_failed", 1)
    # The pages of a run that failed are written all the same.
    assert "win_rate from 1.33 to 1.33" in read_page(config)[0]
    assert (config.data_docs / "gx" / "index.html").exists()


def test_the_severity_is_a_setting(config: Config) -> None:
    config = config_of(config.home, quality={"within 0..1": {"severity": "warn"}})
    result = with_marts(config, BROKEN_RATE)
    assert result.errors == ()
    assert [item.check for item in result.warnings] == ["within 0..1"]


@pytest.mark.parametrize(
    ("changed", "explained"),
    [
        ({}, True),
        ({"until": date(2025, 6, 30)}, True),
        ({"until": date(2025, 6, 29)}, False),
        ({"table": "kpi_nps"}, False),
        ({"check": "agrees with raw"}, False),
    ],
)
def test_a_reason_lets_a_failure_pass_while_it_holds(
    config: Config, changed: dict, explained: bool
) -> None:
    reason = {
        "check": "within 0..1",
        "table": "kpi_win_rate",
        "until": date(2025, 12, 31),
        "reason": "A <known> fault of the CRM.",
    }
    config = config_of(config.home, quality={"reasons": [{**reason, **changed}]})
    found = of(with_marts(config, BROKEN_RATE), "within 0..1", "kpi_win_rate")
    assert found.success is explained
    if explained:
        assert (found.reason or "").startswith("A <known> fault of the CRM. (until 2025-")


def test_results_are_kept_over_time_and_drawn(config: Config) -> None:
    # A home of an earlier version has a table without the figures.
    change(
        config,
        "create table ops.check_results (run_id varchar, checked_at timestamp, suite varchar, "
        "table_name varchar, check_name varchar, column_name varchar, severity varchar, "
        "success boolean, observed varchar, expected varchar)",
    )
    check.check(config, run_id="one", suites=check.LANDING_SUITES)
    text, parsed = read_page(config)
    assert "polyline" not in parsed.tags
    check.check(config, run_id="two", suites=check.LANDING_SUITES)
    text, parsed = read_page(config)
    assert "polyline" in parsed.tags
    assert "2 runs, " in text
    with duckdb.connect(str(config.warehouse)) as connection:
        kept = connection.execute(
            "select run_id, value, high, success from ops.check_results "
            "where check_name = 'rejected rows' and table_name = 'deals' order by checked_at"
        ).fetchall()
    assert kept == [("one", 0.0, 0.01, True), ("two", 0.0, 0.01, True)]


def test_the_page_shows_what_failed_and_needs_no_other_host(config: Config) -> None:
    change(config, 'create table marts."<script>alert(1)</script>" as select 2.0::double as a_rate')
    odd = deals(1, first=90, stage="<b>won</b>")
    land(config, "second", at=AS_OF + timedelta(hours=3), deals=odd)
    result = check.check(config, run_id="<run>")
    text, parsed = read_page(config)
    assert f"{len(result.checks)} checks, 1 failed and block publishing, " in text
    for item in (*result.errors, *result.warnings):
        assert html.escape(item.observed) in text
    assert "&lt;b&gt;won&lt;/b&gt;" in text
    assert "&lt;script&gt;alert(1)" in text
    assert text.count("✗ failed (error)") == 1
    assert text.count("! failed (warn)") == len(result.warnings) >= 1
    assert text.count("✓ passed") == sum(item.success for item in result.checks)
    assert parsed.fetched == ["gx/index.html"]
    assert not {"script", "link", "img", "iframe", "b"} & set(parsed.tags)
    assert "http" not in text


def test_data_docs_show_every_suite_of_the_run(config: Config) -> None:
    first = check.check(config, run_id="run", suites=check.LANDING_SUITES)
    # More is to come: the pages are written once.
    assert not (config.data_docs / "gx").exists()
    result = check.check(config, run_id="run", suites=check.MARTS_SUITES, before=first)
    assert len(result.checks) > len(first.checks) > 0
    found = sorted(path.parts[-4] for path in (config.data_docs / "gx").rglob("*-*.html"))
    assert found == ["landing", "marts"]
    text = next((config.data_docs / "gx").rglob("marts-marts.html")).read_text()
    assert "kpi_mrr_agrees_with_raw_active_accounts" in text
    # The next run replaces them.
    check.check(config, run_id="next", suites=check.MARTS_SUITES)
    found = sorted(path.parts[-4] for path in (config.data_docs / "gx").rglob("*-*.html"))
    assert found == ["marts"]
    assert sorted(path.name for path in config.data_docs.iterdir()) == ["gx", "index.html"]


def test_the_command_prints_every_check_as_json(config: Config) -> None:
    change(config, "update marts.fct_deals set closed_at = '2025-04-01' where deal_id = 'D00001'")
    done = warehouse(config.home, "check", "--json")
    printed = json.loads(done.stdout)
    assert (printed["status"], printed["exit_code"]) == ("done", 0)
    assert [item["check"] for item in printed["checks"] if not item["success"]] == [
        "closed before created"
    ]
    assert "warning: marts: fct_deals.days_to_close: closed before created: 1 row" in done.stderr
    assert "nanobind" not in done.stderr


def test_a_sparkline_marks_what_failed() -> None:
    drawn = page.sparkline([(1.0, True), (2.0, True), (9.0, False)])
    assert drawn.count("<circle") == 1
    assert 'points="3.0,21.0 60.0,18.8 117.0,3.0"' in drawn
    assert page.sparkline([(1.0, True)]) == ""
    # A flat line lies in the middle.
    assert 'points="3.0,12.0 117.0,12.0"' in page.sparkline([(0.0, True), (0.0, True)])


def test_a_result_tells_errors_from_warnings() -> None:
    def item(severity: str, success: bool) -> Check:
        return Check("s", "t", "c", None, severity, success, "seen", "wanted")

    result = CheckResult((item("error", True), item("warn", False), item("warn", True)))
    result.raise_for_errors()
    assert len(result.warnings) == 1
    with pytest.raises(ChecksFailedError, match=r"1 of 1 quality checks failed.*\n  - s: t: c: "):
        CheckResult((item("error", False),)).raise_for_errors()


def test_every_threshold_is_of_a_check_that_exists() -> None:
    package = Path(thresholds.__file__).parent
    code = "".join(path.read_text() for path in package.glob("*.py"))
    defaults = thresholds.load()
    assert len(defaults.checks) == 23
    assert [name for name in defaults.checks if f'"{name}"' not in code] == []
    assert {values["severity"] for values in defaults.checks.values()} == {"error", "warn"}


def test_overrides_change_single_bounds(tmp_path: Path) -> None:
    (tmp_path / "warehouse.yml").write_text(
        "quality:\n"
        "  headline jump: {z: 4}\n"
        "  freshness: {days: {deals: 2}}\n"
        "  reasons:\n"
        "    - {check: headline jump, table: kpi_nps, until: 2026-01-31, reason: New survey.}\n"
    )
    bounds = thresholds.load(load_config(tmp_path).quality)
    assert bounds.of("headline jump") == {**thresholds.load().of("headline jump"), "z": 4}
    assert bounds.of("freshness")["days"]["deals"] == 2
    assert bounds.of("freshness")["days"]["leads"] == 7
    assert thresholds.load().of("freshness")["days"]["deals"] == 7
    assert bounds.reason("headline jump", "kpi_nps", date(2026, 1, 31)) is not None


@pytest.mark.parametrize(
    ("quality", "problem"),
    [
        ({"volumes": {}}, "unknown check 'volumes'"),
        ({"freshness": 3}, "has to be a mapping"),
        ({"headline jump": {"zz": 3}}, "unknown bound 'zz'"),
        ({"headline jump": {"z": "many"}}, "z has to be such as 6.0"),
        ({"headline jump": {"z": -1}}, "z has to be such as 6.0"),
        ({"headline jump": {"severity": "fatal"}}, "severity has to be error or warn"),
        ({"new values": {"columns": ["stage"]}}, "columns has to be such as"),
        ({"reasons": [{"check": "freshness"}]}, "each needs check, table, until and reason"),
        (
            {"reasons": [{"check": "x", "table": "t", "until": date(2026, 1, 1), "reason": "r"}]},
            "there is no check 'x'",
        ),
        (
            {"reasons": [{"check": "freshness", "table": "t", "until": "soon", "reason": "r"}]},
            "until has to be a day",
        ),
    ],
)
def test_overrides_that_mean_nothing_are_refused(quality: dict, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        thresholds.load(quality)

"""Apache Superset for real: `make test-superset`. Not part of `make test`: it installs 0.9 GB.

One server, started as `make superset` starts it, shows two releases one after the other.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import yaml
from playwright.sync_api import sync_playwright

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = REPOSITORY / "scripts" / "superset"
PYTHON = REPOSITORY / os.environ.get("SUPERSET_VENV", ".venv-superset") / "bin" / "python"
WAREHOUSE = Path(sys.executable).parent / "warehouse"
AS_OF = datetime(2026, 5, 4, 8, 30)
LATER = datetime(2026, 6, 15, 8, 30)
# The scripts belong to another environment: they are no part of the package.
sys.path.insert(0, str(SCRIPTS))

import bundle  # noqa: E402
from serve import Client, SupersetError, password_of  # noqa: E402

SPEC = yaml.safe_load(bundle.SPEC.read_text(encoding="utf-8"))
CHARTS = {chart["title"]: chart for section in SPEC["sections"] for chart in section["charts"]}


def warehouse(*arguments: object) -> None:
    ran = subprocess.run(
        [str(WAREHOUSE), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{arguments}\n{ran.stdout}\n{ran.stderr}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not PYTHON.exists():
        pytest.skip(f"Superset is not installed in {PYTHON.parents[1].name}: make test-superset")
    home, landing = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("landing")
    warehouse("sample", landing, "--deals", 250, "--seed", 7, "--as-of", LATER.isoformat())
    warehouse("refresh", landing, "--home", home, "--as-of", AS_OF.isoformat())
    return home


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[Client]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    call = [str(PYTHON), str(SCRIPTS / "serve.py"), "--home", str(home), "--port", str(port)]
    log = home / "serve.log"
    with log.open("wb") as output:
        server = subprocess.Popen(call, stdout=output, stderr=output)
    deadline = time.monotonic() + 400
    while "\nSuperset: " not in f"\n{log.read_text()}":
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(1)
    yield Client(f"http://127.0.0.1:{port}", password_of(home / "superset"))
    server.send_signal(signal.SIGINT)
    assert server.wait(timeout=60) == 0


def published(home: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(home / "published" / "current" / "sales_kpi.duckdb"), read_only=True)


def expected(home: Path, chart: dict) -> list[tuple]:
    """What a chart must show, asked of the published file directly."""
    name = chart["dataset"]
    source = f"({SPEC['datasets'][name]})" if name in SPEC["datasets"] else f"marts.{name}"
    has_axis = chart["kind"] in ("line", "bar", "stacked")
    axis = [chart.get("x", "period_start")] if has_axis else []
    columns = [*axis, *chart.get("by", []), *chart.get("columns", [])]
    conditions = [f"{column} = '{value}'" for column, value in chart.get("where", {}).items()]
    if axis == ["period_start"]:
        conditions.append("is_complete_period")
    metrics = list(chart.get("metrics", {}).values())
    sql = f"select {', '.join([*columns, *metrics])} from {source} as rows_of_it"
    if conditions:
        sql += f" where {' and '.join(conditions)}"
    if metrics and columns:
        sql += " group by all"
    with published(home) as connection:
        return sorted(map(comparable, connection.execute(sql).fetchall()))


def comparable(row: tuple) -> tuple:
    """Numbers with nine digits, days as days: what JSON and DuckDB write in their own ways."""

    def plain(value: object) -> str:
        if value is None or isinstance(value, str):
            return str(value)
        if hasattr(value, "isoformat"):
            return value.isoformat()[:10]
        return f"{float(value):.9g}"

    return tuple(map(plain, row))


def shown(client: Client, chart: dict) -> list[tuple]:
    rows = client.chart_data(client.charts()[chart["title"]])
    found = []
    for row in rows:
        values = dict(row)
        if values.get("period_start") is not None:
            values["period_start"] = datetime.fromtimestamp(values["period_start"] / 1000, UTC)
        found.append(comparable(tuple(values.values())))
    return sorted(found)


def test_every_chart_shows_the_figures_of_the_marts_before_and_after_a_publish(home, client):
    before = {title: shown(client, chart) for title, chart in CHARTS.items()}
    for title, chart in CHARTS.items():
        assert before[title], f"{title} is empty"
        assert before[title] == expected(home, chart), title
    assert client.sql("select as_of from marts.release")[0]["as_of"].startswith("2026-05-04")
    warehouse("refresh", "--home", home, "--as-of", LATER.isoformat())
    assert client.sql("select as_of from marts.release")[0]["as_of"].startswith("2026-06-15")
    changed = 0
    for title, chart in CHARTS.items():
        after = shown(client, chart)
        assert after == expected(home, chart), title
        changed += after != before[title]
    assert changed > len(CHARTS) / 2, "a release like the one before proves nothing"


@pytest.mark.parametrize(
    "query",
    [
        "create table marts.mine as select 1",
        "delete from marts.release",
        "select * from read_csv('/etc/passwd')",
        "attach '/tmp/other.duckdb'",
        "copy (select 1) to '/tmp/other.csv'",
        "set enable_external_access = true",
    ],
)
def test_nobody_writes_and_nobody_reads_another_file(client, query):
    with pytest.raises(SupersetError):
        client.sql(query)


def test_importing_again_changes_nothing(home, client):
    charts = client.charts()
    client.import_assets(bundle.write(home / "published" / "current" / "sales_kpi.duckdb"))
    assert client.charts() == charts
    assert set(charts) == set(CHARTS)


def test_the_dashboard_is_drawn_and_nothing_comes_from_elsewhere(home, client, tmp_path):
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("There is no Chromium on this machine.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1400, "height": 5000})
        page.set_default_timeout(60_000)
        asked: list[str] = []
        refused: dict[str, str | None] = {}
        page.on("request", lambda request: asked.append(request.url))
        page.on("requestfailed", lambda one: refused.update({one.url: one.failure}))
        page.goto(f"{client.url}/login/")
        page.fill("input#username", "admin")
        page.fill("input#password", password_of(home / "superset"))
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "login" not in url)
        page.goto(f"{client.url}/superset/dashboard/sales-kpis/")
        drawn = "[data-test='slice-container'] canvas, .superset-legacy-chart-big-number"
        drawn += ", [data-test='slice-container'] table"
        page.wait_for_function(
            "([drawn, wanted]) => document.querySelectorAll(drawn).length >= wanted",
            arg=[drawn, len(CHARTS)],
        )
        page.screenshot(path=tmp_path / "dashboard.png")
        assert page.locator("[role=alert]").count() == 0
        elsewhere = {url for url in asked if not url.startswith((client.url, "data:", "blob:"))}
        # Superset's counting pixel is refused by the page itself, not by a lack of network.
        assert {url: refused.get(url) for url in elsewhere} == dict.fromkeys(elsewhere, "csp")
        browser.close()

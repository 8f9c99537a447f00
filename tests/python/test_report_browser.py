"""The page in a real browser: as a release of the sample has it, and with texts that mean harm."""

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from math import isclose
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from marts_case import catalogue, months, release, win_rates, write_marts
from running import read, refresh
from warehouse import dbt_docs, report, sample

AS_OF = datetime(2026, 6, 15, 8, 30)
READY = "html[data-ready]"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HARMFUL = "<img src=x onerror=\"document.title='broken'\"></script>"
FORMULA = '=HYPERLINK("https://example.org","click")'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if found is None:
        pytest.skip("no browser here: install chromium to test the page (apt-get install chromium)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def published(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    landing = tmp_path_factory.mktemp("landing")
    sample.write(landing, deals=400, seed=5, as_of=AS_OF)
    return refresh(tmp_path_factory.mktemp("home"), landing, as_of=AS_OF)


@pytest.fixture(scope="module")
def page_file(published: Path) -> Path:
    return published.parent / "report" / "index.html"


class Opened:
    """A page from disk, what it said on the console and what it asked for."""

    def __init__(self, browser: Browser, file: Path, at: str = "", **options: object) -> None:
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.route("**/*", self._answer)
        self.page.goto(f"{file.as_uri()}{at}")
        self.page.wait_for_selector(READY)

    def _answer(self, route) -> None:
        self.asked.append(route.request.url)
        if route.request.url.startswith("file:"):
            route.continue_()
        else:
            route.abort()

    def __enter__(self) -> Page:
        return self.page

    def __exit__(self, *_: object) -> None:
        self.context.close()


@pytest.fixture(scope="module")
def page(browser: Browser, page_file: Path) -> Iterator[Page]:
    """One page for the tests that only look, or put back what they chose."""
    with Opened(browser, page_file, viewport={"width": 1280, "height": 900}) as opened:
        yield opened


@pytest.fixture
def fresh(page: Page) -> Page:
    page.click("#reset")
    return page


def drawn(page: Page, chart: str) -> str:
    return page.inner_html(f"#chart-{chart} .plot")


def context_of(page: Page, chart: str) -> str:
    return page.inner_text(f"#chart-{chart} .context")


def test_the_page_opens_from_disk_without_errors_or_outside_requests(browser, page_file):
    opened = Opened(browser, page_file)
    with opened as page:
        page.mouse.wheel(0, 5000)
        page.wait_for_timeout(200)
        assert opened.said == []
        assert opened.asked == [page_file.as_uri()]
        assert page.title() == "Sales KPIs as of 2026-06-15 08:30:00"


def test_the_page_is_small_and_quick(page, page_file):
    assert page_file.stat().st_size < 2_000_000
    # A loaded machine takes its time; usually it is half a second.
    assert page.evaluate("performance.now()") > 0
    milliseconds = page.evaluate(
        "() => performance.getEntriesByName('ready')[0]?.startTime ?? Infinity"
    )
    assert milliseconds < 5000


def test_every_card_of_the_sample_has_a_chart(page):
    cards = page.locator("#sections .card")
    empty = page.locator("#sections .card.empty h3").all_inner_texts()
    assert cards.count() > 40
    assert empty == []
    marks = page.evaluate(
        "[...document.querySelectorAll('#sections .card')].map(card => [card.id,"
        " card.querySelectorAll('.mark').length])"
    )
    assert [card for card, count in marks if not count] == []


@pytest.mark.parametrize("width", [1280, 390])
def test_no_text_of_a_chart_is_cut_off_or_leaves_the_page(browser, page_file, width):
    with Opened(browser, page_file, viewport={"width": width, "height": 844}) as page:
        page.locator("details.data summary").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        outside = page.evaluate(
            """() => [...document.querySelectorAll('svg.chart text')].filter(text => {
                const box = text.getBoundingClientRect();
                const chart = text.ownerSVGElement.getBoundingClientRect();
                return box.left < chart.left - 2 || box.right > chart.right + 2
                    || box.top < chart.top - 3 || box.bottom > chart.bottom + 3;
            }).map(text => text.closest('.card').id + ': ' + text.textContent)"""
        )
        assert outside == []


@pytest.mark.parametrize("choice", ["#grain=week", "#grain=quarter&dimension=owner"])
@pytest.mark.parametrize("width", [1440, 390])
def test_no_two_texts_of_a_chart_lie_on_each_other(browser, page_file, width, choice):
    with Opened(browser, page_file, choice, viewport={"width": width, "height": 900}) as page:
        overlapping = page.evaluate(
            """() => [...document.querySelectorAll('svg.chart')].flatMap(chart => {
                const boxes = [...chart.querySelectorAll('text:not([transform])')].map(
                    text => [text.firstChild?.textContent, text.getBoundingClientRect()]);
                return boxes.flatMap(([one, a], index) => boxes.slice(index + 1)
                    .filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 3
                        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 5)
                    .map(([other]) => `${chart.closest('.card').id}: ${one} | ${other}`));
            })"""
        )
        assert overlapping == []


def test_the_grain_changes_the_charts_and_where_it_cannot_the_card_says_so(fresh):
    by_month = drawn(fresh, "win-rate")
    fresh.check("input[name=grain][value=week]", force=True)
    assert drawn(fresh, "win-rate") != by_month
    assert re.search(r"· \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d$", context_of(fresh, "win-rate"))
    assert "By month: there are no figures by week" in fresh.inner_text("#chart-mrr .hints")
    fresh.check("input[name=grain][value=quarter]", force=True)
    assert "to 2026-Q2" in context_of(fresh, "win-rate")


def test_the_slice_changes_the_charts_and_where_it_cannot_the_card_says_so(fresh, published):
    total = drawn(fresh, "win-rate")
    fresh.select_option("#dimension", "source")
    fresh.select_option("#value", "partner")
    assert drawn(fresh, "win-rate") != total
    assert context_of(fresh, "win-rate").startswith("Source: partner")
    assert "no slice by source" in fresh.inner_text("#chart-mrr .hints")
    fresh.click("#chart-win-rate .data summary")
    with read(published) as connection:
        start, won = connection.execute(
            "select period_start, won_deals from marts.kpi_win_rate where period_grain = 'month' "
            "and dimension_value = 'partner' order by period_start desc limit 1"
        ).fetchone()
    cell = f"#chart-win-rate tr:has(th[data-value='{start}']) td[data-column=won_deals]"
    assert fresh.inner_text(cell) == str(won)
    fresh.click("#chart-win-rate .data summary")


def test_the_period_changes_the_charts_of_one_period(fresh):
    assert "2026-05" in context_of(fresh, "bridge")
    before = drawn(fresh, "bridge")
    fresh.select_option("#period", "2026-02-01")
    assert "2026-02" in context_of(fresh, "bridge")
    assert drawn(fresh, "bridge") != before


def test_deals_or_amounts_are_a_choice(fresh):
    amounts = drawn(fresh, "stages")
    fresh.click("#chart-stages .local button:has-text('Deals')")
    assert drawn(fresh, "stages") != amounts
    pressed = fresh.locator("#chart-bridge .local button[aria-pressed=true]").inner_text()
    assert pressed == "Deals"


def test_a_link_shows_what_was_chosen(browser, page_file, fresh):
    fresh.check("input[name=grain][value=quarter]", force=True)
    fresh.select_option("#dimension", "team")
    fresh.select_option("#period", "2026-01-01")
    fresh.click("#chart-stages .local button:has-text('Deals')")
    link = fresh.evaluate("location.hash")
    assert "grain=quarter" in link
    with Opened(browser, page_file, link, viewport={"width": 1280, "height": 900}) as page:
        assert page.is_checked("input[name=grain][value=quarter]")
        for control in ("#dimension", "#value", "#period", "#pipeline-name"):
            assert page.input_value(control) == fresh.input_value(control)
        for chart in ("win-rate", "stages", "bridge"):
            assert context_of(page, chart) == context_of(fresh, chart)


def test_the_page_answers_within_a_second(browser, page_file):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    protocol = context.new_cdp_session(page)
    # The time of the page's own thread: a busy machine does not count.
    protocol.send("Performance.enable", {"timeDomain": "threadTicks"})

    def seconds() -> float:
        page.wait_for_timeout(300)
        measured = protocol.send("Performance.getMetrics")["metrics"]
        return next(item["value"] for item in measured if item["name"] == "TaskDuration")

    page.goto(page_file.as_uri())
    page.wait_for_selector(READY)
    loaded = seconds()
    page.check("input[name=grain][value=quarter]", force=True)
    changed = seconds() - loaded
    context.close()
    assert 0.05 < loaded < 1
    assert 0.01 < changed < 1


def test_every_id_is_there_once(fresh):
    ids = fresh.eval_on_selector_all("[id]", "nodes => nodes.map((node) => node.id)")
    assert len(ids) > 50
    assert sorted(ids) == sorted(set(ids))


def test_the_navigation_goes_to_its_section_and_keeps_what_was_chosen(browser, page_file):
    chosen = "#grain=quarter&dimension=team"
    with Opened(browser, page_file, chosen, viewport={"width": 1280, "height": 900}) as page:
        page.emulate_media(reduced_motion="reduce")
        link, text = page.evaluate("location.hash"), context_of(page, "win-rate")
        assert "Team:" in text
        for name in ("pipeline", "customers", "scorecard", "headline"):
            page.click(f"nav a[href='#{name}']")
            page.wait_for_function(
                "name => Math.abs(document.querySelector(`section#${name}`)"
                ".getBoundingClientRect().top) < 250",
                arg=name,
            )
            assert page.evaluate("document.activeElement.id") == name
            assert page.evaluate("location.hash") == link
        assert context_of(page, "win-rate") == text
        # So does an address that somebody typed.
        page.evaluate("location.hash = '#market'")
        page.wait_for_function("document.activeElement.id === 'market'")
        assert context_of(page, "win-rate") == text


def test_a_link_to_what_is_not_there_shows_the_usual_page(browser, page_file):
    opened = Opened(browser, page_file, "#grain=decade&dimension=planet&value=mars&pipeline=none")
    with opened as page:
        assert page.is_checked("input[name=grain][value=month]")
        assert page.input_value("#dimension") == "all"
        assert opened.said == []


def as_cell(value: object) -> str:
    """A value of a mart as it stands in a cell of the page's tables, except broken numbers."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_tables_hold_the_rows_of_the_marts(fresh, published):
    fresh.evaluate("document.querySelectorAll('details.data').forEach(node => node.open = true)")
    fresh.wait_for_function(
        "[...document.querySelectorAll('details.data[open] .scroll')].every(box => box.firstChild)"
    )
    tables = fresh.evaluate(
        """() => [...document.querySelectorAll('#sections .card')].map(card => ({
            mart: card.dataset.mart,
            rows: [...card.querySelectorAll('tbody tr')].map(row => [...row.cells].map(
                cell => [cell.dataset.column, cell.dataset.value])),
        }))"""
    )
    fresh.evaluate("document.querySelectorAll('details.data').forEach(node => node.open = false)")
    compared = 0
    with read(published) as connection:
        for table in tables:
            name = table["mart"]
            assert table["rows"], f"the table of {name} is empty"
            columns = [column for column, _ in table["rows"][0]]
            listed = ", ".join(f'"{column}"' for column in columns)
            mart = connection.execute(f"select {listed} from marts.{name}").fetchall()
            broken = {
                number
                for row in mart
                for number, value in enumerate(row)
                if isinstance(value, (float, Decimal))
            }
            # What the mart says, by everything that is written exactly.
            expected: dict[tuple, list[tuple]] = {}
            for row in mart:
                exact = tuple(as_cell(v) for n, v in enumerate(row) if n not in broken)
                expected.setdefault(exact, []).append(tuple(row[n] for n in sorted(broken)))
            for row in table["rows"]:
                values = [value for _, value in row]
                exact = tuple(v for n, v in enumerate(values) if n not in broken)
                shown = [values[n] for n in sorted(broken)]
                assert any(
                    all(
                        cell == "" if value is None else isclose(float(cell), value, rel_tol=1e-9)
                        for cell, value in zip(shown, candidate, strict=True)
                    )
                    for candidate in expected.get(exact, ())
                ), f"{name} has no row {dict(row)}"
                compared += 1
    assert compared > 500


def test_numbers_in_tables_are_written_for_people(fresh, published):
    fresh.click("#chart-win-rate .data summary")
    row = "#chart-win-rate tr:has(th[data-value='2026-05-01'])"
    with read(published) as connection:
        rate, amount = connection.execute(
            "select win_rate, won_amount::double from marts.kpi_win_rate where dimension = 'all' "
            "and period_grain = 'month' and period_start = '2026-05-01'"
        ).fetchone()
    assert fresh.inner_text(f"{row} td[data-column=win_rate]") == f"{rate * 100:.1f} %"
    assert fresh.inner_text(f"{row} td[data-column=won_amount]") == f"{amount:,.2f}"
    fresh.click("#chart-win-rate .data summary")


def test_a_running_period_is_drawn_and_labelled_as_such(fresh):
    card = fresh.locator("#chart-win-rate")
    hatched = card.locator(".plot rect.mark[fill^='url(#hatch']")
    assert hatched.count() in (1, 2), "the won and the lost of the running month, no more"
    assert card.locator(".plot circle.partial").count() == 1
    assert card.locator(".plot line.partial[stroke-dasharray]").count() == 1
    assert "not over yet" in card.locator(".note").inner_text()
    card.locator(".data summary").click()
    assert card.locator("tr.partial th").get_attribute("data-value") == "2026-06-01"
    card.locator(".data summary").click()
    fresh.select_option("#period", "2026-06-01")
    assert "2026-06 (not over yet)" in context_of(fresh, "bridge")
    assert fresh.locator("#chart-bridge .plot .mark:not(.partial)").count() == 0


def test_tiles_compare_whole_periods_only(fresh, published):
    with read(published) as connection:
        value, change, start = connection.execute(
            "select value, change, period_start from marts.kpi_scorecard "
            "where kpi_id = 'kpi_win_rate' and dimension = 'all' and is_complete_period "
            "order by period_start desc limit 1"
        ).fetchone()
    tile = fresh.locator(".tile[data-kpi=kpi_win_rate]")
    assert str(start) == "2026-05-01"
    assert tile.locator(".period").inner_text() == "2026-05 against the month before"
    assert float(tile.locator(".value").inner_text().rstrip(" %")) == round(value * 100, 1)
    shown = tile.locator(".change").inner_text()
    assert shown[0] == ("▲" if change > 0 else "▼")
    assert f"{abs(change) * 100:.1f}".removesuffix(".0") in shown
    months_shown = fresh.locator("#scorecard-table tr[data-kpi=kpi_win_rate] td").nth(2)
    assert months_shown.inner_text() == "2026-05"


def test_the_keyboard_reaches_everything(browser, page_file):
    with Opened(browser, page_file) as page:
        reached = []
        for _ in range(60):
            page.keyboard.press("Tab")
            reached.append(
                page.evaluate(
                    "() => { const node = document.activeElement;"
                    " return node.id || node.name || node.getAttribute('class') || node.tagName }"
                )
            )
            if "meaning" in reached[-1] or reached.count("SUMMARY") > 1:
                break
        assert reached[0] == "skip"
        for wanted in ("grain", "period", "dimension", "pipeline-name", "reset", "theme", "chart"):
            assert wanted in reached, f"{wanted} cannot be reached by keyboard: {reached}"
        assert "SUMMARY" in reached
        page.focus("#chart-win-rate svg")
        page.keyboard.press("ArrowLeft")
        assert "not over yet" in page.inner_text(".tip")
        page.keyboard.press("ArrowLeft")
        assert page.inner_text(".tip").startswith("2026-05")
        page.keyboard.press("Escape")
        assert page.is_hidden(".tip")
        page.focus("input[name=grain]:checked")
        page.keyboard.press("ArrowRight")
        assert page.is_checked("input[name=grain][value=quarter]")


def test_everything_has_a_name_for_screen_readers(page):
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('svg.chart,select,button,nav,form,[role=region]')]
            .filter(node => !(node.getAttribute('aria-label') || node.textContent.trim()
                || node.closest('label')?.textContent.trim()))
            .map(node => node.outerHTML.slice(0, 80))"""
    )
    assert nameless == []
    assert page.locator("main").count() == 1
    assert page.locator("h1").count() == 1
    unlabelled = "section:not([aria-labelledby]), article:not([aria-labelledby])"
    assert page.locator(unlabelled).count() == 0
    assert page.locator("svg.chart:not([aria-label])").count() == 0


def test_a_kpi_explains_itself_on_one_click(page):
    page.click("#chart-win-rate .meaning summary")
    text = page.inner_text("#chart-win-rate .meaning")
    for wanted in ("Definition", "Read with care", "Not for", "marts.kpi_win_rate"):
        assert wanted in text


def background(page: Page) -> int:
    """How bright the page is: 0 black, 765 white."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in colour.strip("rgb()").split(",")[:3])


def test_dark_and_light_follow_the_system_until_the_reader_chooses(browser, page_file):
    with Opened(browser, page_file, color_scheme="dark") as page:
        assert background(page) < 200
        page.click("#theme")
        assert background(page) > 600
        assert "theme=light" in page.evaluate("location.hash")
    with Opened(browser, page_file, color_scheme="light") as page:
        assert background(page) > 600


def test_a_print_has_no_controls_and_light_paper(browser, page_file):
    with Opened(browser, page_file, "#theme=dark") as page:
        page.emulate_media(media="print")
        assert background(page) == 765
        assert page.is_hidden("#theme")
        assert page.is_hidden("nav")
        assert len(page.pdf(format="A4")) > 50_000


@pytest.fixture(scope="module")
def harmful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("harmful")
    slices = [("all", "all"), ("source", HARMFUL), ("source", FORMULA), ("owner", "7")]
    nothing = [dict.fromkeys(win_rates(months(1))[0])]
    file = write_marts(
        folder / "harmful.duckdb",
        release=release(),
        kpi_catalogue=[
            {**entry, "question": HARMFUL} for entry in catalogue("kpi_win_rate", "kpi_nps")
        ],
        kpi_win_rate=win_rates(months(4), slices, is_complete=False),
        kpi_nps=nothing,
        dim_user=[{"user_id": "7", "full_name": HARMFUL}],
    )
    return report.write(file, folder / "report")


def test_texts_of_the_data_stay_texts(browser, harmful):
    opened = Opened(browser, harmful, "#dimension=owner")
    with opened as page:
        assert page.locator("#value option").all_inner_texts() == [HARMFUL]
        assert context_of(page, "win-rate").startswith(f"Owner: {HARMFUL}")
        assert page.inner_text("#chart-win-rate .question") == HARMFUL
        assert page.title().startswith("Sales KPIs")
        assert page.locator("img").count() == 0
        assert opened.said == []


def test_a_csv_has_the_exact_rows_and_no_formulas(browser, harmful):
    with Opened(browser, harmful) as page:
        page.click("#chart-win-rate-by .data summary")
        with page.expect_download() as download:
            page.click("#chart-win-rate-by button:has-text('Download CSV')")
        assert download.value.suggested_filename == "kpi_win_rate.csv"
        text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["dimension_value"] for row in rows} == {HARMFUL, f"'{FORMULA}"}
    by_value = {row["dimension_value"]: row for row in rows}
    expected = win_rates(months(4), [("source", HARMFUL)])[2]
    assert by_value[HARMFUL]["period_start"] == str(expected["period_start"])
    # Its slice is the second of four, so one more deal was won.
    assert by_value[HARMFUL]["won_deals"] == str(expected["won_deals"] + 1)


def test_an_empty_section_says_why(browser, harmful):
    with Opened(browser, harmful) as page:
        assert page.inner_text("#chart-nps .plot") == (
            "No rows in kpi_nps: nothing was landed in nps_responses that counts by 2026-03-18."
        )
        assert page.inner_text("#chart-mrr .plot") == "kpi_mrr is not in this release."
        assert page.is_hidden("#chart-nps .data")


def test_a_chart_of_zeros_says_so_instead_of_drawing_nothing(browser, tmp_path):
    rows = [
        {
            **{name: row[name] for name in ("period_grain", "period_start", "is_complete_period")},
            **{"dimension": "all", "dimension_value": "all", "new_leads": 0, "new_deals": 0},
        }
        for row in win_rates(months(4))
    ]
    file = write_marts(
        tmp_path / "zeros.duckdb",
        release=release(),
        kpi_catalogue=catalogue("kpi_new_opportunities"),
        kpi_new_opportunities=rows,
    )
    with Opened(browser, report.write(file, tmp_path / "report")) as page:
        assert page.inner_text("#chart-new .plot") == (
            "Every figure here is 0 or missing. "
            "Nothing was landed in leads and deals that counts by 2026-03-18."
        )
        assert page.locator("#chart-new svg").count() == 0
        assert page.inner_text("#chart-new .data summary") == "Table (4 rows)"


@pytest.fixture(scope="module")
def docs_file(published: Path) -> Path:
    return published.parent / "docs" / "index.html"


def test_the_docs_describe_every_model_and_every_column(docs_file):
    text = docs_file.read_text(encoding="utf-8")
    start = text.index('{"metadata":{"dbt_schema_version"')
    project, _ = json.JSONDecoder().raw_decode(text[start:])
    assert dbt_docs.undescribed(project) == []
    described = [node for node in project["nodes"].values() if node["resource_type"] == "model"]
    assert len(described) > 100
    # Also where no file of its own says so: taken over from the landing contract.
    known = project["nodes"]["model.sales_kpi.int_deals_known"]["columns"]
    assert known["closed_at"]["description"]


def test_the_docs_open_from_disk_with_their_home_page_and_ask_for_nothing(browser, docs_file):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(docs_file.as_uri())
    page.wait_for_selector("h1:has-text('Sales KPIs')")
    assert "as_of" in page.inner_text("body")
    page.goto(f"{docs_file.as_uri()}#!/model/model.sales_kpi.kpi_win_rate")
    page.wait_for_selector("h1:has-text('kpi_win_rate')")
    assert "win_rate_low" in page.inner_text("body")
    context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []

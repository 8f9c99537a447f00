"""Metrics queried through MetricFlow are the figures of the marts, on other reporting choices too."""

import importlib.util
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from running import REPOSITORY, read, refresh
from warehouse import sample

AS_OF = datetime(2026, 6, 15, 8, 30)
# Days in another zone than UTC, and quarters that are not those of the calendar.
SETTINGS = {
    "reporting_timezone": "America/New_York",
    "fiscal_year_start_month": 2,
    "lead_response_target_minutes": 30,
}
MONTH, QUARTER = "metric_time__month", "metric_time__fiscal_quarter"
# Metric, its period, the attribute to slice by (dimension of the mart: name for MetricFlow), where
# the mart has the same figure.
CASES = [
    ("new_deals", MONTH, {"source": "deal__source"}, "kpi_new_opportunities", "new_deals"),
    ("new_deal_amount", QUARTER, {}, "kpi_new_opportunities", "new_deal_amount"),
    ("won_deals", QUARTER, {"owner": "owner"}, "kpi_win_rate", "won_deals"),
    ("lost_deals", MONTH, {"industry": "deal__industry"}, "kpi_win_rate", "lost_deals"),
    ("win_rate", MONTH, {"team": "deal__team"}, "kpi_win_rate", "win_rate"),
    ("won_amount", "metric_time__week", {}, "kpi_win_rate", "won_amount"),
    ("lost_amount", MONTH, {}, "kpi_win_rate", "lost_amount"),
    ("amount_win_rate", QUARTER, {"region": "deal__region"}, "kpi_win_rate", "amount_win_rate"),
    ("average_deal_size", MONTH, {"product": "product"}, "kpi_deal_size", "avg_amount"),
    ("average_days_to_close", MONTH, {"team": "deal__team"}, "kpi_days_to_close", "avg_days"),
    ("median_days_to_close", QUARTER, {}, "kpi_days_to_close", "median_days"),
    ("new_leads", MONTH, {"region": "lead__region"}, "kpi_new_opportunities", "new_leads"),
    ("leads_answered", MONTH, {"source": "lead__source"}, "kpi_lead_response_time", "responded"),
    ("leads_answered_in_time", MONTH, {}, "kpi_lead_response_time", "within_target"),
    ("average_response_minutes", MONTH, {}, "kpi_lead_response_time", "avg_minutes"),
    ("median_response_minutes", MONTH, {}, "kpi_lead_response_time", "median_minutes"),
    ("mqls", MONTH, {"source": "lead__source"}, "kpi_mql", "mqls"),
    ("mql_to_sql_rate", QUARTER, {"source": "lead__source"}, "kpi_mql", "mql_to_sql_rate"),
    ("outreaches", MONTH, {"team": "activity__team"}, "kpi_contact_volume", "touches"),
    ("people_contacted", MONTH, {}, "kpi_contact_volume", "unique_contacts"),
    ("replies", MONTH, {}, "kpi_meeting_acceptance", "replies"),
    ("meetings_set", MONTH, {"team": "activity__team"}, "kpi_meeting_acceptance", "meetings_set"),
    ("order_amount", MONTH, {"region": "location__region"}, "kpi_sales_by_location", "amount"),
    ("orders", QUARTER, {"channel": "order_line__channel"}, "kpi_sales_by_location", "orders"),
    ("units_sold", MONTH, {}, "kpi_sales_by_location", "units"),
    ("mrr", MONTH, {"segment": "account__segment"}, "kpi_mrr", "closing_mrr"),
    ("active_accounts", MONTH, {}, "kpi_mrr", "active_accounts"),
    ("new_mrr", MONTH, {}, "kpi_mrr", "new_mrr"),
    ("expansion_mrr", MONTH, {"region": "account__region"}, "kpi_mrr", "expansion_mrr"),
    ("contraction_mrr", MONTH, {}, "kpi_mrr", "contraction_mrr"),
    ("churned_mrr", MONTH, {}, "kpi_mrr", "churned_mrr"),
    ("reactivation_mrr", MONTH, {}, "kpi_mrr", "reactivation_mrr"),
    ("fx_mrr", MONTH, {}, "kpi_mrr", "fx_mrr"),
    ("new_customers", QUARTER, {}, "kpi_cac", "new_customers"),
    ("spend_amount", QUARTER, {}, "kpi_cac", "spend"),
    ("customer_acquisition_cost", QUARTER, {}, "kpi_cac", "cac"),
    ("nps", QUARTER, {}, "kpi_nps", "nps"),
]
GRAINS = {MONTH: "month", QUARTER: "quarter", "metric_time__week": "week"}
# The mart splits these by pipeline and stage: they are added up over all of them by hand.
BY_HAND = {
    "visits_begun": "select date_trunc('month', {entered}) as p, count(*) from {visits} group by 1",
    "visits_to_open_stages_ended": "select date_trunc('month', {exited}) as p, count(*) "
    "from {visits} where stage_outcome = 'open' and not is_current group by 1",
    "average_days_in_stage": "select date_trunc('month', {exited}) as p, avg(days_in_stage) "
    "from {visits} where stage_outcome = 'open' and not is_current group by 1",
    "activities": "select date_trunc('month', {occurred}) as p, count(*) "
    "from marts.fct_activities group by 1",
    "touches": "select date_trunc('month', {occurred}) as p, count(*) "
    "from marts.fct_activities where is_touch group by 1",
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("dbt_metricflow") is None:
        pytest.skip("MetricFlow is not installed: pip install -e '.[semantic]'")
    landing = tmp_path_factory.mktemp("landing")
    sample.write(landing, deals=250, seed=7, as_of=AS_OF)
    return refresh(tmp_path_factory.mktemp("home"), landing, as_of=AS_OF, settings=SETTINGS)


@pytest.fixture(scope="module")
def answers(published: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Rows per metric, sliced and not, from one process."""
    queries = [
        {"metrics": [metric], "group_by": [period, *by]}
        for metric, period, sliced, *_ in CASES
        for by in ([], list(sliced.values()))
    ]
    queries += [{"metrics": [metric], "group_by": [MONTH]} for metric in BY_HAND]
    queries += [{"metrics": ["mrr"], "group_by": ["metric_time__year"]}]
    script = REPOSITORY / "tests" / "python" / "metricflow_queries.py"
    home, target = published.parents[2], tmp_path_factory.mktemp("target")
    ran = subprocess.run(
        [sys.executable, str(script), str(home), str(target), json.dumps(SETTINGS)],
        input=json.dumps(queries),
        capture_output=True,
        text=True,
        check=False,
        cwd=target,
    )
    assert ran.returncode == 0, f"{ran.stdout[-3000:]}\n{ran.stderr[-6000:]}"
    found = json.loads(ran.stdout.splitlines()[-1])
    keys = [(tuple(query["metrics"]), tuple(query["group_by"])) for query in queries]
    return {"metrics": found["metrics"], **dict(zip(keys, found["answers"], strict=True))}


def figures(rows: list[dict], metric: str, period: str, by: str | None) -> dict[tuple, float]:
    """Period and slice to value; nothing and nought are the same here, as are null and unknown."""
    found = {}
    for row in rows:
        if row[period] is not None and row[metric]:
            value = (row[by] or "unknown") if by else "all"
            found[(row[period][:10], value)] = float(row[metric])
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_a_metric_is_the_figure_of_its_mart(case, answers, published):
    metric, period, sliced, mart, column = case
    for dimension, by in [("all", None), *sliced.items()]:
        rows = answers[((metric,), (period, *([by] if by else [])))]
        shown = figures(rows, metric, period, by)
        with read(published) as connection:
            expected = {
                (str(start), value): float(figure)
                for start, value, figure in connection.execute(
                    f"select period_start, dimension_value, {column} from marts.{mart} "
                    f"where period_grain = ? and dimension = ? and {column} <> 0",
                    [GRAINS[period], dimension],
                ).fetchall()
            }
        assert len(expected) > 2, "a mart without rows proves nothing"
        assert shown == pytest.approx(expected), f"{metric} by {dimension}"


@pytest.mark.parametrize("metric", BY_HAND)
def test_a_count_of_a_fact_is_that_of_the_fact(metric, answers, published):
    zone = SETTINGS["reporting_timezone"]
    local = {
        name: f"({name}_at at time zone 'UTC' at time zone '{zone}')::date"
        for name in ("entered", "exited", "occurred")
    }
    sql = BY_HAND[metric].format(visits="marts.fct_deal_stage_visits", **local)
    with read(published) as connection:
        expected = {
            (str(start)[:10], "all"): float(figure)
            for start, figure in connection.execute(sql).fetchall()
            if start is not None
        }
    assert len(expected) > 2
    assert figures(answers[((metric,), (MONTH,))], metric, MONTH, None) == pytest.approx(expected)


def test_recurring_revenue_of_a_year_is_that_of_its_last_month(answers, published):
    with read(published) as connection:
        expected = {
            (f"{year}-01-01", "all"): float(mrr)
            for year, mrr in connection.execute(
                "select year(period_start), arg_max(closing_mrr, period_start) "
                "from marts.kpi_mrr where dimension = 'all' group by 1"
            ).fetchall()
        }
    assert len(expected) > 1
    year = "metric_time__year"
    assert figures(answers[(("mrr",), (year,))], "mrr", year, None) == pytest.approx(expected)


def test_every_semantic_model_and_metric_is_described():
    described = 0
    for path in sorted((REPOSITORY / "models" / "marts" / "semantic").glob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for part in [*content["semantic_models"], *content.get("metrics", [])]:
            assert len(part["description"]) > 3, part["name"]
            assert all(measure["description"] for measure in part.get("measures", []))
            described += 1
    assert described > 20

"""The questions in analyses/ compile and have an answer on the sample."""

from datetime import datetime
from pathlib import Path

import pytest

from running import REPOSITORY, dbt, read, refresh
from warehouse import sample

AS_OF = datetime(2026, 6, 15)
QUESTIONS = sorted((REPOSITORY / "analyses").glob("*.sql"))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The directory of the compiled analyses and the published file of the default sample."""
    work = tmp_path_factory.mktemp("analyses")
    sample.write(work / "landing", deals=2000, seed=1, as_of=AS_OF)
    published = refresh(work / "home", work / "landing", as_of=AS_OF)
    dbt(
        work / "home",
        *("compile", "--select", "path:analyses", "--vars", f"{{as_of: '{AS_OF.isoformat()}'}}"),
    )
    return work / "home" / "dbt" / "compiled" / "sales_kpi" / "analyses", published


def test_there_are_questions_worth_keeping():
    assert len(QUESTIONS) >= 6


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.stem)
def test_a_question_has_an_answer(question, compiled):
    directory, published = compiled
    sql = (directory / question.name).read_text()
    with read(published) as connection:
        connection.execute("use sales_kpi.marts")
        rows = connection.execute(sql.replace('"warehouse".', "")).fetchall()
    assert rows, "no rows: the sample or the question is wrong"


def test_every_mart_has_rows_and_every_signal_occurs(compiled):
    signals = {
        ("kpi_quota_team", "quota_signal"): {"too_high", "ok", "too_low"},
        ("kpi_bdr_capacity", "capacity_signal"): {"spare", "matched", "overloaded"},
        ("kpi_ae_capacity", "capacity_signal"): {"spare", "matched", "overloaded"},
        ("kpi_magic_number", "magic_number_signal"): {"review_cac", "efficient", "invest_more"},
        ("kpi_employee_satisfaction", "is_suppressed"): {True, False},
        ("kpi_competitor_pricing", "is_price_match_candidate"): {True, False},
        ("kpi_scorecard", "status"): {"on_target", "off_target", "no_target"},
        ("fct_account_months", "movement"): {
            *("new", "reactivation", "churn", "expansion", "contraction", "none"),
        },
        ("fct_deal_stage_visits", "direction"): {
            *("won", "lost", "reopened", "forward", "back"),
        },
    }
    with read(compiled[1]) as connection:
        marts = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts'"
        ).fetchall()
        empty = [
            name
            for (name,) in marts
            if connection.execute(f'select count(*) from marts."{name}"').fetchone()[0] == 0
        ]
        assert empty == []
        missing = {}
        for (mart, column), values in signals.items():
            found = connection.execute(f"select distinct {column} from marts.{mart}").fetchall()
            if lacking := values - {value for (value,) in found}:
                missing[mart] = lacking
        assert missing == {}

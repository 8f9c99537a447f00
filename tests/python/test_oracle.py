"""The oracle itself is right: tiny companies whose figures are worked out by hand in the comments.

What the SQL publishes is compared with the oracle elsewhere; here nothing but the oracle runs.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

from edge_company import write_edge_company
from oracle import MARTS, Seeds, compare, compute, stats, world_of
from oracle.reading import read

AS_OF = datetime(2025, 1, 1)
STAGES = [
    {"pipeline": "p", "stage": stage, "position": position, "outcome": outcome}
    for stage, position, outcome in (
        *(("a", 1, "open"), ("b", 2, "open"), ("c", 2, "open")),
        *(("won", 8, "won"), ("lost", 9, "lost")),
    )
]


def landed(directory: Path, **tables: list[dict]) -> Path:
    """A landing directory with these rows as JSON lines."""
    directory.mkdir(parents=True, exist_ok=True)
    for table, rows in tables.items():
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (directory / f"{table}.jsonl").write_text(lines, encoding="utf-8")
    return directory


def marts_of(tmp_path: Path, *, as_of=AS_OF, settings=None, seeds=None, **tables) -> dict:
    """The marts of a company of these rows."""
    tables = {"pipeline_stages": STAGES} | tables
    return compute([landed(tmp_path / "landing", **tables)], as_of, settings, seeds)


def deal(deal_id: str, *moves: str, **values) -> tuple[dict, list[dict]]:
    """A deal and its history; a move reads `stage 2024-01-01`, the first one creates the deal."""
    entries = [move.split(" ", 1) for move in moves]
    row = {
        "deal_id": deal_id,
        "pipeline": "p",
        "stage": entries[-1][0],
        "created_at": entries[0][1],
        **values,
    }
    history = [
        {"change_id": f"{deal_id}-{n}", "deal_id": deal_id, "stage": stage, "changed_at": when}
        for n, (stage, when) in enumerate(entries)
    ]
    return row, history


def pipeline(*deals: tuple[dict, list[dict]]) -> dict:
    """The two tables of some deals."""
    return {
        "deals": [row for row, _ in deals],
        "deal_stage_history": [entry for _, history in deals for entry in history],
    }


def pick(rows: list[dict], **where) -> dict:
    """The only row with these values."""
    for column, value in where.items():
        rows = [row for row in rows if str(row[column]) == str(value)]
    assert len(rows) == 1, rows
    return rows[0]


TOTAL = {"dimension": "all", "dimension_value": "all"}


# --- arithmetic ----------------------------------------------------------------------------------


def test_percentiles_interpolate_linearly():
    # Ranks 0..3; 0.9 x 3 = 2.7, so 3 + 0.7 x (4 - 3).
    assert stats.p90([4, 1, 3, 2]) == Fraction("3.7")
    assert stats.median([1, 2, 3, 10]) == Fraction("2.5")
    assert stats.median([]) is None


def test_wilson_interval_of_three_in_four():
    # z^2 = 3.8416; base 1 + z^2/4 = 1.9604; centre 0.75 + z^2/8 = 1.2302;
    # reach 1.96 x sqrt(0.1875/4 + z^2/64) = 1.96 x sqrt(0.1069) = 0.640833.
    low, high = stats.wilson(3, 4)
    assert low == pytest.approx((1.2302 - 0.640833) / 1.9604, abs=1e-6)
    assert high == pytest.approx((1.2302 + 0.640833) / 1.9604, abs=1e-6)
    assert stats.wilson(0, 0) == (None, None)


def test_kaplan_meier_median_counts_the_censored_as_at_risk_at_their_own_time():
    days = [Fraction(n) for n in range(5)]
    # Ends at 1, 3, 4, censored at 2: S(1) = 3/4, S(3) = 3/4 x 1/2 = 3/8.
    open_at_2 = [(days[1], True), (days[2], False), (days[3], True), (days[4], True)]
    assert stats.kaplan_meier_median(open_at_2) == 3
    # Two ends of four at 1, the others stay: S(1) = 1/2 exactly is enough.
    at_1 = [(days[1], True), (days[1], True), (days[4], False), (days[4], False)]
    assert stats.kaplan_meier_median(at_1) == 1
    # Censored at 1 and still at risk there: S(1) = 3/4, not 1/2, so the median is 4.
    censored_at_1 = [(days[1], True), (days[1], False), (days[1], False), (days[4], True)]
    assert stats.kaplan_meier_median(censored_at_1) == 4
    # One end of three: S never falls to a half.
    assert stats.kaplan_meier_median([(days[1], True), *[(days[2], False)] * 2]) is None


def test_quantiles_of_students_t_are_those_of_the_tables():
    published = {1: 12.706205, 2: 4.302653, 10: 2.228139, 30: 2.042272, 100: 1.983972}
    assert {df: Seeds().t_975(df) for df in published} == published
    assert Seeds().t_975(201) == 1.96


# --- landing -------------------------------------------------------------------------------------


def test_an_older_version_never_wins_and_a_missing_column_keeps_its_value(tmp_path):
    first = landed(
        tmp_path / "1",
        accounts=[
            {"account_id": "1", "name": "old", "industry": "x", "updated_at": "2024-05-01"},
            {"account_id": "2", "name": "kept", "industry": "y", "updated_at": "2024-05-01"},
            {"account_id": "3", "name": "tie", "updated_at": "2024-05-01"},
        ],
    )
    second = landed(
        tmp_path / "2",
        accounts=[
            {"account_id": "1", "name": "new", "updated_at": "2024-05-02"},
            {"account_id": "2", "name": "stale", "updated_at": None},
            {"account_id": "3", "name": "later load", "updated_at": "2024-05-01"},
        ],
    )
    rows = {row.account_id: row for row in read([first, second]).accounts}
    assert [(row.name, row.industry) for row in rows.values()] == [
        ("new", "x"),
        ("kept", "y"),
        ("later load", None),
    ]


def test_a_full_export_takes_away_what_it_lacks_from_its_own_tables_alone(tmp_path):
    products = [{"product_id": "1", "name": "a"}, {"product_id": "2", "name": "b"}]
    locations = [{"location_id": "1"}]
    first = landed(tmp_path / "1", products=products, locations=locations)
    second = landed(tmp_path / "2", products=products[1:])
    landing = read([first, second], full_export=True)
    assert [row.product_id for row in landing.products] == ["2"]
    assert [row.location_id for row in landing.locations] == ["1"]


def test_values_are_read_in_every_spelling(tmp_path):
    (tmp_path / "nps_responses.csv").write_bytes(
        b"\xef\xbb\xbfscore,sent_at,response_id,responded_at\r\n"
        b" 9.0 ,2024-03-01 00:30+02:00,007,2024-03-01T00:00:00.5-05:30\r\n"
        b"11,2024-03-01,8,2024-03-02\r\n\r\n"
    )
    landing = read([tmp_path])
    (row,) = landing.nps_responses
    assert (row.response_id, row.score) == ("007", 9)
    assert row.sent_at == datetime(2024, 2, 29, 22, 30)
    assert row.responded_at == datetime(2024, 3, 1, 5, 30, 0, 500_000)
    assert [table for table, _, _ in landing.rejects] == ["nps_responses"]  # a score of 11


# --- pipeline ------------------------------------------------------------------------------------


def test_time_in_a_stage_adds_up_over_re_entries(tmp_path):
    # a: 10 days, then 20; b: 10 days, then 3.
    tables = pipeline(
        deal("d", "a 2024-01-01", "b 2024-01-11", "a 2024-01-21", "b 2024-02-10", "won 2024-02-13")
    )
    marts = marts_of(tmp_path, **tables)
    quarter = [r for r in marts["kpi_time_in_stage"] if r["period_grain"] == "quarter"]
    first = pick(quarter, stage="a", **TOTAL)
    assert (first["visits"], first["deals"], first["avg_days"]) == (2, 1, 15)
    assert first["avg_days_per_deal"] == 30
    second = pick(quarter, stage="b", **TOTAL)
    assert (second["visits"], second["avg_days"], second["avg_days_per_deal"]) == (2, 6.5, 13)
    assert [r["direction"] for r in marts["fct_deal_stage_visits"]] == [
        *("forward", "back", "forward", "won"),
        None,
    ]


def test_repeated_stages_are_no_moves_and_equal_positions_are_lateral(tmp_path):
    tables = pipeline(deal("d", "b 2024-01-01", "b 2024-01-05", "c 2024-01-11", "x 2024-01-11"))
    visits = marts_of(tmp_path, **tables)["fct_deal_stage_visits"]
    assert [(r["stage"], r["direction"], r["days_in_stage"]) for r in visits] == [
        ("b", "lateral", 10),
        ("c", "lateral", 0),  # two moves at one instant; `x` is unlisted, open, without position
        ("x", None, None),
    ]
    assert visits[-1]["days_so_far"] == 356  # 11 January to 1 January 2025, a leap year


def test_a_reopened_deal_closes_when_it_last_closed(tmp_path):
    moves = ("a 2024-01-01", "won 2024-01-11", "a 2024-01-11T06:00")
    tables = pipeline(
        deal("a day", *moves, "won 2024-01-12", closed_at="2024-01-11"),
        deal("longer", *moves, "won 2024-01-12T00:00:01", closed_at="2024-01-11"),
        deal("won to lost", "a 2024-01-01", "won 2024-01-11", "lost 2024-03-01", closed_at=None),
        deal("never left", "a 2024-01-01", "won 2024-03-01", closed_at="2024-01-11"),
    )
    closed = {r["deal_id"]: r for r in marts_of(tmp_path, **tables)["fct_deals"]}
    assert closed["a day"]["closed_at"] == datetime(2024, 1, 11)
    assert closed["longer"]["closed_at"] == datetime(2024, 1, 12, 0, 0, 1)
    assert (closed["won to lost"]["outcome"], closed["won to lost"]["reopened_count"]) == (
        "lost",
        0,
    )
    assert closed["won to lost"]["closed_at"] == datetime(2024, 3, 1)
    assert closed["never left"]["days_to_close"] == 10


def test_the_bridge_follows_a_deal_in_and_out(tmp_path):
    tables = pipeline(
        deal("d", "a 2024-01-05", "won 2024-02-05", "a 2024-02-10", "lost 2024-03-05", amount=10),
        deal("begins closed", "won 2023-12-20", "a 2024-03-10", amount=1),
    )
    rows = [
        r
        for r in marts_of(tmp_path, **tables)["kpi_pipeline_bridge"]
        if r["period_grain"] == "month" and r["dimension"] == "all"
    ]
    kinds = ("opening", "created", "reopened", "won", "lost", "closing")
    assert [tuple(r[f"{kind}_deals"] for kind in kinds) for r in rows[:5]] == [
        (0, 0, 0, 0, 0, 0),  # the pipeline's first visit, though not to an open stage
        (0, 1, 0, 0, 0, 1),
        (1, 0, 1, 1, 0, 1),
        (1, 1, 0, 0, 1, 1),
        (1, 0, 0, 0, 0, 1),
    ]
    assert [r["closing_amount"] for r in rows[:5]] == [0, 10, 10, 1, 1]
    assert len(rows) == 14  # dense to January 2025, the month of as_of


def test_a_period_ends_before_its_end_instant(tmp_path):
    tables = pipeline(deal("d", "a 2024-01-05", "b 2024-02-01", "won 2024-02-20"))
    rows = marts_of(tmp_path, **tables)["kpi_deals_by_stage"]
    january = pick(rows, period_grain="month", period_start="2024-01-01", stage="a", **TOTAL)
    february = pick(rows, period_grain="month", period_start="2024-02-01", stage="a", **TOTAL)
    assert (january["open_deals"], january["entered"], january["exited"]) == (1, 1, 0)
    assert (february["open_deals"], february["entered"], february["exited"]) == (0, 0, 1)
    assert (february["moved_forward"], february["advance_rate"]) == (1, 1)


def test_periods_are_those_of_the_reporting_time_zone(tmp_path):
    # 23:30 UTC on New Year's Eve is half past midnight in Vienna. Fiscal quarters from February:
    # January belongs to the one that began in November, of the year that ends in January 2024.
    tables = pipeline(deal("d", "a 2023-11-30", "won 2023-12-31T23:30:00Z"))
    settings = {"reporting_timezone": "Europe/Vienna", "fiscal_year_start_month": 2}
    marts = marts_of(tmp_path, settings=settings, **tables)
    won = [r for r in marts["kpi_win_rate"] if r["dimension"] == "all"]
    assert [(r["period_grain"], r["period_start"]) for r in won] == [
        ("week", date(2024, 1, 1)),
        ("month", date(2024, 1, 1)),
        ("quarter", date(2023, 11, 1)),
    ]
    day = pick(marts["dim_date"], date_day="2024-01-31")
    assert (day["fiscal_year"], day["fiscal_quarter"]) == (2024, 4)
    day = pick(marts["dim_date"], date_day="2024-02-01")
    assert (day["fiscal_year"], day["fiscal_quarter"]) == (2025, 1)


def test_half_a_year_of_customers_decides_the_early_churn(tmp_path):
    # Bought on 1 March; day 182 is 30 August, day 183 the 31st.
    names = {"on the day": "2024-08-30", "a day later": "2024-08-31", "stays": None}
    tables = pipeline(
        *(deal(name, "a 2024-02-01", "won 2024-03-01", account_id=name) for name in names)
    )
    marts = marts_of(
        tmp_path,
        accounts=[{"account_id": name} for name in names],
        subscriptions=[
            {
                "subscription_id": name,
                "account_id": name,
                "mrr": 1,
                "started_on": "2024-03-01",
                "ended_on": ended,
            }
            for name, ended in names.items()
        ],
        **tables,
    )
    row = pick(marts["kpi_sales_cycle"], period_grain="month", **TOTAL)
    assert (row["won_deals"], row["avg_cycle_days"]) == (3, 29)
    assert (row["matured_customers"], row["churned_within_6_months"]) == (3, 1)


def test_money_takes_the_rate_of_the_events_date_and_never_one_to_one(tmp_path):
    won = ("a 2024-01-01", "won 2024-03-01")
    tables = pipeline(
        deal("eur", *won, amount=100, currency="EUR"),
        deal("early", "a 2024-01-01", "won 2024-01-15", amount=100, currency="EUR"),
        deal("open", "a 2024-02-15", amount=100, currency="EUR"),
        deal("none", *won, amount=7),
    )
    rates = [
        {"currency": "EUR", "rate_on": "2024-02-01", "rate": 2},
        {"currency": "EUR", "rate_on": "2024-03-01", "rate": 3},
    ]
    facts = marts_of(tmp_path, fx_rates=rates, **tables)["fct_deals"]
    # Closed on 1 March at 3; no rate before February; still open: the rate of 15 February.
    assert {r["deal_id"]: r["amount"] for r in facts} == {
        **{"eur": 300, "early": None, "open": 200, "none": 7}
    }
    assert {r["deal_id"]: r["size_band"] for r in facts}["early"] == "unknown"


def test_what_the_history_does_not_say_is_not_made_up(tmp_path):
    created = {"pipeline": "p", "created_at": "2024-01-01"}
    tables = pipeline(
        deal("later", "a 2025-02-01"),
        # The smaller change_id comes first at one instant: `z-1` is before `z-2`.
        deal("z", "a 2024-01-01", "lost 2024-02-01", "b 2024-02-01"),
    )
    tables["deals"][0]["created_at"] = "2024-01-01"
    tables["deals"] += [
        {"deal_id": "open", "stage": "a", "closed_at": "2024-02-01", **created},
        {"deal_id": "won", "stage": "won", "closed_at": "2024-02-01", **created},
        {"deal_id": "won?", "stage": "won", **created},
        {"deal_id": "won later", "stage": "won", "closed_at": "2025-02-01", **created},
        {"deal_id": "deleted", "stage": "a", "is_deleted": "T", **created},
        {"deal_id": "at once", "stage": "won", "closed_at": "2024-01-01", **created},
        {"deal_id": "backwards", "stage": "won", "closed_at": "2023-12-31", **created},
    ]
    tables["deal_stage_history"].reverse()
    marts = marts_of(tmp_path, **tables)
    facts = {r["deal_id"]: (r["stage"], r["outcome"], r["closed_at"]) for r in marts["fct_deals"]}
    closed_at, nowhere = datetime(2024, 2, 1), (None, None, None)
    assert facts == {
        "later": nowhere,
        "z": ("b", "open", None),
        "open": ("a", "open", None),
        "won": ("won", "won", closed_at),
        "won?": nowhere,
        "won later": nowhere,
        "at once": ("won", "won", datetime(2024, 1, 1)),
        "backwards": ("won", "won", datetime(2023, 12, 31)),
    }
    assert {r["deal_id"]: r["days_to_close"] for r in marts["fct_deals"] if r["closed_at"]} == {
        **{"won": 31, "at once": 0, "backwards": None}
    }
    created_deals = pick(marts["kpi_new_opportunities"], period_grain="month", **TOTAL)
    assert created_deals["new_deals"] == 8


def test_size_bands_include_their_lower_bound():
    bands = {amount: Seeds().size_band(amount) for amount in (-1, 0, 9_999, 10_000, 250_000, None)}
    assert list(bands.values()) == ["small", "small", "small", "medium", "enterprise", "unknown"]


# --- prospecting ---------------------------------------------------------------------------------


def activity(n: object, kind: str, when: str, **values) -> dict:
    """An outbound activity."""
    return {
        "activity_id": f"x{n}",
        "activity_type": kind,
        "direction": "outbound",
        "occurred_at": when,
        **values,
    }


def test_an_appointment_counts_in_a_slice_from_that_slices_first_outreach(tmp_path):
    rows = [
        activity(1, "email", "2024-03-04", user_id="u", contact_id="p"),
        activity(2, "call", "2024-03-08", user_id="v", contact_id="p"),
        # Booked on the 6th by somebody else: after u's outreach, before v's.
        activity(
            *(3, "meeting", "2024-03-20"), created_at="2024-03-06", user_id="w", contact_id="p"
        ),
        # Of another month: not in March.
        activity(4, "email", "2024-03-04", user_id="u", contact_id="q"),
        activity(5, "meeting", "2024-04-02", user_id="u", contact_id="q"),
    ]
    march = [
        r
        for r in marts_of(tmp_path, activities=rows)["kpi_appointment_rate"]
        if r["period_grain"] == "month"
    ]
    found = {
        (r["dimension"], r["dimension_value"]): (r["contacted"], r["with_appointment"])
        for r in march
    }
    assert found[("all", "all")] == (2, 1)
    assert found[("owner", "u")] == (2, 1)
    assert found[("owner", "v")] == (1, 0)
    assert found[("channel", "call")] == (1, 0)
    assert found[("source", "unknown")] == (2, 1)


def test_suggested_contacts_are_the_mean_of_the_better_weeks(tmp_path):
    # Four active weeks with 2, 4, 6, 8 people and 0, 1, 1, 3 meetings: the median is 1, so the
    # successful weeks are the last three, and the fifth week is told (4 + 6 + 8) / 3 = 6.
    monday, rows = datetime(2024, 3, 4), []
    for week, (people, meetings) in enumerate(((2, 0), (4, 1), (6, 1), (8, 3), (1, 0))):
        day = (monday + timedelta(days=7 * week)).isoformat()
        for n in range(people):
            for kind in ("email", "call"):
                rows.append(activity(len(rows), kind, day, user_id="u", contact_id=f"{n}"))
        rows += [
            activity(f"m{week}{n}", "meeting", day, user_id="u", contact_id="0")
            for n in range(meetings)
        ]
    # A week more than 26 weeks later knows the last of them no more.
    rows.append(activity("late", "call", "2024-09-30", user_id="u", contact_id="0"))
    weeks = [
        r
        for r in marts_of(tmp_path, activities=rows)["kpi_contact_volume"]
        if (r["period_grain"], r["dimension"]) == ("week", "owner")
    ]
    assert [r["unique_contacts"] for r in weeks] == [2, 4, 6, 8, 1, 1]
    assert [r["touches"] for r in weeks] == [4, 8, 12, 16, 2, 1]
    # 30 September looks back to 1 April alone: one active week.
    assert [r["suggested_weekly_contacts"] for r in weeks] == [None, None, None, None, 6, None]


def test_five_minutes_are_in_time_and_the_young_are_not_due(tmp_path):
    created = "2024-12-31T10:00"
    leads = [
        {"lead_id": "on time", "created_at": created},
        {"lead_id": "late", "created_at": created},
        {"lead_id": "touched before", "created_at": created},
        {"lead_id": "due", "created_at": "2024-12-31T23:55:00"},
        {"lead_id": "young", "created_at": "2024-12-31T23:55:01"},
    ]
    rows = [
        activity(1, "call", "2024-12-31T10:05", lead_id="on time"),
        activity(2, "call", "2024-12-31T10:05:30", lead_id="late"),
        activity(3, "call", "2024-12-31T09:00", lead_id="touched before"),
        activity(4, "meeting", "2024-12-31T10:01", lead_id="touched before"),  # no outreach
    ]
    mart = marts_of(tmp_path, leads=leads, activities=rows)["kpi_lead_response_time"]
    row = pick(mart, period_grain="month", **TOTAL)
    assert (row["leads"], row["responded"], row["within_target"], row["leads_due"]) == (5, 2, 1, 4)
    assert (row["avg_minutes"], row["within_target_rate"]) == (5.25, 0.25)


def test_hazard_counts_the_touches_before_the_acquisition(tmp_path):
    tables = pipeline(deal("d", "a 2024-01-01", "won 2024-03-01", closed_at="2024-03-01"))
    leads = [
        {"lead_id": "won", "created_at": "2024-01-01", "converted_deal_id": "d"},
        {"lead_id": "not", "created_at": "2024-01-01"},
    ]
    rows = [activity(n, "email", f"2024-02-{n:02}", lead_id="won") for n in (1, 2)]
    rows.append(activity(9, "email", "2024-03-01", lead_id="won"))  # at the instant: not before
    rows += [activity(20 + n, "email", f"2024-02-{n:02}", lead_id="not") for n in (1, 2, 3)]
    mart = marts_of(tmp_path, leads=leads, activities=rows, **tables)["kpi_acquisition_by_touches"]
    found = [
        (r["touch_number"], r["leads_reached"], r["acquired_here"])
        for r in mart
        if r["dimension"] == "all"
    ]
    assert found == [(1, 2, 0), (2, 2, 1), (3, 1, 0)]


def test_replies_count_per_lead_from_the_first_outreach_on(tmp_path):
    inbound = {"direction": "inbound"}
    rows = [activity(f"o{lead}", "email", "2024-03-05", lead_id=lead) for lead in "abcd"]
    rows += [
        activity(1, "email", "2024-03-05", lead_id="a", reply_sentiment="positive", **inbound),
        activity(2, "call", "2024-03-06", lead_id="a", reply_sentiment="negative", **inbound),
        activity(3, "email", "2024-03-04", lead_id="b", reply_sentiment="positive", **inbound),
        activity(4, "email", "2024-03-07", lead_id="c", **inbound),
        activity(5, "email", "2024-04-01", lead_id="d", reply_sentiment="positive", **inbound),
    ]
    leads = [{"lead_id": lead, "created_at": "2024-03-01"} for lead in "abcd"]
    mart = marts_of(tmp_path, leads=leads, activities=rows)["kpi_reply_rate"]
    row = pick(mart, period_grain="month", **TOTAL)
    # a positive, b before the outreach, c without a mood is not positive, d a month later.
    names = ("contacted_leads", "positive_leads", "negative_leads", "no_reply_leads")
    assert tuple(row[name] for name in names) == (4, 1, 1, 2)


def test_capacity_counts_business_days_of_employment(tmp_path):
    # June 2024 begins on a Saturday: 20 weekdays, one of them a holiday.
    users = [
        {"user_id": "whole", "role": "bdr", "team": "t", "max_daily_leads": 2},
        {"user_id": "weekend", "role": "bdr", "hired_on": "2024-06-01", "left_on": "2024-06-02"},
        {
            **{"user_id": "two days", "role": "bdr", "team": "t", "max_daily_leads": 5},
            **{"hired_on": "2024-06-06", "left_on": "2024-06-09"},  # Thursday to Sunday
        },
        {"user_id": "later", "role": "bdr", "hired_on": "2025-02-01", "max_daily_leads": 9},
        {
            **{"user_id": "last day", "role": "bdr", "team": "friday", "max_daily_leads": 1},
            **{"hired_on": "2024-06-28", "left_on": "2024-06-28"},
        },
    ]
    leads = [
        {
            "lead_id": str(n),
            "owner_id": "whole",
            "created_at": "2024-06-03",
            "became_mql_at": "2024-06-04",
        }
        for n in range(43)
    ]
    seeds = Seeds(holidays=frozenset({date(2024, 6, 20)}))
    mart = marts_of(tmp_path, users=users, leads=leads, seeds=seeds)["kpi_bdr_capacity"]
    june = pick(mart, period_start="2024-06-01", dimension="team", dimension_value="t")
    assert (june["reps"], june["capacity"], june["mqls"]) == (2, 19 * 2 + 2 * 5, 43)
    assert june["capacity_signal"] == "spare"  # 43 / 48 = 0.896
    friday = pick(mart, period_start="2024-06-01", dimension="team", dimension_value="friday")
    assert (friday["reps"], friday["capacity"], friday["utilisation"]) == (1, 1, 0)
    july = pick(mart, period_start="2024-07-01", **TOTAL)
    assert (july["reps"], july["capacity"], july["capacity_signal"]) == (1, 46, "spare")


def test_the_account_and_the_person_of_an_activity(tmp_path):
    accounts = [{"account_id": each} for each in ("own", "deal's", "contact's", "lead's")]
    tables = pipeline(
        deal("d", "a 2024-01-01", account_id="deal's", source="the deal's"),
        deal("unlisted", "a 2024-01-01", account_id="nowhere"),
        deal("deleted", "a 2024-01-01", account_id="deal's", is_deleted=True),
        deal("later", "a 2025-02-01", account_id="deal's"),
    )
    leads = [
        {
            **{"lead_id": "l", "created_at": "2024-01-01", "converted_account_id": "lead's"},
            **{"converted_contact_id": "c", "converted_at": "2025-02-01"},
        },
        {"lead_id": "later", "created_at": "2025-02-01", "converted_contact_id": "c"},
    ]
    contacts = [
        {"contact_id": "c", "account_id": "contact's"},
        {"contact_id": "later", "account_id": "contact's", "created_at": "2025-02-01"},
    ]
    cases = {
        # what the activity names: (its account, its person, its source)
        ("account_id:own", "deal_id:d"): ("own", None, "the deal's"),
        ("account_id:nowhere", "deal_id:d"): ("nowhere", None, "the deal's"),
        ("deal_id:unlisted", "contact_id:c"): ("nowhere", "c", None),
        ("deal_id:deleted", "contact_id:c"): ("contact's", "c", None),
        ("deal_id:later", "contact_id:c"): ("contact's", "c", None),
        ("contact_id:later", "lead_id:l"): ("lead's", "later", None),
        ("lead_id:l", "deal_id:d"): ("deal's", "c", "the deal's"),
        ("lead_id:later",): (None, "lead:later", None),
        ("lead_id:nowhere",): (None, "lead:nowhere", None),
    }
    rows = [
        activity(n, "call", "2024-03-05", **dict(each.split(":") for each in names))
        for n, names in enumerate(cases)
    ]
    tables |= {"accounts": accounts, "leads": leads, "contacts": contacts, "activities": rows}
    world = world_of([landed(tmp_path, **tables)], AS_OF)
    found = [(each.account_id, each.person, each.slices["source"]) for each in world.activities]
    assert found == list(cases.values())


def test_what_is_a_touch_a_reply_and_a_meeting_set(tmp_path):
    calls = [
        activity(direction, "call", "2024-03-05", direction=direction)
        for direction in ("outbound", "inbound", None)
    ]
    statuses = ("scheduled", "accepted", "held", None, "declined", "no_show", "cancelled")
    meetings = [
        activity(status, "meeting", "2024-03-05", direction="inbound", meeting_status=status)
        for status in statuses
    ]
    meetings.append(activity("bare", "video_meeting", "2024-03-05", direction=None))
    meetings.append(activity("booked", "meeting", "2025-03-05", created_at="2024-12-31"))
    unknown = activity("later", "call", "2024-03-05", created_at="2025-01-02")
    marts = marts_of(tmp_path, activities=[*calls, *meetings, unknown])
    kinds = {
        r["activity_id"][1:]: (r["is_touch"], r["is_reply"], r["is_meeting_set"])
        for r in marts["fct_activities"]
    }
    assert kinds == {
        **{"outbound": (True, False, False), "inbound": (False, True, False)},
        **{"None": (True, False, True), "bare": (True, False, True)},
        **{status: (True, False, True) for status in ("scheduled", "accepted", "held")},
        **{status: (False, False, True) for status in ("declined", "no_show", "cancelled")},
        "booked": (False, False, True),
    }
    month = pick(
        marts["kpi_meeting_acceptance"],
        **{"period_grain": "month", "period_start": "2024-03-01"},
        **TOTAL,
    )
    assert (month["meetings_set"], month["replies"], month["held"]) == (8, 1, 1)


def test_a_lead_belongs_to_whoever_touched_it_first(tmp_path):
    users = [
        {"user_id": "toucher", "role": "bdr", "team": "theirs"},
        {"user_id": "owner", "role": "bdr", "team": "ours"},
    ]
    leads = [{"lead_id": "l", "created_at": "2024-03-05", "owner_id": "owner"}]
    rows = [
        activity(1, "chat", "2024-02-05", lead_id="l", user_id="toucher"),  # before it was there
        activity(2, "call", "2024-03-06", lead_id="l", user_id="owner"),
    ]
    marts = marts_of(tmp_path, users=users, leads=leads, activities=rows)
    months = [r for r in marts["kpi_acquisition_rate"] if r["period_grain"] == "month"]
    assert {r["period_start"] for r in months} == {date(2024, 2, 1)}
    slices = {r["dimension"]: r["dimension_value"] for r in months}
    assert (slices["owner"], slices["team"], slices["channel"]) == ("toucher", "theirs", "chat")
    (fact,) = marts["fct_leads"]
    assert (fact["first_touch_type"], fact["response_minutes"]) == ("chat", 1440)


def test_outreach_to_nobody_and_to_unlisted_leads(tmp_path):
    rows = [
        activity(1, "email", "2024-03-05", user_id="u"),
        activity(2, "email", "2024-03-05", user_id="u", lead_id="nowhere"),
        # Booked at the instant of the outreach: at or after.
        activity(3, "meeting", "2024-03-09", created_at="2024-03-05", lead_id="nowhere"),
        activity(4, "meeting", "2024-03-09", created_at="2024-03-05"),
    ]
    marts = marts_of(tmp_path, activities=rows)
    volume = pick(marts["kpi_contact_volume"], period_grain="month", **TOTAL)
    assert (volume["touches"], volume["unique_contacts"]) == (2, 1)
    rate = pick(marts["kpi_appointment_rate"], period_grain="month", **TOTAL)
    assert (rate["contacted"], rate["with_appointment"]) == (1, 1)
    assert marts["kpi_reply_rate"] == []


def test_quotas_of_one_period_add_up_and_a_quota_of_nothing_is_not_reached(tmp_path):
    def quota(user_id, start, target):
        return {
            **{"user_id": user_id, "metric": "new_deals", "period_grain": "month"},
            **{"period_start": start, "target": target},
        }

    tables = pipeline(
        *(deal(str(n), "a 2024-03-20", owner_id="two quotas") for n in range(3)),
        deal("other", "a 2024-03-20", owner_id="no target"),
    )
    quotas = [
        quota("two quotas", "2024-03-01", 1),
        quota("two quotas", "2024-03-15", 3),
        quota("no target", "2024-03-01", 0),
    ]
    marts = marts_of(tmp_path, quotas=quotas, **tables)
    found = {
        r["dimension_value"]: (r["target"], r["actual"], r["attainment"])
        for r in marts["kpi_quota_attainment"]
    }
    assert found == {"two quotas": (4, 3, 0.75), "no target": (0, 1, None)}
    team = pick(marts["kpi_quota_team"], dimension="team", dimension_value="unknown")
    assert (team["reps_with_quota"], team["reps_at_quota"], team["quota_signal"]) == (
        *(2, 0),
        "too_high",
    )


def test_leads_accepted_at_once_took_no_days_and_those_accepted_before_are_left_out(tmp_path):
    leads = [
        {
            **{"lead_id": str(n), "created_at": "2024-03-01", "became_mql_at": "2024-03-10"},
            "became_sql_at": accepted,
        }
        for n, accepted in enumerate(("2024-03-14", "2024-03-10", "2024-03-09", "2025-03-09"))
    ]
    row = pick(marts_of(tmp_path, leads=leads)["kpi_mql"], period_grain="month", **TOTAL)
    # 4 and 0 days; one before, one after as_of.
    assert (row["mqls"], row["sqls"], row["avg_days_to_sql"]) == (4, 3, 2)


# --- customers -----------------------------------------------------------------------------------


def test_a_moving_currency_is_no_expansion(tmp_path):
    rates = [
        {"currency": "EUR", "rate_on": day, "rate": rate}
        for day, rate in (("2024-01-31", 1), ("2024-02-29", 1.2), ("2024-03-31", 1.5))
    ]
    subscription = {"account_id": "a", "currency": "EUR"}
    marts = marts_of(
        tmp_path,
        as_of=datetime(2024, 5, 1),
        accounts=[{"account_id": "a"}],
        fx_rates=rates,
        subscriptions=[
            *({**subscription, "subscription_id": "1", "mrr": 100, "started_on": "2024-01-15"},),
            {
                **{**subscription, "subscription_id": "2", "mrr": 50, "started_on": "2024-03-31"},
                "ended_on": "2024-04-30",
            },
        ],
    )
    columns = ("mrr", "previous_mrr", "movement", "movement_amount", "fx_amount")
    assert [tuple(r[column] for column in columns) for r in marts["fct_account_months"]] == [
        (100, 0, "new", 100, 0),  # no rate at the end of December: that of January
        (120, 100, "none", 0, 20),
        (225, 120, "expansion", 60, 45),  # 150 EUR: 180 at February's rate
        (150, 225, "contraction", -75, 0),
    ]
    april = pick(marts["kpi_mrr"], period_start="2024-04-01", **TOTAL)
    assert april["net_revenue_retention"] == april["gross_revenue_retention"] == 150 / 225


def test_nps_and_its_margin(tmp_path):
    rows = [
        {
            "response_id": str(score),
            "account_id": "a",
            "sent_at": "2024-03-20",
            "responded_at": "2024-04-01",
            "score": score,
        }
        for score in (10, 9, 7, 6)
    ]
    rows.append({"response_id": "none", "account_id": "a", "sent_at": "2024-03-20"})
    orders = [
        {"order_id": "1", "line_number": 1, "account_id": "a", "amount": 1, "ordered_at": when}
        for when in ("2024-01-02",)  # 90 days before 1 April 2024
    ]
    accounts = [{"account_id": "a"}]
    mart = marts_of(tmp_path, nps_responses=rows, orders=orders, accounts=accounts)["kpi_nps"]
    march = pick(mart, period_grain="month", period_start="2024-03-01", **TOTAL)
    assert (march["invitations"], march["invited_responses"], march["responses"]) == (5, 4, 0)
    april = pick(mart, period_grain="month", period_start="2024-04-01", **TOTAL)
    assert (april["promoters"], april["passives"], april["detractors"]) == (2, 1, 1)
    assert (april["nps"], april["too_early_responses"]) == (25, 0)
    # 196 x sqrt((0.5 + 0.25 - 0.25^2) / 4) = 196 x sqrt(0.171875)
    assert april["nps_margin"] == pytest.approx(81.25731, abs=1e-5)


def test_shared_spend_goes_by_new_customers(tmp_path):
    accounts = [{"account_id": str(n), "segment": "b" if n else "a"} for n in range(4)]
    orders = [
        {
            "order_id": str(n),
            "line_number": 1,
            "account_id": str(n),
            "amount": 1,
            "ordered_at": "2024-02-01",
        }
        for n in range(4)
    ]
    spend = [
        {"spend_id": "1", "spent_on": "2024-03-31", "department": "sales", "amount": 100},
        {
            **{"spend_id": "2", "spent_on": "2024-01-01", "department": "marketing"},
            **{"segment": "a", "amount": 50},
        },
        {
            **{"spend_id": "3", "spent_on": "2024-04-01", "department": "marketing"},
            **{"segment": "a", "amount": 50},
        },
    ]
    mart = marts_of(tmp_path, accounts=accounts, orders=orders, spend=spend)["kpi_cac"]
    first = [r for r in mart if r["period_start"] == date(2024, 1, 1)]
    columns = ("direct_spend", "shared_spend", "spend", "new_customers", "cac", "cac_direct")
    assert {r["dimension_value"]: tuple(r[column] for column in columns) for r in first} == {
        "all": (50, 100, 150, 4, 37.5, 12.5),
        "a": (50, 25, 75, 1, 75, 50),
        "b": (0, 75, 75, 3, 25, 0),
    }
    second = pick(mart, period_start="2024-04-01", dimension_value="a")
    assert tuple(second[column] for column in columns) == (50, None, None, 0, None, None)


def test_lifetime_value_of_a_segment_and_its_customers(tmp_path):
    # 10 a month each from January on, one of four leaves in March. To the end of March:
    # 4 x 10 x 2 months + 3 x 10 = 110 of revenue, 11 of costs: margin 0.9.
    # Openings: 0 + 4 + 4 = 8 account months, 1 churn: 1/8 a month, so 8 months at 10 x 0.9.
    ids = [str(n) for n in range(4)]
    marts = marts_of(
        tmp_path,
        as_of=datetime(2024, 4, 1),
        accounts=[{"account_id": each, "segment": "s"} for each in ids],
        subscriptions=[
            {
                **{"subscription_id": each, "account_id": each, "mrr": 10},
                **{"started_on": "2024-01-10", "ended_on": None if each != "3" else "2024-03-20"},
            }
            for each in ids
        ],
        account_costs=[
            {"account_id": "0", "incurred_on": "2024-02-01", "cost_type": "x", "amount": 11}
        ],
        spend=[{"spend_id": "1", "spent_on": "2024-01-01", "department": "sales", "amount": 90}],
    )
    row = pick(marts["kpi_ltv"], **TOTAL)
    assert (row["customers"], row["avg_revenue_to_date"], row["avg_cost_to_date"]) == (
        4,
        27.5,
        2.75,
    )
    assert (row["churned_accounts"], row["account_months"], row["arpa"]) == (1, 8, 10)
    assert row["gross_margin"] == 0.9
    assert row["expected_lifetime_months"] == 8
    assert row["ltv_expected"] == 72
    assert row["ltv_to_cac"] == 72 / 22.5
    clv = {r["account_id"]: (r["clv_expected"], r["clv_rank"]) for r in marts["kpi_clv"]}
    # To date 30 (account 0: 19, account 3: 20) plus 10 x 0.9 x 8 for those who stay.
    assert clv == {"0": (91, 3), "1": (102, 1), "2": (102, 2), "3": (20, 4)}


def test_engagement_per_quarter(tmp_path):
    marts = marts_of(
        tmp_path,
        as_of=datetime(2024, 4, 1),
        accounts=[{"account_id": "a"}],
        orders=[
            {
                **{"order_id": "1", "line_number": 1, "account_id": "a", "amount": 5},
                "ordered_at": "2024-01-01",
            }
        ],
        activities=[
            activity(0, "call", "2023-12-31", account_id="a"),  # not a customer yet
            activity(1, "call", "2024-01-01", account_id="a"),
            activity(2, "call", "2024-01-02", account_id="a"),
            activity(3, "meeting", "2024-03-01", account_id="a", meeting_status="no_show"),
            activity(4, "meeting", "2024-03-02", account_id="a", direction="inbound"),
        ],
    )
    (row,) = marts["kpi_customer_engagement"]
    assert (row["relationship_days"], row["touches"]) == (91, 3)
    assert row["touches_per_quarter"] == pytest.approx(3 / 91 * 91.3125)
    assert row["touches_last_90_days"] == 2  # from 2 January at midnight, inclusive
    assert row["avg_days_between_touches"] == 61 / 2  # 1 January to 2 March, two gaps
    assert (row["days_since_last_touch"], row["tenure_rank"]) == (30, 1)


def order(order_id: str, when: str, amount: object = 1, **values) -> dict:
    """An order of one line."""
    return {
        **{"order_id": order_id, "line_number": 1, "amount": amount, "ordered_at": when},
        **values,
    }


def test_who_is_a_customer_and_who_has_left(tmp_path):
    def subscription(account_id, started, ended=None, mrr=1):
        return {
            **{"subscription_id": account_id + started, "account_id": account_id, "mrr": mrr},
            **{"started_on": started, "ended_on": ended},
        }

    names = ("order", "free", "left before", "left today", "leaves tomorrow", "deal")
    tables = pipeline(
        deal("w", "a 2024-05-01", "won 2024-06-01", account_id="left before"),
        deal("v", "a 2024-05-01", "won 2024-06-01", account_id="deal"),
    )
    marts = marts_of(
        tmp_path,
        as_of=datetime(2024, 12, 31, 18),
        accounts=[{"account_id": name} for name in names],
        orders=[
            order("1", "2024-02-02", account_id="order", currency="no rate"),
            order("2", "2024-02-02", account_id="deal"),
            order("3", "2024-02-02", account_id="nowhere"),
        ],
        subscriptions=[
            subscription("free", "2024-01-01", mrr=0),
            subscription("left before", "2024-01-01", "2024-05-01"),
            subscription("left today", "2024-01-01", "2024-12-31"),
            subscription("leaves tomorrow", "2024-01-01", "2025-01-01"),
            subscription("nowhere", "2024-01-01"),
        ],
        **tables,
    )
    dates = {
        r["account_id"]: (r["became_customer_at"], r["churned_at"]) for r in marts["dim_account"]
    }
    new_year, june = datetime(2024, 1, 1), datetime(2024, 6, 1)
    assert dates == {
        "order": (datetime(2024, 2, 2), None),  # though nobody knows what it was worth
        "free": (None, None),
        "left before": (june, datetime(2024, 5, 1)),
        "left today": (new_year, datetime(2024, 12, 31)),
        "leaves tomorrow": (new_year, None),
        "deal": (june, None),  # the won deal, not the earlier order
    }
    engagement = {r["account_id"]: r for r in marts["kpi_customer_engagement"]}
    assert len(engagement) == 5
    gone = engagement["left before"]
    assert (gone["is_churned"], gone["relationship_days"]) == (True, 0)
    assert (gone["touches_per_quarter"], gone["tenure_rank"]) == (None, None)
    assert engagement["leaves tomorrow"]["tenure_rank"] == 1
    # The subscription of an account that nobody lists is money all the same.
    january = [r for r in marts["kpi_mrr"] if r["period_start"] == date(2024, 1, 1)]
    assert pick(january, **TOTAL)["new_mrr"] == 4


def test_half_a_year_is_over_exactly_182_days_after_the_purchase(tmp_path):
    # 3 July 2024 is 182 days before 1 January 2025. Who left before buying did not leave early.
    tables = pipeline(
        deal("just", "a 2024-05-01", "won 2024-07-03", account_id="just"),
        deal("not yet", "a 2024-05-01", "won 2024-07-03T00:00:01", account_id="not yet"),
    )
    marts = marts_of(
        tmp_path,
        accounts=[{"account_id": "just"}, {"account_id": "not yet"}],
        subscriptions=[
            {
                **{"subscription_id": name, "account_id": name, "mrr": 1},
                **{"started_on": "2024-01-01", "ended_on": "2024-07-02"},
            }
            for name in ("just", "not yet")
        ],
        **tables,
    )
    row = pick(marts["kpi_sales_cycle"], period_grain="month", **TOTAL)
    assert (row["matured_customers"], row["churned_within_6_months"]) == (1, 0)


def test_expansion_among_those_who_were_customers_before(tmp_path):
    def won(deal_id, when, account_id, **values):
        return deal(deal_id, "a 2024-01-01", f"won {when}", account_id=account_id, **values)

    tables = pipeline(
        won("old-1", "2024-01-15", "old", product_id="first"),
        won("old-2", "2024-04-15T12:00", "old", deal_type="upsell", product_id="x", amount=5),
        won("old-3", "2024-05-15", "old", deal_type="cross_sell", product_id="x"),
        won("new-1", "2024-04-10", "new", deal_type="upsell"),
    )
    marts = marts_of(
        tmp_path,
        accounts=[{"account_id": each} for each in ("old", "new", "gone")],
        subscriptions=[
            {
                **{"subscription_id": "s", "account_id": "gone", "mrr": 1},
                **{"started_on": "2024-01-01", "ended_on": "2024-02-01"},
            }
        ],
        **tables,
    )
    row = pick(
        marts["kpi_upsell_cross_sell"],
        **{"period_grain": "quarter", "period_start": "2024-04-01"},
        **TOTAL,
    )
    assert (row["upsell_deals"], row["upsell_amount"], row["cross_sell_deals"]) == (2, 5, 1)
    # `new` became a customer in the quarter; `gone` is one still.
    assert (row["expanded_customers"], row["existing_customers"]) == (1, 2)
    # 91.5, 121 and 0 days.
    months = (91.5 + 121) / 3 / 30.4375
    assert row["avg_months_since_first_purchase"] == pytest.approx(months)
    path = pick(marts["kpi_expansion_paths"], deal_type="upsell")  # not new-1: a first won deal
    assert (path["from_product_id"], path["to_product_id"], path["deals"]) == ("first", "x", 1)
    assert path["median_months_since_first_purchase"] == pytest.approx(91.5 / 30.4375)


def test_churn_of_the_last_twelve_months_says_how_long_a_customer_stays(tmp_path):
    # Two customers since 2023, one leaves in January 2024: at the end of 2024 the last twelve
    # months open with 2 + 11 x 1 = 13 accounts and lose 1, so 13 months remain. No costs: all
    # of the MRR of 10 is margin.
    marts = marts_of(
        tmp_path,
        accounts=[{"account_id": "stays"}, {"account_id": "goes"}],
        subscriptions=[
            {
                **{"subscription_id": name, "account_id": name, "mrr": 10},
                **{"started_on": "2023-11-01", "ended_on": ended},
            }
            for name, ended in (("stays", None), ("goes", "2024-01-10"))
        ],
    )
    row = pick(marts["kpi_clv"], account_id="stays")
    assert (row["revenue_to_date"], row["expected_remaining_months"]) == (140, 13)
    assert (row["clv_expected"], row["clv_rank"]) == (140 + 10 * 13, 1)


def test_the_magic_number_needs_a_quarter_before(tmp_path):
    marts = marts_of(
        tmp_path,
        subscriptions=[
            {
                **{"subscription_id": str(n), "account_id": "a", "mrr": mrr},
                "started_on": started,
            }
            for n, (started, mrr) in enumerate((("2024-01-01", 10), ("2024-07-01", 5)))
        ],
        spend=[
            {"spend_id": day, "spent_on": day, "department": "sales", "amount": 80}
            for day in ("2023-12-01", "2024-05-01", "2024-08-01")
        ],
    )
    rows = [
        (r["recurring_revenue"], r["previous_spend"], r["magic_number"], r["magic_number_signal"])
        for r in marts["kpi_magic_number"]
    ]
    assert rows == [
        (30, 80, None, None),  # no recurring revenue before
        (30, 0, None, None),  # no spend before
        (45, 80, 0.75, "efficient"),  # 15 x 4 / 80
        (45, 80, 0, "review_cac"),
    ]


# --- market and team -----------------------------------------------------------------------------


def test_promotion_lift_is_a_difference_in_differences(tmp_path):
    def orders(location, *amounts):
        days = ("2024-03-01", "2024-03-02", "2024-03-03", "2024-03-04")
        return [
            {
                **{"order_id": location + day, "line_number": 1, "location_id": location},
                **{"amount": amount, "ordered_at": day},
            }
            for day, amount in zip(days, amounts, strict=True)
            if amount
        ]

    marts = marts_of(
        tmp_path,
        orders=[*orders("test", 10, 12, 14, 18), *orders("control", 10, 10, 10, 10)],
        promotions=[
            {
                **{"promotion_id": "p", "location_id": "test", "control_location_id": "control"},
                **{"starts_on": "2024-03-03", "ends_on": "2024-03-04"},
            }
        ],
    )
    (row,) = marts["kpi_promotion_lift"]
    assert (row["test_before"], row["test_during"], row["control_during"]) == (11, 16, 10)
    # Differences 0, 2 before (mean 1, variance 2) and 4, 8 during (mean 6, variance 8).
    assert (row["lift"], row["lift_ratio"]) == (5, 5 / 11)
    # Spread 2/2 + 8/2 = 5; df = 25 / (1 + 16) = 1.47, floored to 1: t = 12.706205.
    assert row["lift_low"] == pytest.approx(5 - 12.706205 * 5**0.5, abs=1e-9)
    assert row["lift_high"] == pytest.approx(33.411938, abs=1e-6)


def test_ties_share_the_better_rank(tmp_path):
    places = (("x", 5), ("y", 9), ("z", 5), ("y", 0), (None, 1))
    orders = [
        order(str(n), "2024-03-01", amount, location_id=place)
        for n, (place, amount) in enumerate(places)
    ]
    mart = marts_of(tmp_path, orders=orders)["kpi_sales_by_location"]
    ranks = {
        r["dimension_value"]: (r["rank"], r["share_of_amount"], r["orders"])
        for r in mart
        if (r["period_grain"], r["dimension"]) == ("month", "location")
    }
    assert ranks == {
        "y": (1, 0.45, 2),
        "x": (2, 0.25, 1),
        "z": (2, 0.25, 1),
        "unknown": (4, 0.05, 1),
    }


def test_the_list_price_is_that_of_the_periods_last_day(tmp_path):
    marts = marts_of(
        tmp_path,
        as_of=datetime(2024, 4, 10),
        products=[{"product_id": "p", "name": "p", "list_price": 10, "currency": "EUR"}],
        fx_rates=[
            {"currency": "EUR", "rate_on": day, "rate": rate}
            for day, rate in (("2024-03-01", 1), ("2024-03-31", 2), ("2024-04-10", 3))
        ],
        orders=[
            order("1", "2024-03-05", 30, product_id="p", quantity=2),
            order("2", "2024-03-06", 30, product_id="p"),
            order("3", "2024-03-06", 30, product_id="p", currency="no rate"),
        ],
        competitor_prices=[
            {"competitor": "c", "product_id": "p", "observed_on": day, "price": 10}
            for day in ("2024-03-05", "2024-04-05")
        ],
    )
    months = [r for r in marts["kpi_competitor_pricing"] if r["period_grain"] == "month"]
    found = [(r["own_avg_price"], r["list_price"], r["price_gap"]) for r in months]
    assert found == [(20, 20, 1), (None, 30, 2)]  # 60 for 3 pieces; April ends at as_of for now


def test_a_promotion_that_ends_today_has_ended(tmp_path):
    promotions = [
        {"promotion_id": ends, "location_id": "x", "starts_on": "2024-12-30", "ends_on": ends}
        for ends in ("2025-01-01", "2025-01-02")
    ]
    mart = marts_of(tmp_path, promotions=promotions)["kpi_promotion_lift"]
    assert [(r["days"], r["test_during"], r["lift"]) for r in mart] == [
        (3, 0, None),
        (None, None, None),
    ]


def test_a_price_gap_within_a_hair_of_a_bound_counts_as_on_it(tmp_path):
    prices = {"even": "100", "hair": "99.99999995", "bound": "95.2380952", "above": "95.238"}
    marts = marts_of(
        tmp_path,
        products=[{"product_id": "p", "name": "p", "list_price": 100}],
        competitor_prices=[
            {"competitor": name, "product_id": "p", "observed_on": "2024-03-01", "price": price}
            for name, price in prices.items()
        ],
    )
    months = [r for r in marts["kpi_competitor_pricing"] if r["period_grain"] == "month"]
    candidates = {r["competitor"]: r["is_price_match_candidate"] for r in months}
    assert candidates == {"even": False, "hair": False, "bound": True, "above": False}


def test_a_second_team_hides_the_first(tmp_path):
    sizes = {"A": 3, "C": 6, "B": 6, "D": 9}
    rows = [
        {
            **{"response_id": f"{team}{n}", "wave": "w", "team": team, "question": "q"},
            **{"responded_at": "2024-03-01", "rating": 4 if n else 5},
        }
        for team, size in sizes.items()
        for n in range(size)
    ]
    mart = marts_of(tmp_path, employee_responses=rows)["kpi_employee_satisfaction"]
    month = [r for r in mart if r["period_grain"] == "month"]
    hidden = {r["dimension_value"] for r in month if r["is_suppressed"]}
    assert hidden == {"A", "B"}  # A is too small; B and C are the smallest shown, B by name
    shown = pick(month, dimension="team", dimension_value="D")
    # One 5 and eight 4: 37 / 9.
    assert shown["avg_rating"] == pytest.approx(37 / 9)
    assert (shown["favourable_share"], shown["excellent_share"]) == (1, 1 / 9)
    assert pick(month, **TOTAL)["responses"] == 24
    assert pick(month, dimension_value="A")["responses"] is None


# --- the edge company ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def edge(tmp_path_factory):
    return write_edge_company(tmp_path_factory.mktemp("edge"))


@pytest.fixture(scope="module")
def edge_marts(edge):
    return compute([edge.landing], edge.as_of)


@pytest.fixture(scope="module")
def edge_marts_after_delta(edge):
    return compute([edge.landing, edge.delta], edge.as_of_after_delta)


def test_the_edge_company_is_the_same_every_time(edge, tmp_path):
    again = write_edge_company(tmp_path)
    for first, second in ((edge.landing, again.landing), (edge.delta, again.delta)):
        files = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
        assert files == sorted(p.relative_to(second) for p in second.rglob("*") if p.is_file())
        for path in files:
            assert (first / path).read_bytes() == (second / path).read_bytes(), path


def test_the_edge_company_lands_whole_and_fills_every_mart(edge, edge_marts):
    landing = read([edge.landing, edge.delta])
    assert landing.rejects == []
    assert [table for table, rows in landing.tables.items() if not rows] == []
    assert [name for name, rows in edge_marts.items() if not rows] == []


def test_the_edge_company_reaches_every_branch(edge_marts):
    def values(mart, column):
        return {row[column] for row in edge_marts[mart]}

    assert values("kpi_quota_team", "quota_signal") == {"too_high", "too_low", "ok", None}
    signals = {"spare", "matched", "overloaded", None}
    assert values("kpi_bdr_capacity", "capacity_signal") == signals
    assert values("kpi_ae_capacity", "capacity_signal") == signals
    magic = {"review_cac", "efficient", "invest_more", None}
    assert values("kpi_magic_number", "magic_number_signal") == magic
    assert values("kpi_competitor_pricing", "is_price_match_candidate") == {True, False}
    assert values("kpi_employee_satisfaction", "is_suppressed") == {True, False}
    moved = {"new", "reactivation", "expansion", "contraction", "churn", "none"}
    assert values("fct_account_months", "movement") == moved
    directions = {"forward", "back", "lateral", "reopened", "won", "lost", None}
    assert values("fct_deal_stage_visits", "direction") == directions
    assert values("fct_deals", "outcome") == {"open", "won", "lost", None}
    bands = {"small", "medium", "large", "enterprise", "unknown"}
    assert values("fct_deals", "size_band") == bands
    # A column that is null everywhere would be compared with nothing.
    empty = [
        (name, column)
        for name, rows in edge_marts.items()
        for column in MARTS[name].kinds
        if all(row[column] is None for row in rows)
    ]
    assert empty == []


@pytest.mark.parametrize("which", ["edge_marts", "edge_marts_after_delta"])
def test_the_identities_hold(which, request):
    marts = request.getfixturevalue(which)
    for row in marts["kpi_pipeline_bridge"]:
        flow = row["opening_deals"] + row["created_deals"] + row["reopened_deals"]
        assert flow - row["won_deals"] - row["lost_deals"] == row["closing_deals"]
    for row in marts["kpi_mrr"]:
        came = row["new_mrr"] + row["reactivation_mrr"] + row["expansion_mrr"] + row["fx_mrr"]
        closing = row["opening_mrr"] + came - row["contraction_mrr"] - row["churned_mrr"]
        assert closing == pytest.approx(row["closing_mrr"], abs=1e-9)
    stock: dict[tuple, int] = {}
    keys = ("period_grain", "dimension", "dimension_value", "pipeline", "stage")
    for row in sorted(marts["kpi_deals_by_stage"], key=lambda row: row["period_start"]):
        key = tuple(row[name] for name in keys)
        assert row["open_deals"] == stock.get(key, 0) + row["entered"] - row["exited"]
        stock[key] = row["open_deals"]
    open_deals = sum(1 for row in marts["fct_deals"] if row["outcome"] == "open")
    without_history = sum(
        1 for row in marts["fct_deals"] if row["outcome"] == "open" and not row["stages_visited"]
    )
    standing = sum(n for key, n in stock.items() if key[:2] == ("week", "all"))
    assert standing == open_deals - without_history > 0


def test_the_delta_changes_what_is_newer_and_nothing_else(edge, edge_marts_after_delta):
    marts = edge_marts_after_delta
    deals = {row["deal_id"]: row for row in marts["fct_deals"]}
    assert "42" not in deals  # deleted
    assert deals["deleted"]["outcome"] == "won"  # and undeleted
    assert deals["0042"]["source"] == "renamed"
    assert deals["003"]["amount"] == 123.45
    assert not [row for row in deals.values() if row["amount"] in (-994, -995, -998, -999)]
    accounts = {row["account_id"]: row for row in marts["dim_account"]}
    assert (accounts["a01"]["owner_id"], accounts["a01"]["industry"]) == ("007", "software")
    assert accounts["a03"]["segment"] != "stale"
    again = compute([edge.landing, edge.delta, edge.delta], edge.as_of_after_delta)
    assert again == marts


def test_a_refresh_of_the_past_knows_nothing_of_what_came_later(edge):
    past = datetime(2024, 6, 30, 18)
    marts = compute([edge.landing], past)
    for name, column in (
        *(("fct_deals", "created_at"), ("fct_deals", "closed_at"), ("fct_leads", "acquired_at")),
        *(("fct_deal_stage_visits", "entered_at"), ("fct_nps_responses", "responded_at")),
        *(("dim_account", "churned_at"), ("kpi_customer_engagement", "last_touch_at")),
    ):
        instants = [row[column] for row in marts[name] if row[column] is not None]
        assert instants and max(instants) <= past, (name, column)
    assert max(row["date_day"] for row in marts["dim_date"]) == past.date()


def test_ids_with_leading_zeros_are_other_things(edge):
    world = world_of([edge.landing], edge.as_of)
    assert (world.deals["42"].outcome, world.deals["0042"].outcome) == ("won", "lost")
    assert (world.users["7"].team, world.users["007"].team) == ("North", "South")
    assert (world.products["3"].name, world.products["003"].name) == ("No zeros", "Zeros first")


# --- comparing -----------------------------------------------------------------------------------


@pytest.fixture
def published(tmp_path):
    """A file with one small mart."""
    with duckdb.connect(str(tmp_path / "sales_kpi.duckdb")) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.dim_product as select * from (values"
            " ('1', 'one', 'c', cast(10 as double), 'USD'), ('2', 'two', null, null, null))"
            " as rows (product_id, name, category, list_price, currency)"
        )
        yield connection


def products(*rows: tuple) -> list[dict]:
    return [dict(zip(MARTS["dim_product"].kinds, row, strict=True)) for row in rows]


ONE, TWO = ("1", "one", "c", 10.0, "USD"), ("2", "two", None, None, None)


def test_equal_rows_have_no_differences(published):
    rows = products(("1", "one", "c", 10.000005, "USD"), TWO)  # within 1e-6 of 10
    assert compare(rows, published, "dim_product") == []


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ((ONE,), "surplus"),
        ((ONE, TWO, ("3", "three", None, None, None)), "missing"),
        ((("1", "one", "c", 10.00002, "USD"), TWO), "list_price"),
        ((("1", "One", "c", 10.0, "USD"), TWO), "name"),
        ((("1", "one", None, 10.0, "USD"), TWO), "category"),
        ((ONE, ("2", "two", None, 0.0, None)), "list_price"),
    ],
)
def test_every_kind_of_difference_is_named(published, rows, word):
    (line,) = compare(products(*rows), published, "dim_product")
    assert word in line

"""The pipeline marts: stages, win rates, deal sizes, cycles."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from types import SimpleNamespace

from .facts import World
from .slices import (
    ALL,
    by_period,
    grains_of,
    grouped,
    known,
    period_columns,
    slice_columns,
    slices_of,
)
from .stats import average, days, kaplan_meier_median, median, p90, ratio, total, with_interval

HALF_A_YEAR = timedelta(days=182)


def compute(world: World) -> dict[str, list[dict]]:
    """Every pipeline mart."""
    return {
        "kpi_deals_by_stage": deals_by_stage(world),
        "kpi_pipeline_bridge": pipeline_bridge(world),
        "kpi_time_in_stage": time_in_stage(world),
        "kpi_days_to_close": days_to_close(world),
        "kpi_deal_size": deal_size(world),
        "kpi_deal_amount_by_source": deal_amount_by_source(world),
        "kpi_deal_amount_by_type": deal_amount_by_type(world),
        "kpi_win_rate": win_rate(world),
        "kpi_stage_survival": stage_survival(world),
        "kpi_sales_cycle": sales_cycle(world),
    }


def _first_days(world: World) -> dict:
    """The day of each pipeline's first visit."""
    firsts: dict = {}
    for visit in world.visits:
        day = world.calendar.day_of(visit.entered_at)
        firsts[visit.pipeline] = min(day, firsts.get(visit.pipeline, day))
    return firsts


def _open_stages(world: World) -> set[tuple[str, str]]:
    """Listed open stages, and unlisted ones that a deal has visited (they count as open)."""
    listed = {key for key, stage in world.stages.items() if stage.outcome == "open"}
    visited = {(v.pipeline, v.stage) for v in world.visits if v.outcome == "open"}
    return listed | visited


def deals_by_stage(world: World) -> list[dict]:
    """Stock and flow of every open stage."""
    calendar, today = world.calendar, world.today
    dimensions = ("owner", "team", "source", "deal_type", "region")
    visits = [visit for visit in world.visits if visit.outcome == "open"]
    by_slice = grouped(
        visits,
        lambda v: [((v.pipeline, v.stage), each) for each in slices_of(v.deal.slices, dimensions)],
    )
    firsts = _first_days(world)
    for stage in _open_stages(world):
        if stage[0] in firsts:
            by_slice.setdefault((stage, ALL), [])
    rows = []
    for (stage, each), members in by_slice.items():
        for grain in grains_of("WMQ"):
            for start in calendar.series(grain, firsts[stage[0]], today):
                row = _stage_period(world, members, grain, start)
                if each == ALL or row["open_deals"] or row["entered"] or row["exited"]:
                    rows.append(
                        {
                            **slice_columns(calendar, grain, start, each),
                            "pipeline": stage[0],
                            "stage": stage[1],
                            "stage_position": world.position(*stage),
                            **row,
                        }
                    )
    return rows


def _stage_period(world: World, visits: list, grain: str, start) -> dict:
    calendar = world.calendar
    begin, end = calendar.midnight(start), calendar.midnight(calendar.end(grain, start))
    # In the period of as_of no history is later than as_of, so "not left" is "not left yet".
    standing = [
        v for v in visits if v.entered_at < end and (v.exited_at is None or v.exited_at >= end)
    ]
    exits = [v for v in visits if v.exited_at is not None and begin <= v.exited_at < end]
    ways = [v.direction for v in exits]
    return {
        "open_deals": len(standing),
        "open_amount": total(v.deal.amount for v in standing),
        "entered": sum(1 for v in visits if begin <= v.entered_at < end),
        "exited": len(exits),
        "moved_forward": ways.count("forward"),
        "moved_back": ways.count("back"),
        "won": ways.count("won"),
        "lost": ways.count("lost"),
        "advance_rate": ratio(ways.count("forward") + ways.count("won"), len(exits)),
    }


def _openings(deal: SimpleNamespace) -> list[tuple[str, object]]:
    """The deal's events: when it became open and when it stopped being open."""
    events, is_open, ever_open = [], False, False
    for visit in deal.visits:
        if visit.outcome == "open":
            if not is_open:
                events.append(("reopened" if ever_open else "created", visit.entered_at))
            is_open = ever_open = True
        else:
            if is_open:
                events.append((visit.outcome, visit.entered_at))
            is_open = False
    return events


def pipeline_bridge(world: World) -> list[dict]:
    """From the opening to the closing stock of every period."""
    calendar, today = world.calendar, world.today
    dimensions = ("owner", "team", "source", "deal_type")
    events = [
        SimpleNamespace(deal=deal, kind=kind, at=at)
        for deal in world.deals.values()
        for kind, at in _openings(deal)
    ]
    by_slice = grouped(
        events,
        lambda e: [(e.deal.pipeline, each) for each in slices_of(e.deal.slices, dimensions)],
    )
    firsts = _first_days(world)
    for pipeline in firsts:
        by_slice.setdefault((pipeline, ALL), [])
    rows = []
    for (pipeline, each), members in by_slice.items():
        for grain in grains_of("WMQ"):
            in_period = grouped(members, lambda e, g=grain: [calendar.period_of(g, e.at)])
            opening = SimpleNamespace(deals=0, amount=total([]))
            for start in calendar.series(grain, firsts[pipeline], today):
                row = {"opening_deals": opening.deals, "opening_amount": opening.amount}
                closing = SimpleNamespace(deals=opening.deals, amount=opening.amount)
                for kind in ("created", "reopened", "won", "lost"):
                    happened = [e for e in in_period.get(start, []) if e.kind == kind]
                    row[f"{kind}_deals"] = len(happened)
                    row[f"{kind}_amount"] = total(e.deal.amount for e in happened)
                    sign = 1 if kind in ("created", "reopened") else -1
                    closing.deals += sign * row[f"{kind}_deals"]
                    closing.amount += sign * row[f"{kind}_amount"]
                row |= {"closing_deals": closing.deals, "closing_amount": closing.amount}
                if each == ALL or any(row[name] for name in row if name.endswith("_deals")):
                    columns = slice_columns(calendar, grain, start, each)
                    rows.append({**columns, "pipeline": pipeline, **row})
                opening = closing
    return rows


def time_in_stage(world: World) -> list[dict]:
    """How long completed visits to open stages took, by the period they ended in."""
    dimensions = ("owner", "team", "source", "deal_type", "region", "size_band")
    groups = by_period(
        world.calendar,
        [v for v in world.visits if v.outcome == "open" and v.exited_at is not None],
        grains="WMQ",
        when=lambda v: v.exited_at,
        slices=lambda v: [
            (each, v.pipeline, v.stage) for each in slices_of(v.deal.slices, dimensions)
        ],
    )
    rows = []
    for (grain, start, (each, pipeline, stage)), visits in groups.items():
        spans = [v.days_in_stage for v in visits]
        per_deal = defaultdict(list)
        for v in visits:
            per_deal[v.deal.deal_id].append(v.days_in_stage)
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "pipeline": pipeline,
                "stage": stage,
                "stage_position": world.position(pipeline, stage),
                "visits": len(visits),
                "avg_days": average(spans),
                "median_days": median(spans),
                "p90_days": p90(spans),
                "deals": len(per_deal),
                "avg_days_per_deal": average(total(spans) for spans in per_deal.values()),
            }
        )
    return rows


def _closed(world: World, deals: list, grains: str, dimensions: tuple[str, ...]) -> dict:
    """Closed deals by period of closing and slice."""
    return by_period(
        world.calendar,
        deals,
        grains=grains,
        when=lambda deal: deal.closed_at,
        slices=lambda deal: slices_of(deal.slices, dimensions),
    )


def _won(deals: list) -> list:
    return [deal for deal in deals if deal.outcome == "won"]


def _lost(deals: list) -> list:
    return [deal for deal in deals if deal.outcome == "lost"]


def days_to_close(world: World) -> list[dict]:
    """From creation to closing."""
    dimensions = ("owner", "team", "source", "deal_type", "region", "size_band", "product")
    rows = []
    closed = world.won_deals + world.lost_deals
    for (grain, start, each), deals in _closed(world, closed, "WMQ", dimensions).items():
        spans = [deal.days_to_close for deal in _won(deals)]
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "won_deals": len(spans),
                "avg_days": average(spans),
                "median_days": median(spans),
                "p90_days": p90(spans),
                "lost_deals": len(_lost(deals)),
                "avg_days_lost": average(deal.days_to_close for deal in _lost(deals)),
            }
        )
    return rows


def deal_size(world: World) -> list[dict]:
    """The amounts of won deals."""
    dimensions = (
        *("owner", "team", "source", "deal_type", "region", "product", "industry", "segment"),
    )
    valued = [deal for deal in world.won_deals if deal.amount is not None]
    groups = _closed(world, valued, "WMQ", dimensions)
    averages = {key: average(deal.amount for deal in deals) for key, deals in groups.items()}
    rows = []
    for (grain, start, each), deals in groups.items():
        mean = averages[grain, start, each]
        before = averages.get((grain, world.calendar.previous(grain, start), each))
        change = ratio(mean, before)
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "won_deals": len(deals),
                "total_amount": total(deal.amount for deal in deals),
                "avg_amount": mean,
                "median_amount": median(deal.amount for deal in deals),
                "previous_avg_amount": before,
                "avg_amount_change": None if change is None else change - 1,
            }
        )
    return rows


def _amounts(deals: list, won_in_period) -> dict:
    """The columns that kpi_deal_amount_by_source and _by_type share."""
    won, lost = _won(deals), _lost(deals)
    won_amount = total(deal.amount for deal in won)
    return {
        "won_deals": len(won),
        "won_amount": won_amount,
        "share_of_won_amount": ratio(won_amount, won_in_period),
        "avg_amount": average(deal.amount for deal in won),
        "lost_deals": len(lost),
        "lost_amount": total(deal.amount for deal in lost),
        "win_rate": ratio(len(won), len(won) + len(lost)),
    }


def _won_amounts(world: World) -> dict:
    """The amount won in every period."""
    totals = _closed(world, world.won_deals, "WMQ", ())
    return {
        (grain, start): total(deal.amount for deal in deals)
        for (grain, start, _), deals in totals.items()
    }


def deal_amount_by_source(world: World) -> list[dict]:
    """Won and lost amounts by where the deal came from."""
    closed, won_in = world.won_deals + world.lost_deals, _won_amounts(world)
    groups = by_period(
        world.calendar,
        closed,
        grains="WMQ",
        when=lambda deal: deal.closed_at,
        slices=lambda deal: [known(deal.source)],
    )
    return [
        {
            **period_columns(world.calendar, grain, start),
            "source": source,
            **_amounts(deals, won_in.get((grain, start))),
        }
        for (grain, start, source), deals in groups.items()
    ]


def deal_amount_by_type(world: World) -> list[dict]:
    """Won and lost amounts by deal type and product."""
    closed, won_in = world.won_deals + world.lost_deals, _won_amounts(world)
    groups = by_period(
        world.calendar,
        closed,
        grains="WMQ",
        when=lambda deal: deal.closed_at,
        slices=lambda deal: [
            (known(deal.deal_type), "all"),
            (known(deal.deal_type), known(deal.product_id)),
        ],
    )
    return [
        {
            **period_columns(world.calendar, grain, start),
            "deal_type": deal_type,
            "product_id": product_id,
            **_amounts(deals, won_in.get((grain, start))),
        }
        for (grain, start, (deal_type, product_id)), deals in groups.items()
    ]


def win_rate(world: World) -> list[dict]:
    """Won deals of the closed ones, by number and by amount."""
    dimensions = (
        *("industry", "source", "size_band", "owner", "team", "region", "deal_type", "product"),
        "segment",
    )
    rows = []
    closed = world.won_deals + world.lost_deals
    for (grain, start, each), deals in _closed(world, closed, "WMQ", dimensions).items():
        won_amount = total(deal.amount for deal in _won(deals))
        lost_amount = total(deal.amount for deal in _lost(deals))
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "won_deals": len(_won(deals)),
                "lost_deals": len(_lost(deals)),
                **with_interval("win_rate", len(_won(deals)), len(deals)),
                "won_amount": won_amount,
                "lost_amount": lost_amount,
                "amount_win_rate": ratio(won_amount, won_amount + lost_amount),
            }
        )
    return rows


def stage_survival(world: World) -> list[dict]:
    """How long a visit to an open stage lasts, with those still open as censored."""
    dimensions = ("source", "deal_type", "owner")
    groups = grouped(
        [visit for visit in world.visits if visit.outcome == "open"],
        lambda v: [(v.pipeline, v.stage, each) for each in slices_of(v.deal.slices, dimensions)],
    )
    rows = []
    for (pipeline, stage, each), visits in groups.items():
        completed = [v for v in visits if not v.is_current]
        times = [(v.days_so_far if v.is_current else v.days_in_stage) for v in visits]
        ended = [not v.is_current for v in visits]
        rows.append(
            {
                "pipeline": pipeline,
                "stage": stage,
                "dimension": each[0],
                "dimension_value": each[1],
                "visits": len(visits),
                "completed": len(completed),
                "still_open": len(visits) - len(completed),
                "km_median_days": kaplan_meier_median(list(zip(times, ended, strict=True))),
                "naive_avg_days": average(v.days_in_stage for v in completed),
            }
        )
    return rows


def sales_cycle(world: World) -> list[dict]:
    """The length of won cycles, and who of the customers won left within half a year."""
    first_of = {
        account.first_won_deal.deal_id: account
        for account in world.customers.values()
        if account.first_won_deal
    }
    rows = []
    groups = _closed(world, world.won_deals, "MQ", ("owner", "team"))
    for (grain, start, each), deals in groups.items():
        matured = [
            first_of[deal.deal_id]
            for deal in deals
            if deal.deal_id in first_of
            and deal.closed_at <= world.as_of - HALF_A_YEAR
            and first_of[deal.deal_id].has_paid_subscription
        ]
        gone = [
            account
            for account in matured
            if account.churned_at is not None
            and 0 <= days(account.churned_at - account.first_won_deal.closed_at) <= 182
        ]
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "won_deals": len(deals),
                "avg_cycle_days": average(deal.days_to_close for deal in deals),
                "matured_customers": len(matured),
                "churned_within_6_months": len(gone),
                "churn_rate_6m": ratio(len(gone), len(matured)),
            }
        )
    return rows

"""The market and team marts: sales by location, promotions, competitors, employees."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from fractions import Fraction

from .facts import NOBODY, World
from .slices import by_period, grouped, known, period_columns, slice_columns, slices_of
from .stats import average, ratio, total, welch_margin

TINY = Fraction(1, 10**9)


def compute(world: World) -> dict[str, list[dict]]:
    """Every market and team mart."""
    return {
        "kpi_sales_by_location": sales_by_location(world),
        "kpi_promotion_lift": promotion_lift(world),
        "kpi_competitor_pricing": competitor_pricing(world),
        "kpi_employee_satisfaction": employee_satisfaction(world),
    }


def sales_by_location(world: World) -> list[dict]:
    """What was sold where."""

    def slices(line):
        location = world.locations.get(line.location_id, NOBODY)
        attributes = {
            "location": line.location_id,
            "channel": line.channel,
            "region": location.region,
            "product": line.product_id,
            "location_product": f"{known(line.location_id)}/{known(line.product_id)}",
        }
        return slices_of(attributes, attributes)

    groups = by_period(
        world.calendar,
        world.orders,
        grains="WMQ",
        when=lambda line: line.ordered_at,
        slices=slices,
    )
    amounts = {key: total(line.amount for line in lines) for key, lines in groups.items()}
    of_dimension = defaultdict(list)
    for (grain, start, each), amount in amounts.items():
        of_dimension[grain, start, each[0]].append(amount)
    rows = []
    for (grain, start, each), lines in groups.items():
        amount, peers = amounts[grain, start, each], of_dimension[grain, start, each[0]]
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "orders": len({line.order_id for line in lines}),
                "units": total(line.quantity for line in lines),
                "amount": amount,
                "share_of_amount": ratio(amount, total(peers)),
                "rank": 1 + sum(1 for other in peers if other > amount),
            }
        )
    return rows


def promotion_lift(world: World) -> list[dict]:
    """What a promotion sold on top, against a location without it."""
    daily = defaultdict(Fraction)
    for line in world.orders:
        day = world.calendar.day_of(line.ordered_at)
        for product_id in {None, line.product_id}:
            daily[line.location_id, product_id, day] += line.amount or 0
    rows = []
    for promotion in world.promotions:
        figures = dict.fromkeys(
            (
                *("days", "test_before", "test_during", "control_before", "control_during"),
                *("lift", "lift_ratio", "lift_low", "lift_high"),
            )
        )
        if promotion.ends_on is not None:
            figures |= _lift(world, promotion, daily)
        rows.append(
            {
                "promotion_id": promotion.promotion_id,
                "location_id": promotion.location_id,
                "control_location_id": promotion.control_location_id,
                "starts_on": promotion.starts_on,
                "ends_on": promotion.ends_on,
                **figures,
            }
        )
    return rows


def _lift(world: World, promotion, daily: dict) -> dict:
    length = (promotion.ends_on - promotion.starts_on).days + 1
    during = [promotion.starts_on + timedelta(days=n) for n in range(length)]
    before = [day - timedelta(days=length) for day in during]

    def sales(location_id, span):
        return [daily.get((location_id, promotion.product_id, day), Fraction(0)) for day in span]

    test = sales(promotion.location_id, before), sales(promotion.location_id, during)
    figures = {
        "days": length,
        "test_before": average(test[0]),
        "test_during": average(test[1]),
    }
    if promotion.control_location_id is None:
        return figures
    control = (
        sales(promotion.control_location_id, before),
        sales(promotion.control_location_id, during),
    )
    gaps = [[a - b for a, b in zip(*pair, strict=True)] for pair in zip(test, control, strict=True)]
    lift = average(gaps[1]) - average(gaps[0])
    margin = welch_margin(gaps[0], gaps[1], world.seeds.t_975)
    return figures | {
        "control_before": average(control[0]),
        "control_during": average(control[1]),
        "lift": lift,
        "lift_ratio": ratio(lift, figures["test_before"]),
        "lift_low": None if margin is None else lift - margin,
        "lift_high": None if margin is None else lift + margin,
    }


def competitor_pricing(world: World) -> list[dict]:
    """Our prices against each competitor's."""
    calendar = world.calendar
    observed = by_period(
        calendar,
        world.competitor_prices,
        grains="WM",
        when=lambda row: row.observed_on,
        slices=lambda row: [(row.product_id, row.competitor)],
    )
    sold = by_period(
        calendar,
        [line for line in world.orders if line.amount is not None],
        grains="WM",
        when=lambda line: line.ordered_at,
        slices=lambda line: [line.product_id],
    )
    rows = []
    for (grain, start, (product_id, competitor)), prices in observed.items():
        theirs = average(row.price for row in prices)
        lines = sold.get((grain, start, product_id), [])
        own = ratio(total(x.amount for x in lines), total(x.quantity for x in lines))
        last_day = min(calendar.end(grain, start) - timedelta(days=1), world.today)
        product = world.products.get(product_id)
        listed = product and world.money(product.list_price, product.currency, last_day)
        gap = ratio(listed if own is None else own, theirs)
        gap = None if gap is None else gap - 1
        rows.append(
            {
                **period_columns(calendar, grain, start),
                "product_id": product_id,
                "competitor": competitor,
                "competitor_avg_price": theirs,
                "own_avg_price": own,
                "list_price": listed,
                "price_gap": gap,
                "is_price_match_candidate": gap is not None
                and TINY < gap <= world.settings.price_match_threshold + TINY,
            }
        )
    return rows


def employee_satisfaction(world: World) -> list[dict]:
    """How content the teams are, without giving anybody away."""
    groups = by_period(
        world.calendar,
        world.employee_responses,
        grains="MQ",
        when=lambda row: row.responded_at,
        slices=lambda row: [
            (each, row.question)
            for each in slices_of({"team": row.team, "wave": row.wave}, ("team", "wave"))
        ],
    )
    suppressed = {
        key for key, answers in groups.items() if len(answers) < world.settings.survey_min_group
    }
    suppressed |= _second_teams(groups, suppressed)
    rows = []
    for (grain, start, (each, question)), answers in groups.items():
        is_suppressed = (grain, start, (each, question)) in suppressed
        figures = dict.fromkeys(
            (
                *("responses", "avg_rating", "excellent_share", "good_share"),
                *("favourable_share", "goal", "gap_to_goal"),
            )
        )
        if not is_suppressed:
            figures = _ratings([row.rating for row in answers], world)
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "question": question,
                **figures,
                "is_suppressed": is_suppressed,
            }
        )
    return rows


def _second_teams(groups: dict, suppressed: set) -> set:
    """Where one team alone is suppressed its figures follow from the total; so hide another."""
    teams = grouped(
        [key for key in groups if key[2][0][0] == "team"],
        lambda key: [(key[0], key[1], key[2][1])],
    )
    seconds = set()
    for keys in teams.values():
        hidden = [key for key in keys if key in suppressed]
        shown = [key for key in keys if key not in suppressed]
        if len(hidden) == 1 and shown:
            seconds.add(min(shown, key=lambda key: (len(groups[key]), key[2][0][1])))
    return seconds


def _ratings(ratings: list[int], world: World) -> dict:
    mean, goal = average(ratings), world.settings.employee_satisfaction_goal
    return {
        "responses": len(ratings),
        "avg_rating": mean,
        "excellent_share": ratio(ratings.count(5), len(ratings)),
        "good_share": ratio(ratings.count(4), len(ratings)),
        "favourable_share": ratio(ratings.count(4) + ratings.count(5), len(ratings)),
        "goal": goal,
        "gap_to_goal": mean - goal,
    }

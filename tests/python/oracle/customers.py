"""The customer marts: engagement, expansion, NPS, recurring revenue, customers' cost and value."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction

from .facts import World
from .slices import ALL, UNKNOWN, by_period, grouped, known, slice_columns, slices_of
from .stats import average, days, median, ratio, total

QUARTER_DAYS = Fraction("91.3125")
MONTH_DAYS = Fraction("30.4375")
NINETY_DAYS = timedelta(days=90)


def compute(world: World) -> dict[str, list[dict]]:
    """Every customer mart."""
    mrr_rows = mrr(world)
    cac_rows = cac(world)
    ltv_rows = ltv(world, mrr_rows, cac_rows)
    return {
        "kpi_customer_engagement": customer_engagement(world),
        "kpi_upsell_cross_sell": upsell_cross_sell(world),
        "kpi_expansion_paths": expansion_paths(world),
        "kpi_nps": nps(world),
        "kpi_mrr": mrr_rows,
        "kpi_cac": cac_rows,
        "kpi_ltv": ltv_rows,
        "kpi_clv": clv(world, mrr_rows),
        "kpi_magic_number": magic_number(world),
    }


def customer_engagement(world: World) -> list[dict]:
    """How close the company keeps to each customer."""
    touches_of = grouped(
        [activity for activity in world.activities if activity.is_touch],
        lambda activity: [activity.account_id],
    )
    rows = []
    for account_id, account in world.customers.items():
        began, left = account.became_customer_at, account.churned_at
        relationship = max(days((left or world.as_of) - began), Fraction(0))
        touches = [
            touch.occurred_at
            for touch in touches_of.get(account_id, [])
            if touch.occurred_at >= began
        ]
        first, last = (touches[0], touches[-1]) if touches else (None, None)
        per_day = ratio(len(touches), relationship)
        rows.append(
            {
                "account_id": account_id,
                "owner_id": known(account.owner_id),
                "became_customer_at": began,
                "relationship_days": relationship,
                "touches": len(touches),
                "touches_last_90_days": sum(1 for at in touches if at >= world.as_of - NINETY_DAYS),
                "touches_per_quarter": None if per_day is None else per_day * QUARTER_DAYS,
                "avg_days_between_touches": ratio(days(last - first), len(touches) - 1)
                if touches
                else None,
                "last_touch_at": last,
                "days_since_last_touch": days(world.as_of - last) if touches else None,
                "is_churned": left is not None,
                "tenure_rank": None,
                "is_top_long_term": False,
            }
        )
    staying = [row for row in rows if not row["is_churned"]]
    staying.sort(key=lambda row: (-row["relationship_days"], row["account_id"]))
    for rank, row in enumerate(staying, start=1):
        row["tenure_rank"] = rank
        row["is_top_long_term"] = rank <= 10
    return rows


# --- expansion -----------------------------------------------------------------------------------


def _months_since_first_purchase(world: World, deal) -> Fraction | None:
    account = world.customers.get(deal.account_id)
    return account and days(deal.closed_at - account.became_customer_at) / MONTH_DAYS


def upsell_cross_sell(world: World) -> list[dict]:
    """What existing customers bought on top."""
    groups = by_period(
        world.calendar,
        [deal for deal in world.won_deals if deal.deal_type in ("upsell", "cross_sell")],
        grains="MQ",
        when=lambda deal: deal.closed_at,
        slices=lambda deal: slices_of(deal.slices, ("owner", "team", "industry", "product")),
    )
    rows = []
    for (grain, start, each), deals in groups.items():
        begin = world.calendar.midnight(start)
        before = {
            account_id: account
            for account_id, account in world.customers.items()
            if account.became_customer_at < begin
        }
        expanded = {deal.account_id for deal in deals} & set(before)
        existing = None
        if each == ALL:
            existing = len(before)
        elif each[0] == "industry":
            existing = sum(1 for account in before.values() if known(account.industry) == each[1])
        row = slice_columns(world.calendar, grain, start, each)
        for deal_type in ("upsell", "cross_sell"):
            own = [deal for deal in deals if deal.deal_type == deal_type]
            row[f"{deal_type}_deals"] = len(own)
            row[f"{deal_type}_amount"] = total(deal.amount for deal in own)
        row |= {
            "expanded_customers": len(expanded),
            "existing_customers": existing,
            "expansion_rate": ratio(len(expanded), existing),
            "avg_months_since_first_purchase": average(
                _months_since_first_purchase(world, deal) for deal in deals
            ),
        }
        rows.append(row)
    return rows


def expansion_paths(world: World) -> list[dict]:
    """Which product leads to which."""
    paths = defaultdict(list)
    for deal in world.won_deals:
        account = world.customers.get(deal.account_id)
        first = account.first_won_deal if account else None
        if deal.deal_type not in ("upsell", "cross_sell") or deal is first:
            continue
        came_from = known(first.product_id) if first else UNKNOWN
        path = (came_from, known(deal.product_id), deal.deal_type, known(deal.industry))
        paths[path].append(deal)
    return [
        {
            "from_product_id": came_from,
            "to_product_id": to,
            "deal_type": deal_type,
            "industry": industry,
            "deals": len(deals),
            "amount": total(deal.amount for deal in deals),
            "median_months_since_first_purchase": median(
                _months_since_first_purchase(world, deal) for deal in deals
            ),
        }
        for (came_from, to, deal_type, industry), deals in paths.items()
    ]


# --- NPS -----------------------------------------------------------------------------------------


def nps(world: World) -> list[dict]:
    """Whether customers would recommend the company."""
    dimensions = ("segment", "region", "industry", "owner")
    invited = by_period(
        world.calendar,
        world.nps_responses,
        grains="MQ",
        when=lambda row: row.sent_at,
        slices=lambda row: slices_of(row.slices, dimensions),
    )
    answered = by_period(
        world.calendar,
        [row for row in world.nps_responses if row.score is not None],
        grains="MQ",
        when=lambda row: row.responded_at,
        slices=lambda row: slices_of(row.slices, dimensions),
    )
    rows = []
    for grain, start, each in {**invited, **answered}:
        invitations = invited.get((grain, start, each), [])
        answers = answered.get((grain, start, each), [])
        came_back = sum(1 for row in invitations if row.responded_at is not None)
        promoters = sum(1 for row in answers if row.score >= 9)
        detractors = sum(1 for row in answers if row.score <= 6)
        share = ratio(promoters - detractors, len(answers))
        margin = None
        if answers:
            spread = ratio(promoters + detractors, len(answers)) - share**2
            margin = 196 * math.sqrt(spread / len(answers))
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "invitations": len(invitations),
                "invited_responses": came_back,
                "response_rate": ratio(came_back, len(invitations)),
                "responses": len(answers),
                "promoters": promoters,
                "passives": len(answers) - promoters - detractors,
                "detractors": detractors,
                "nps": None if share is None else share * 100,
                "nps_margin": margin,
                "too_early_responses": sum(1 for row in answers if _is_too_early(world, row)),
            }
        )
    return rows


def _is_too_early(world: World, response) -> bool:
    account = world.customers.get(response.account_id)
    if account is None:
        return True
    tenure = days(response.responded_at - account.became_customer_at)
    return tenure < world.settings.nps_min_tenure_days


# --- recurring revenue ---------------------------------------------------------------------------

MOVEMENT_COLUMNS = {
    "new": ("new_mrr", 1),
    "reactivation": ("reactivation_mrr", 1),
    "expansion": ("expansion_mrr", 1),
    "contraction": ("contraction_mrr", -1),
    "churn": ("churned_mrr", -1),
}


def mrr(world: World) -> list[dict]:
    """From the opening to the closing MRR of every month."""

    def keys(row):
        account = world.account(row.account_id)
        attributes = {"segment": account.segment, "region": account.region}
        return [(row.month_start, each) for each in slices_of(attributes, ("segment", "region"))]

    groups = grouped(world.account_months, keys)
    for month in world.mrr_months:
        groups.setdefault((month, ALL), [])
    rows = []
    for (month, each), members in groups.items():
        moved = dict.fromkeys((column for column, _ in MOVEMENT_COLUMNS.values()), Fraction(0))
        for row in members:
            if row.movement in MOVEMENT_COLUMNS:
                column, sign = MOVEMENT_COLUMNS[row.movement]
                moved[column] += sign * row.movement_amount
        opening = total(row.previous_mrr for row in members)
        opening_accounts = sum(1 for row in members if row.previous_mrr > 0)
        churned_accounts = sum(1 for row in members if row.movement == "churn")
        kept = opening - moved["contraction_mrr"] - moved["churned_mrr"]
        rows.append(
            {
                **slice_columns(world.calendar, "month", month, each),
                "opening_mrr": opening,
                **moved,
                "fx_mrr": total(row.fx_amount for row in members),
                "closing_mrr": total(row.mrr for row in members),
                "opening_accounts": opening_accounts,
                "active_accounts": sum(1 for row in members if row.mrr > 0),
                "churned_accounts": churned_accounts,
                "net_revenue_retention": ratio(kept + moved["expansion_mrr"], opening),
                "gross_revenue_retention": ratio(kept, opening),
                "logo_churn_rate": ratio(churned_accounts, opening_accounts),
            }
        )
    return rows


# --- cost and value ------------------------------------------------------------------------------


def cac(world: World) -> list[dict]:
    """What a new customer cost to win."""
    calendar = world.calendar
    spent = grouped(world.spend, lambda row: [calendar.start("quarter", row.spent_on)])
    won = grouped(
        world.customers.values(),
        lambda account: [calendar.period_of("quarter", account.became_customer_at)],
    )
    rows = []
    for start in {**spent, **won}:
        spend, customers = spent.get(start, []), won.get(start, [])
        shared_total = total(row.amount for row in spend if row.segment is None)
        direct = grouped(
            [row for row in spend if row.segment is not None],
            lambda row: [ALL, ("segment", row.segment)],
        )
        new = grouped(customers, lambda account: [ALL, ("segment", known(account.segment))])
        for each in {ALL: None, **direct, **new}:
            direct_spend = total(row.amount for row in direct.get(each, []))
            count = len(new.get(each, []))
            share = ratio(count, len(customers))
            if each == ALL:
                shared = shared_total
            else:
                shared = None if share is None else shared_total * share
            whole = None if shared is None else direct_spend + shared
            rows.append(
                {
                    **slice_columns(calendar, "quarter", start, each),
                    "direct_spend": direct_spend,
                    "shared_spend": shared,
                    "spend": whole,
                    "new_customers": count,
                    "cac": ratio(whole, count),
                    "cac_direct": ratio(direct_spend, count),
                }
            )
    return rows


def _segment_slices(account) -> list[tuple[str, str]]:
    return [ALL, ("segment", known(account.segment))]


class Ledger:
    """Revenue and costs of every account by date."""

    def __init__(self, world: World) -> None:
        self.revenue = defaultdict(list)
        self.costs = defaultdict(list)
        for row in world.account_months:
            self.revenue[row.account_id].append((row.month_start, row.mrr))
        for line in world.orders:
            day = world.calendar.day_of(line.ordered_at)
            self.revenue[line.account_id].append((day, line.amount))
        for row in world.costs:
            self.costs[row.account_id].append((row.incurred_on, row.amount))

    @staticmethod
    def between(entries: list, first: date, end: date) -> Fraction:
        """What is dated from `first` up to but not including `end`; a month counts by its start."""
        return total(amount for day, amount in entries if first <= day < end)

    def margin(self, accounts: list, first: date, end: date) -> Fraction | None:
        """1 - costs / revenue of the accounts."""
        revenue = sum(self.between(self.revenue[a.account_id], first, end) for a in accounts)
        costs = sum(self.between(self.costs[a.account_id], first, end) for a in accounts)
        share = ratio(costs, revenue)
        return None if share is None else 1 - share


def lifetime(world: World, churned: int, account_months: int) -> Fraction | None:
    """1 / monthly churn, at most the longest lifetime that the company believes in."""
    churn = ratio(churned, account_months)
    if churn is None:
        return None
    longest = world.settings.max_lifetime_months
    return longest if churn == 0 else min(1 / churn, longest)


def ltv(world: World, mrr_rows: list[dict], cac_rows: list[dict]) -> list[dict]:
    """What a customer brought so far and may be expected to bring."""
    calendar, ledger = world.calendar, Ledger(world)
    months = {(r["period_start"], (r["dimension"], r["dimension_value"])): r for r in mrr_rows}
    cacs = {(r["period_start"], (r["dimension"], r["dimension_value"])): r for r in cac_rows}
    begins = [calendar.day_of(a.became_customer_at) for a in world.customers.values()]
    rows = []
    for start in calendar.series("quarter", min(begins, default=date.max), world.today):
        if not calendar.is_complete("quarter", start):
            continue
        end = calendar.end("quarter", start)
        groups = grouped(
            [
                account
                for account in world.customers.values()
                if account.became_customer_at < calendar.midnight(end)
            ],
            _segment_slices,
        )
        for each, accounts in groups.items():
            own_months = [months.get((calendar.shift("month", start, n), each)) for n in range(3)]
            there = [row for row in own_months if row]
            churned = sum(row["churned_accounts"] for row in there)
            account_months = sum(row["opening_accounts"] for row in there)
            last = own_months[-1]
            arpa = ratio(last["closing_mrr"], last["active_accounts"]) if last else None
            revenue = average(
                ledger.between(ledger.revenue[a.account_id], date.min, end) for a in accounts
            )
            cost = average(
                ledger.between(ledger.costs[a.account_id], date.min, end) for a in accounts
            )
            margin = ledger.margin(accounts, start, end)
            months_left = lifetime(world, churned, account_months)
            expected = None
            if None not in (arpa, margin, months_left):
                expected = arpa * margin * months_left
            cost_to_win = cacs.get((start, each), {}).get("cac")
            rows.append(
                {
                    **slice_columns(calendar, "quarter", start, each),
                    "customers": len(accounts),
                    "avg_revenue_to_date": revenue,
                    "avg_cost_to_date": cost,
                    "ltv_to_date": revenue - cost,
                    "gross_margin": margin,
                    "arpa": arpa,
                    "churned_accounts": churned,
                    "account_months": account_months,
                    "monthly_churn_rate": ratio(churned, account_months),
                    "expected_lifetime_months": months_left,
                    "ltv_expected": expected,
                    "cac": cost_to_win,
                    "ltv_to_cac": ratio(expected, cost_to_win),
                }
            )
    return rows


def clv(world: World, mrr_rows: list[dict]) -> list[dict]:
    """What each customer brought so far and may be expected to bring."""
    ledger, calendar = Ledger(world), world.calendar
    by_segment = grouped(world.customers.values(), lambda account: [known(account.segment)])
    current = {}
    if world.mrr_months:
        last_month = world.mrr_months[-1]
        current = {r.account_id: r.mrr for r in world.account_months if r.month_start == last_month}
    this_month = calendar.start("month", world.today)
    last_twelve = [calendar.shift("month", this_month, -n) for n in range(1, 13)]
    margins, lifetimes = {}, {}
    for segment, accounts in by_segment.items():
        margins[segment] = ledger.margin(accounts, date.min, date.max)
        months = [
            row
            for row in mrr_rows
            if (row["dimension"], row["dimension_value"]) == ("segment", segment)
            and row["period_start"] in last_twelve
        ]
        lifetimes[segment] = lifetime(
            world,
            sum(row["churned_accounts"] for row in months),
            sum(row["opening_accounts"] for row in months),
        )
    rows = []
    for account_id, account in world.customers.items():
        revenue = total(amount for _, amount in ledger.revenue[account_id])
        cost = total(amount for _, amount in ledger.costs[account_id])
        segment = known(account.segment)
        current_mrr = current.get(account_id, Fraction(0))
        remaining = Fraction(0) if account.churned_at is not None else lifetimes[segment]
        margin, expected = margins[segment], None
        if None not in (margin, remaining):
            expected = revenue - cost + current_mrr * margin * remaining
        rows.append(
            {
                "account_id": account_id,
                "became_customer_at": account.became_customer_at,
                "revenue_to_date": revenue,
                "cost_to_date": cost,
                "clv_to_date": revenue - cost,
                "current_mrr": current_mrr,
                "expected_remaining_months": remaining,
                "clv_expected": expected,
            }
        )
    rows.sort(
        key=lambda row: (
            row["clv_expected"] is None,
            -(row["clv_expected"] or 0),
            -row["clv_to_date"],
            row["account_id"],
        )
    )
    for rank, row in enumerate(rows, start=1):
        row["clv_rank"] = rank
    return rows


def magic_number(world: World) -> list[dict]:
    """How much new recurring revenue a unit of spend brought a quarter later."""
    calendar = world.calendar
    spent = grouped(world.spend, lambda row: [calendar.start("quarter", row.spent_on)])
    revenue = defaultdict(Fraction)
    for month in world.mrr_months:
        revenue[calendar.start("quarter", month)] += 0
    for row in world.account_months:
        revenue[calendar.start("quarter", row.month_start)] += row.mrr
    rows = []
    for start in revenue:
        if not calendar.is_complete("quarter", start):
            continue
        before = calendar.previous("quarter", start)
        spend = total(row.amount for row in spent.get(before, []))
        number = None
        if revenue.get(before):
            number = ratio((revenue[start] - revenue[before]) * 4, spend)
        rows.append(
            {
                **slice_columns(calendar, "quarter", start, ALL),
                "recurring_revenue": revenue[start],
                "previous_recurring_revenue": revenue.get(before, Fraction(0)),
                "previous_spend": spend,
                "magic_number": number,
                "magic_number_signal": _magic_signal(number),
            }
        )
    return rows


def _magic_signal(number: Fraction | None) -> str | None:
    if number is None:
        return None
    if number < Fraction(3, 4):
        return "review_cac"
    return "invest_more" if number > 1 else "efficient"

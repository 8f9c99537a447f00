"""What exists at as_of, and the facts and dimensions made of it.

`World` holds the known rows with their derived attributes; the KPI modules read it and nothing
else. A missing attribute is None here; `slices` turns it into `unknown` in KPI marts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

from .periods import Calendar
from .reading import Landing
from .settings import Seeds, Settings
from .stats import days, minutes

MEETINGS = ("meeting", "video_meeting")
CONVERSATIONS = ("call", "email", "chat")
NOT_TAKEN_PLACE = ("declined", "cancelled", "no_show")
NOBODY = SimpleNamespace(
    team=None, region=None, industry=None, segment=None, owner_id=None, source=None
)


class World:
    """Everything that a refresh at as_of knows."""

    def __init__(self, landing: Landing, settings: Settings, seeds: Seeds, as_of: datetime) -> None:
        self.landing, self.settings, self.seeds, self.as_of = landing, settings, seeds, as_of
        self.calendar = Calendar(settings, seeds, as_of)
        self.today = self.calendar.today
        self._read_rates()
        self._read_people_and_things()
        self._read_deals()
        self._read_activities()
        self._read_leads()
        self._read_money()
        self._read_customers()
        self._read_account_months()

    # --- what exists -----------------------------------------------------------------------------

    def _happened(self, rows: list, column: str) -> list:
        """Copies of the rows whose instant is at or before as_of; a missing one always was."""
        return [
            SimpleNamespace(**vars(row))
            for row in rows
            if getattr(row, column) is None or getattr(row, column) <= self.as_of
        ]

    def _dated(self, rows: list, column: str) -> list:
        """Copies of the rows whose date is at or before as_of's."""
        return [SimpleNamespace(**vars(row)) for row in rows if getattr(row, column) <= self.today]

    def _forget_later(self, row: SimpleNamespace, *columns: str) -> None:
        """Instants and dates later than as_of count as null."""
        for column in columns:
            value = getattr(row, column)
            if value is None:
                continue
            later = value > (self.as_of if isinstance(value, datetime) else self.today)
            if later:
                setattr(row, column, None)

    def _read_rates(self) -> None:
        self.rates = defaultdict(list)
        for row in sorted(self._dated(self.landing.fx_rates, "rate_on"), key=lambda r: r.rate_on):
            self.rates[row.currency].append((row.rate_on, row.rate))

    def rate(self, currency: str | None, day: date) -> Fraction | None:
        """Units of the reporting currency for one unit on that day; null without a rate."""
        if currency is None or currency == self.settings.reporting_currency:
            return Fraction(1)
        known = self.rates.get(currency, [])
        place = bisect_right(known, day, key=lambda pair: pair[0])
        return known[place - 1][1] if place else None

    def money(
        self, amount: Fraction | None, currency: str | None, when: datetime | date
    ) -> Fraction | None:
        """The amount in the reporting currency at the rate of the event's date."""
        day = self.calendar.day_of(when) if isinstance(when, datetime) else when
        rate = self.rate(currency, day)
        return None if amount is None or rate is None else amount * rate

    def _read_people_and_things(self) -> None:
        self.users = {row.user_id: SimpleNamespace(**vars(row)) for row in self.landing.users}
        for user in self.users.values():
            self._forget_later(user, "left_on")
        accounts = self._happened(self.landing.accounts, "created_at")
        self.accounts = {row.account_id: row for row in accounts}
        contacts = self._happened(self.landing.contacts, "created_at")
        self.contacts = {row.contact_id: row for row in contacts}
        self.locations = {row.location_id: row for row in self.landing.locations}
        self.products = {row.product_id: row for row in self.landing.products}
        self.stages = {(row.pipeline, row.stage): row for row in self.landing.pipeline_stages}

    def user(self, user_id: str | None) -> SimpleNamespace:
        """The user, or nobody with unknown attributes."""
        return self.users.get(user_id, NOBODY)

    def account(self, account_id: str | None) -> SimpleNamespace:
        """The account, or none with unknown attributes."""
        return self.accounts.get(account_id, NOBODY)

    # --- deals -----------------------------------------------------------------------------------

    def outcome(self, pipeline: str, stage: str) -> str:
        """open, won or lost; a stage that pipeline_stages does not list is open."""
        listed = self.stages.get((pipeline, stage))
        return listed.outcome if listed else "open"

    def position(self, pipeline: str, stage: str) -> int | None:
        """The stage's position in its pipeline; null when unlisted."""
        listed = self.stages.get((pipeline, stage))
        return listed.position if listed else None

    def _read_deals(self) -> None:
        history = defaultdict(list)
        for row in self.landing.deal_stage_history:
            history[row.deal_id].append(row)
        known = self._happened(self.landing.deals, "created_at")
        self.deals = {row.deal_id: row for row in known if not row.is_deleted}
        self.visits: list[SimpleNamespace] = []
        for deal in self.deals.values():
            entries = history.get(deal.deal_id, [])
            deal.visits = self._visits(deal, entries)
            self.visits += deal.visits
            self._settle(deal, has_history=bool(entries))
            self._describe(deal)
        self.settled_deals = [deal for deal in self.deals.values() if deal.outcome is not None]
        self.won_deals = [deal for deal in self.settled_deals if deal.outcome == "won"]
        self.lost_deals = [deal for deal in self.settled_deals if deal.outcome == "lost"]

    def _visits(self, deal: SimpleNamespace, entries: list) -> list[SimpleNamespace]:
        visits: list[SimpleNamespace] = []
        for entry in sorted(entries, key=lambda row: (row.changed_at, row.change_id)):
            if entry.changed_at > self.as_of or (visits and visits[-1].stage == entry.stage):
                continue
            visits.append(
                SimpleNamespace(
                    deal=deal,
                    visit_id=entry.change_id,
                    visit_number=len(visits) + 1,
                    pipeline=deal.pipeline,
                    stage=entry.stage,
                    position=self.position(deal.pipeline, entry.stage),
                    outcome=self.outcome(deal.pipeline, entry.stage),
                    entered_at=entry.changed_at,
                    exited_at=None,
                    direction=None,
                    next_stage=None,
                )
            )
        for visit, following in pairwise(visits):
            visit.exited_at = following.entered_at
            visit.next_stage = following.stage
            visit.direction = self._direction(visit, following)
        for visit in visits:
            visit.is_current = visit.exited_at is None
            elapsed = days((visit.exited_at or self.as_of) - visit.entered_at)
            visit.days_in_stage = None if visit.is_current else elapsed
            visit.days_so_far = elapsed
        return visits

    @staticmethod
    def _direction(visit: SimpleNamespace, following: SimpleNamespace) -> str:
        if following.outcome != "open":
            return following.outcome
        if visit.outcome != "open":
            return "reopened"
        if None in (visit.position, following.position) or visit.position == following.position:
            return "lateral"
        return "forward" if following.position > visit.position else "back"

    def _settle(self, deal: SimpleNamespace, *, has_history: bool) -> None:
        """Where the deal stands, and since when it is closed."""
        self._forget_later(deal, "closed_at")
        directions = [visit.direction for visit in deal.visits]
        deal.back_moves = directions.count("back")
        deal.reopened_count = directions.count("reopened")
        deal.stage_moves = max(len(deal.visits) - 1, 0)
        deal.stages_visited = len({visit.stage for visit in deal.visits})
        current = deal.visits[-1] if deal.visits else None
        deal.days_in_current_stage = current.days_so_far if current else None
        if current:
            deal.stage, deal.outcome = current.stage, current.outcome
        else:
            deal.outcome = self.outcome(deal.pipeline, deal.stage)
            if has_history or (deal.outcome != "open" and deal.closed_at is None):
                deal.stage = deal.outcome = None
        if deal.outcome in (None, "open"):
            deal.closed_at = None
        elif current and (
            deal.closed_at is None
            or (deal.reopened_count and current.entered_at - deal.closed_at > timedelta(days=1))
        ):
            deal.closed_at = current.entered_at
        deal.days_to_close = None
        if deal.closed_at is not None and deal.closed_at >= deal.created_at:
            deal.days_to_close = days(deal.closed_at - deal.created_at)
        deal.age_days = days(self.as_of - deal.created_at) if deal.outcome == "open" else None

    def _describe(self, deal: SimpleNamespace) -> None:
        account, owner = self.account(deal.account_id), self.user(deal.owner_id)
        deal.team = owner.team
        deal.region = deal.region or account.region or owner.region
        deal.industry, deal.segment = account.industry, account.segment
        deal.amount = self.money(deal.amount, deal.currency, deal.closed_at or deal.created_at)
        deal.size_band = self.seeds.size_band(deal.amount)
        deal.slices = {
            "owner": deal.owner_id,
            "team": deal.team,
            "region": deal.region,
            "source": deal.source,
            "deal_type": deal.deal_type,
            "product": deal.product_id,
            "industry": deal.industry,
            "segment": deal.segment,
            "size_band": deal.size_band,
        }

    # --- activities and leads --------------------------------------------------------------------

    def _read_activities(self) -> None:
        known_leads = self._happened(self.landing.leads, "created_at")
        self.leads = {row.lead_id: row for row in known_leads}
        activities = [SimpleNamespace(**vars(row)) for row in self.landing.activities]
        for activity in activities:
            activity.created_at = activity.created_at or activity.occurred_at
        self.activities = sorted(
            self._happened(activities, "created_at"),
            key=lambda row: (row.occurred_at, row.activity_id),
        )
        for activity in self.activities:
            took_place = activity.occurred_at <= self.as_of
            is_meeting = activity.activity_type in MEETINGS
            status = activity.meeting_status if is_meeting else None
            activity.is_touch = (
                took_place
                and (is_meeting or activity.direction == "outbound")
                and status not in NOT_TAKEN_PLACE
            )
            said = took_place and not is_meeting
            activity.is_outreach = said and activity.direction == "outbound"
            activity.is_reply = said and activity.direction == "inbound"
            activity.is_meeting_set = is_meeting
            activity.person = activity.contact_id
            if activity.person is None and activity.lead_id is not None:
                lead = self.leads.get(activity.lead_id)
                converted = lead and lead.converted_contact_id
                activity.person = converted or f"lead:{activity.lead_id}"
            activity.account_id = self._account_of(activity)
            lead = self.leads.get(activity.lead_id, NOBODY)
            deal = self.deals.get(activity.deal_id, NOBODY)
            activity.slices = {
                "owner": activity.user_id,
                "team": self.user(activity.user_id).team,
                "channel": activity.activity_type,
                "source": lead.source or deal.source,
            }

    def _account_of(self, activity: SimpleNamespace) -> str | None:
        """Its own account; else its deal's, its contact's, its lead's converted one."""
        deal = self.deals.get(activity.deal_id)
        contact = self.contacts.get(activity.contact_id)
        lead = self.leads.get(activity.lead_id)
        return (
            activity.account_id
            or (deal and deal.account_id)
            or (contact and contact.account_id)
            or (lead and lead.converted_account_id)
            or None
        )

    def _read_leads(self) -> None:
        by_lead = defaultdict(list)
        for activity in self.activities:
            by_lead[activity.lead_id].append(activity)
        for lead in self.leads.values():
            self._forget_later(
                lead, "became_mql_at", "became_sql_at", "converted_at", "disqualified_at"
            )
            lead.team = self.user(lead.owner_id).team
            lead.activities = by_lead.get(lead.lead_id, [])
            lead.touches = [each for each in lead.activities if each.is_touch]
            lead.first_touch = lead.touches[0] if lead.touches else None
            answers = (
                each.occurred_at
                for each in lead.activities
                if each.is_outreach and each.occurred_at >= lead.created_at
            )
            answered_at = next(answers, None)
            lead.response_minutes = answered_at and minutes(answered_at - lead.created_at)
            deal = self.deals.get(lead.converted_deal_id)
            lead.is_acquired = deal is not None and deal.outcome == "won"
            lead.acquired_at = deal.closed_at if lead.is_acquired else None
            lead.touches_before_acquisition = sum(
                1
                for touch in lead.touches
                if not lead.is_acquired or touch.occurred_at < lead.acquired_at
            )
            lead.slices = {
                "owner": lead.owner_id,
                "team": lead.team,
                "source": lead.source,
                "region": lead.region,
                "campaign": lead.campaign,
            }

    # --- money -----------------------------------------------------------------------------------

    def _read_money(self) -> None:
        self.orders = self._happened(self.landing.orders, "ordered_at")
        for line in self.orders:
            line.amount = self.money(line.amount, line.currency, line.ordered_at)
            line.quantity = Fraction(1) if line.quantity is None else line.quantity
        self.spend = self._dated(self.landing.spend, "spent_on")
        for row in self.spend:
            row.amount = self.money(row.amount, row.currency, row.spent_on)
        self.costs = self._dated(self.landing.account_costs, "incurred_on")
        for row in self.costs:
            row.amount = self.money(row.amount, row.currency, row.incurred_on)
        self.competitor_prices = self._dated(self.landing.competitor_prices, "observed_on")
        for row in self.competitor_prices:
            row.price = self.money(row.price, row.currency, row.observed_on)
        self.quotas = self._dated(self.landing.quotas, "period_start")
        self.subscriptions = self._dated(self.landing.subscriptions, "started_on")
        for row in self.subscriptions:
            self._forget_later(row, "ended_on")
        self.promotions = self._dated(self.landing.promotions, "starts_on")
        for row in self.promotions:
            self._forget_later(row, "ends_on")
        self.employee_responses = self._happened(self.landing.employee_responses, "responded_at")
        self.nps_responses = self._happened(self.landing.nps_responses, "sent_at")
        for row in self.nps_responses:
            if row.responded_at is not None and row.responded_at > self.as_of:
                row.responded_at = row.score = None
            account = self.account(row.account_id)
            row.slices = {
                "segment": account.segment,
                "region": account.region,
                "industry": account.industry,
                "owner": account.owner_id,
            }

    # --- customers -------------------------------------------------------------------------------

    def _read_customers(self) -> None:
        won, paid, ordered = defaultdict(list), defaultdict(list), defaultdict(list)
        for deal in self.won_deals:
            won[deal.account_id].append(deal)
        for subscription in self.subscriptions:
            if subscription.mrr > 0:
                paid[subscription.account_id].append(subscription)
        for line in self.orders:
            ordered[line.account_id].append(line)
        for account_id, account in self.accounts.items():
            deals = sorted(won[account_id], key=lambda deal: (deal.closed_at, deal.deal_id))
            account.first_won_deal = deals[0] if deals else None
            starts = [self.calendar.midnight(each.started_on) for each in paid[account_id]]
            starts += [line.ordered_at for line in ordered[account_id]]
            if deals:
                account.became_customer_at = deals[0].closed_at
            else:
                account.became_customer_at = min(starts, default=None)
            account.has_paid_subscription = bool(paid[account_id])
            ends = [each.ended_on for each in paid[account_id]]
            is_churned = bool(ends) and None not in ends
            account.churned_at = self.calendar.midnight(max(ends)) if is_churned else None
        self.customers = {
            account_id: account
            for account_id, account in self.accounts.items()
            if account.became_customer_at is not None
        }

    def _read_account_months(self) -> None:
        self.account_months: list[SimpleNamespace] = []
        self.mrr_months: list[date] = []
        if not self.subscriptions:
            return
        by_account = defaultdict(list)
        for subscription in self.subscriptions:
            by_account[subscription.account_id].append(subscription)
        first = min(subscription.started_on for subscription in self.subscriptions)
        self.mrr_months = [
            month
            for month in self.calendar.series("month", first, self.today)
            if self.calendar.is_complete("month", month)
        ]
        for account_id, subscriptions in by_account.items():
            self._follow_account(account_id, subscriptions)

    def _mrr(self, subscriptions: list, day: date, rate_day: date, otherwise: date) -> Fraction:
        """MRR of the subscriptions active on a day, at the rate of `rate_day`, else `otherwise`."""
        total = Fraction(0)
        for each in subscriptions:
            if each.started_on <= day and (each.ended_on is None or each.ended_on > day):
                rate = self.rate(each.currency, rate_day) or self.rate(each.currency, otherwise)
                total += each.mrr * (rate or 0)
        return total

    def _follow_account(self, account_id: str, subscriptions: list) -> None:
        previous, ever_active = Fraction(0), False
        for month in self.mrr_months:
            last_day = self.calendar.end("month", month) - timedelta(days=1)
            day_before = month - timedelta(days=1)
            mrr = self._mrr(subscriptions, last_day, last_day, last_day)
            at_old_rate = self._mrr(subscriptions, last_day, day_before, last_day)
            change = at_old_rate - previous
            if mrr > 0 and previous <= 0:
                movement = "reactivation" if ever_active else "new"
            elif previous > 0 and mrr <= 0:
                movement = "churn"
            elif abs(change) < Fraction(1, 10**6):
                movement = "none"
            else:
                movement = "expansion" if change > 0 else "contraction"
            ever_active = ever_active or mrr > 0
            if ever_active:
                self.account_months.append(
                    SimpleNamespace(
                        account_id=account_id,
                        month_start=month,
                        mrr=mrr,
                        previous_mrr=previous,
                        movement=movement,
                        movement_amount=change,
                        fx_amount=mrr - at_old_rate,
                    )
                )
            previous = mrr


# --- the facts and dimensions as rows ------------------------------------------------------------


def pick(rows, *names: str) -> list[dict]:
    """Rows with the named attributes."""
    return [{name: getattr(row, name) for name in names} for row in rows]


def dimensions(world: World) -> dict[str, list[dict]]:
    """The dim_ marts."""
    return {
        "dim_date": dim_date(world),
        "dim_account": pick(
            world.accounts.values(),
            *("account_id", "name", "industry", "segment", "region", "owner_id"),
            *("created_at", "became_customer_at", "churned_at"),
        ),
        "dim_user": pick(
            world.users.values(),
            *("user_id", "full_name", "role", "team", "region", "manager_id"),
            *("max_daily_leads", "max_daily_deals", "hired_on", "left_on"),
        ),
        "dim_product": pick(
            world.products.values(), "product_id", "name", "category", "list_price", "currency"
        ),
        "dim_stage": pick(world.stages.values(), "pipeline", "stage", "position", "outcome"),
        "dim_location": pick(world.locations.values(), "location_id", "name", "region", "kind"),
    }


def dim_date(world: World) -> list[dict]:
    """Every day from the first event that a KPI counts to as_of."""
    calendar = world.calendar
    instants = [deal.created_at for deal in world.deals.values()]
    instants += [row.created_at for row in world.accounts.values() if row.created_at]
    instants += [row.created_at for row in world.contacts.values() if row.created_at]
    instants += [visit.entered_at for visit in world.visits]
    instants += [lead.created_at for lead in world.leads.values()]
    instants += [activity.occurred_at for activity in world.activities]
    instants += [activity.created_at for activity in world.activities]
    instants += [line.ordered_at for line in world.orders]
    instants += [row.sent_at for row in world.nps_responses]
    instants += [row.responded_at for row in world.employee_responses]
    dates = [calendar.day_of(instant) for instant in instants]
    dates += [row.started_on for row in world.subscriptions]
    dates += [row.spent_on for row in world.spend]
    dates += [row.observed_on for row in world.competitor_prices]
    dates += [row.starts_on for row in world.promotions]
    return [
        {
            "date_day": day,
            "week_start": calendar.start("week", day),
            "month_start": calendar.start("month", day),
            "quarter_start": calendar.start("quarter", day),
            "fiscal_year": calendar.fiscal_year(day),
            "fiscal_quarter": calendar.fiscal_quarter(day),
            "is_business_day": calendar.is_business_day(day),
        }
        for day in calendar.days(min(dates, default=calendar.today), calendar.today)
    ]


def facts(world: World) -> dict[str, list[dict]]:
    """The fct_ marts."""
    return {
        "fct_deals": pick(
            world.deals.values(),
            *("deal_id", "account_id", "owner_id", "team", "region", "source", "deal_type"),
            *("product_id", "industry", "segment", "size_band", "pipeline", "stage", "outcome"),
            *("amount", "created_at", "closed_at", "days_to_close", "age_days"),
            *("days_in_current_stage", "stage_moves", "back_moves", "reopened_count"),
            "stages_visited",
        ),
        "fct_deal_stage_visits": [
            {"deal_id": visit.deal.deal_id, "stage_position": visit.position, **row}
            for visit, row in zip(
                world.visits,
                pick(
                    world.visits,
                    *("visit_number", "visit_id", "pipeline", "stage", "entered_at", "exited_at"),
                    *("days_in_stage", "days_so_far", "direction", "next_stage", "is_current"),
                ),
                strict=True,
            )
        ],
        "fct_leads": [
            {
                "first_touch_at": lead.first_touch and lead.first_touch.occurred_at,
                "first_touch_type": lead.first_touch and lead.first_touch.activity_type,
                "first_touch_user_id": lead.first_touch and lead.first_touch.user_id,
                **row,
            }
            for lead, row in zip(
                world.leads.values(),
                pick(
                    world.leads.values(),
                    *("lead_id", "owner_id", "source", "region", "created_at"),
                    *("response_minutes", "became_mql_at", "became_sql_at", "converted_at"),
                    *("is_acquired", "acquired_at", "touches_before_acquisition"),
                ),
                strict=True,
            )
        ],
        "fct_activities": pick(
            world.activities,
            *("activity_id", "activity_type", "direction", "user_id", "person", "lead_id"),
            *("account_id", "deal_id", "created_at", "occurred_at", "is_touch", "is_reply"),
            *("is_meeting_set", "reply_sentiment", "meeting_status"),
        ),
        "fct_account_months": pick(
            world.account_months,
            *("account_id", "month_start", "mrr", "previous_mrr", "movement"),
            *("movement_amount", "fx_amount"),
        ),
        "fct_orders": pick(
            world.orders,
            *("order_id", "line_number", "account_id", "location_id", "channel", "product_id"),
            *("quantity", "amount", "ordered_at", "promotion_id"),
        ),
        "fct_nps_responses": pick(
            world.nps_responses,
            *("response_id", "account_id", "contact_id", "wave", "sent_at", "responded_at"),
            "score",
        ),
        "fct_employee_responses": pick(
            world.employee_responses,
            *("response_id", "wave", "team", "responded_at", "question", "rating"),
        ),
        "fct_spend": pick(
            world.spend, "spend_id", "spent_on", "department", "source", "segment", "amount"
        ),
        "fct_competitor_prices": pick(
            world.competitor_prices, "competitor", "product_id", "observed_on", "price"
        ),
    }

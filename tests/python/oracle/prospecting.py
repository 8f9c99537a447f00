"""The prospecting marts: leads, outreach, quotas, capacity."""

from __future__ import annotations

from datetime import date, datetime
from types import SimpleNamespace

from .facts import CONVERSATIONS, MEETINGS, World
from .slices import ALL, by_period, grouped, known, slice_columns, slices_of
from .stats import average, days, median, p90, ratio, total, with_interval


def compute(world: World) -> dict[str, list[dict]]:
    """Every prospecting mart."""
    return {
        "kpi_new_opportunities": new_opportunities(world),
        "kpi_quota_attainment": quota_attainment(world),
        "kpi_quota_team": quota_team(world),
        "kpi_acquisition_rate": acquisition_rate(world),
        "kpi_acquisition_by_touches": acquisition_by_touches(world),
        "kpi_contact_volume": contact_volume(world),
        "kpi_appointment_rate": appointment_rate(world),
        "kpi_lead_response_time": lead_response_time(world),
        "kpi_mql": mql(world),
        "kpi_bdr_capacity": bdr_capacity(world),
        "kpi_ae_capacity": ae_capacity(world),
        "kpi_reply_rate": reply_rate(world),
        "kpi_meeting_acceptance": meeting_acceptance(world),
        "kpi_touchpoints": touchpoints(world),
    }


def new_opportunities(world: World) -> list[dict]:
    """New leads and new deals."""
    dimensions = ("owner", "team", "region", "source")
    groups = by_period(
        world.calendar,
        [*world.leads.values(), *world.deals.values()],
        grains="WMQ",
        when=lambda row: row.created_at,
        slices=lambda row: slices_of(row.slices, dimensions),
    )
    rows = []
    for (grain, start, each), members in groups.items():
        deals = [row for row in members if hasattr(row, "deal_id")]
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "new_leads": len(members) - len(deals),
                "new_deals": len(deals),
                "new_deal_amount": total(deal.amount for deal in deals),
            }
        )
    return rows


# --- quotas --------------------------------------------------------------------------------------


def _quotas(world: World) -> list[SimpleNamespace]:
    """One per user, metric and period, with what was achieved."""
    calendar = world.calendar
    groups = grouped(
        world.quotas,
        lambda q: [
            (
                q.period_grain,
                calendar.start(q.period_grain, q.period_start),
                q.metric,
                q.user_id,
            )
        ],
    )
    events = {
        "won_amount": [(d.owner_id, d.closed_at, d.amount) for d in world.won_deals],
        "new_leads": [(lead.owner_id, lead.created_at, 1) for lead in world.leads.values()],
        "new_deals": [(deal.owner_id, deal.created_at, 1) for deal in world.deals.values()],
    }
    quotas = []
    for (grain, start, metric, user_id), members in groups.items():
        target = total(q.target for q in members)
        actual = total(
            value
            for owner_id, at, value in events[metric]
            if owner_id == user_id and calendar.period_of(grain, at) == start
        )
        attainment = ratio(actual, target)
        quotas.append(
            SimpleNamespace(
                grain=grain,
                start=start,
                metric=metric,
                user_id=user_id,
                target=target,
                actual=actual,
                attainment=attainment,
                is_at_quota=attainment is not None and attainment >= 1,
            )
        )
    return quotas


def quota_attainment(world: World) -> list[dict]:
    """What each rep achieved of each quota."""
    return [
        {
            **slice_columns(world.calendar, quota.grain, quota.start, ("owner", quota.user_id)),
            "metric": quota.metric,
            "target": quota.target,
            "actual": quota.actual,
            "attainment": quota.attainment,
        }
        for quota in _quotas(world)
    ]


def quota_team(world: World) -> list[dict]:
    """How many of the reps with a quota reached it, and what that says about the quota."""

    def keys(quota):
        user = world.user(quota.user_id)
        attributes = {"team": user.team, "region": user.region}
        return [
            (quota.grain, quota.start, each, quota.metric)
            for each in slices_of(attributes, ("team", "region"))
        ]

    rows = []
    for (grain, start, each, metric), quotas in grouped(_quotas(world), keys).items():
        reached = sum(1 for quota in quotas if quota.is_at_quota)
        share = ratio(reached, len(quotas))
        signal = None
        if world.calendar.is_complete(grain, start):
            signal = "ok"
            if share < world.settings.quota_too_high_below:
                signal = "too_high"
            elif share > world.settings.quota_too_low_above:
                signal = "too_low"
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "metric": metric,
                "reps_with_quota": len(quotas),
                "reps_at_quota": reached,
                "pct_at_quota": share,
                "quota_signal": signal,
            }
        )
    return rows


# --- acquisition ---------------------------------------------------------------------------------


def _first_touch_slices(world: World, lead: SimpleNamespace) -> dict:
    """Owner, team and channel are those of the lead's first touch."""
    touch = lead.first_touch
    return {
        **lead.slices,
        "owner": touch.user_id,
        "team": world.user(touch.user_id).team,
        "channel": touch.activity_type,
    }


def acquisition_rate(world: World) -> list[dict]:
    """Of the leads first touched in a period, those that became a won deal."""
    dimensions = ("owner", "team", "channel", "source", "region")
    groups = by_period(
        world.calendar,
        [lead for lead in world.leads.values() if lead.first_touch],
        grains="WMQ",
        when=lambda lead: lead.first_touch.occurred_at,
        slices=lambda lead: slices_of(_first_touch_slices(world, lead), dimensions),
    )
    rows = []
    for (grain, start, each), leads in groups.items():
        acquired = sum(1 for lead in leads if lead.is_acquired)
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "contacted_leads": len(leads),
                "acquired_leads": acquired,
                **with_interval("acquisition_rate", acquired, len(leads)),
            }
        )
    return rows


def acquisition_by_touches(world: World) -> list[dict]:
    """The chance of a lead to be acquired after its n-th touch."""
    groups = grouped(
        [lead for lead in world.leads.values() if lead.first_touch],
        lambda lead: slices_of(_first_touch_slices(world, lead), ("owner", "channel")),
    )
    rows = []
    for each, leads in groups.items():
        for number in range(1, 21):
            reached = [lead for lead in leads if lead.touches_before_acquisition >= number]
            here = [
                lead
                for lead in reached
                if lead.is_acquired and (number == 20 or lead.touches_before_acquisition == number)
            ]
            if reached:
                rows.append(
                    {
                        "dimension": each[0],
                        "dimension_value": each[1],
                        "touch_number": number,
                        "leads_reached": len(reached),
                        "acquired_here": len(here),
                        "acquisition_hazard": ratio(len(here), len(reached)),
                    }
                )
    return rows


# --- outreach ------------------------------------------------------------------------------------


def _outreach(world: World) -> list[SimpleNamespace]:
    return [activity for activity in world.activities if activity.is_outreach]


def _meetings_set(world: World) -> list[SimpleNamespace]:
    return [activity for activity in world.activities if activity.is_meeting_set]


def contact_volume(world: World) -> list[dict]:
    """How many people each rep reaches out to, and how many a week seem to pay off."""

    def slices(activity):
        pair = f"{known(activity.user_id)}/{activity.activity_type}"
        own = slices_of(activity.slices, ("owner", "team", "channel"))
        return [*own, ("owner_channel", pair)]

    groups = by_period(
        world.calendar,
        _outreach(world),
        grains="WM",
        when=lambda activity: activity.occurred_at,
        slices=slices,
    )
    people = {
        key: len({a.person for a in activities if a.person is not None})
        for key, activities in groups.items()
    }
    booked = by_period(
        world.calendar,
        _meetings_set(world),
        grains="W",
        when=lambda activity: activity.created_at,
        slices=lambda activity: [("owner", known(activity.user_id))],
    )
    meetings = {key: len(activities) for key, activities in booked.items()}
    rows = []
    for (grain, start, each), activities in groups.items():
        suggested = None
        # A week's row of an owner who is not there would mix different people.
        if grain == "week" and each[0] == "owner" and each[1] != "unknown":
            suggested = _suggested(world, start, each, people, meetings)
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "touches": len(activities),
                "unique_contacts": people[grain, start, each],
                "suggested_weekly_contacts": suggested,
            }
        )
    return rows


def _suggested(world: World, start: date, each: tuple, people: dict, meetings: dict):
    """The mean number of people reached in the owner's better half of the 26 weeks before."""
    before = (world.calendar.shift("week", start, -n) for n in range(1, 27))
    active = [week for week in before if ("week", week, each) in people]
    if len(active) < 4:
        return None
    booked = {week: meetings.get(("week", week, each), 0) for week in active}
    bar = median(booked.values())
    return average(people["week", week, each] for week in active if booked[week] >= bar)


def _in_period(world: World, grain: str, start: date, instant: datetime) -> bool:
    return world.calendar.period_of(grain, instant) == start


def appointment_rate(world: World) -> list[dict]:
    """Of the people reached out to, those with whom anybody then set a meeting."""
    groups = by_period(
        world.calendar,
        [activity for activity in _outreach(world) if activity.person is not None],
        grains="WM",
        when=lambda activity: activity.occurred_at,
        slices=lambda a: slices_of(a.slices, ("owner", "team", "channel", "source")),
    )
    booked = grouped(_meetings_set(world), lambda activity: [activity.person])
    rows = []
    for (grain, start, each), activities in groups.items():
        firsts = _firsts(activities, lambda activity: activity.person)
        hits = sum(
            1
            for person, first_at in firsts.items()
            if any(
                meeting.created_at >= first_at
                and _in_period(world, grain, start, meeting.created_at)
                for meeting in booked.get(person, [])
            )
        )
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "contacted": len(firsts),
                "with_appointment": hits,
                **with_interval("appointment_rate", hits, len(firsts)),
            }
        )
    return rows


def _firsts(activities: list, key) -> dict:
    """When each key was first reached out to; `activities` are in order of time."""
    firsts: dict = {}
    for activity in activities:
        firsts.setdefault(key(activity), activity.occurred_at)
    return firsts


def reply_rate(world: World) -> list[dict]:
    """How the leads reached out to answered."""
    groups = by_period(
        world.calendar,
        [activity for activity in _outreach(world) if activity.lead_id in world.leads],
        grains="WM",
        when=lambda activity: activity.occurred_at,
        slices=lambda a: slices_of(a.slices, ("owner", "team", "channel", "source")),
    )
    replies = grouped(
        [activity for activity in world.activities if activity.is_reply],
        lambda activity: [activity.lead_id],
    )
    rows = []
    for (grain, start, each), activities in groups.items():
        firsts = _firsts(activities, lambda activity: activity.lead_id)
        positive = negative = 0
        for lead_id, first_at in firsts.items():
            answers = [
                reply.reply_sentiment
                for reply in replies.get(lead_id, [])
                if reply.occurred_at >= first_at
                and _in_period(world, grain, start, reply.occurred_at)
            ]
            positive += "positive" in answers
            negative += bool(answers) and "positive" not in answers
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "contacted_leads": len(firsts),
                "positive_leads": positive,
                "negative_leads": negative,
                "no_reply_leads": len(firsts) - positive - negative,
                **with_interval("positive_reply_rate", positive, len(firsts)),
                "negative_reply_rate": ratio(negative, len(firsts)),
            }
        )
    return rows


def meeting_acceptance(world: World) -> list[dict]:
    """Meetings set against replies received, and how many were held."""

    def slices(activity):
        return slices_of(activity.slices, ("owner", "team"))

    meetings = by_period(
        world.calendar,
        _meetings_set(world),
        grains="WM",
        when=lambda activity: activity.created_at,
        slices=slices,
    )
    replies = by_period(
        world.calendar,
        [activity for activity in world.activities if activity.is_reply],
        grains="WM",
        when=lambda activity: activity.occurred_at,
        slices=slices,
    )
    rows = []
    for grain, start, each in {**meetings, **replies}:
        booked = meetings.get((grain, start, each), [])
        answers = replies.get((grain, start, each), [])
        held = sum(1 for meeting in booked if meeting.meeting_status == "held")
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "meetings_set": len(booked),
                "replies": len(answers),
                "meeting_acceptance_rate": ratio(len(booked), len(answers)),
                "held": held,
                "held_rate": ratio(held, len(booked)),
            }
        )
    return rows


def touchpoints(world: World) -> list[dict]:
    """How many touches a deal took before it closed."""
    touches = grouped(
        [activity for activity in world.activities if activity.is_touch],
        lambda activity: [activity.deal_id],
    )
    closed = world.won_deals + world.lost_deals
    groups = by_period(
        world.calendar,
        closed,
        grains="MQ",
        when=lambda deal: deal.closed_at,
        slices=lambda deal: [
            (each, deal.outcome) for each in slices_of(deal.slices, ("owner", "team", "deal_type"))
        ],
    )
    kinds = {
        deal.deal_id: [
            touch.activity_type
            for touch in touches.get(deal.deal_id, [])
            if touch.occurred_at < deal.closed_at
        ]
        for deal in closed
    }
    rows = []
    for (grain, start, (each, outcome)), deals in groups.items():
        row = {
            **slice_columns(world.calendar, grain, start, each),
            "outcome": outcome,
            "deals": len(deals),
            "avg_touches": average(len(kinds[deal.deal_id]) for deal in deals),
        }
        for kind in (*CONVERSATIONS, *MEETINGS):
            row[f"avg_{kind}s"] = average(kinds[deal.deal_id].count(kind) for deal in deals)
        rows.append(row)
    return rows


# --- leads ---------------------------------------------------------------------------------------


def lead_response_time(world: World) -> list[dict]:
    """How fast new leads are answered."""
    target = world.settings.lead_response_target_minutes
    groups = by_period(
        world.calendar,
        world.leads.values(),
        grains="WM",
        when=lambda lead: lead.created_at,
        slices=lambda lead: slices_of(lead.slices, ("owner", "team", "source", "region")),
    )
    rows = []
    for (grain, start, each), leads in groups.items():
        waits = [lead.response_minutes for lead in leads if lead.response_minutes is not None]
        in_time = sum(1 for wait in waits if wait <= target)
        due = sum(
            1
            for lead in leads
            if lead.response_minutes is not None
            or days(world.as_of - lead.created_at) * 1440 >= target
        )
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "leads": len(leads),
                "responded": len(waits),
                "avg_minutes": average(waits),
                "median_minutes": median(waits),
                "p90_minutes": p90(waits),
                "within_target": in_time,
                "leads_due": due,
                **with_interval("within_target_rate", in_time, due),
            }
        )
    return rows


def mql(world: World) -> list[dict]:
    """Marketing-qualified leads and how many sales accepted."""
    groups = by_period(
        world.calendar,
        [lead for lead in world.leads.values() if lead.became_mql_at is not None],
        grains="MQ",
        when=lambda lead: lead.became_mql_at,
        slices=lambda lead: slices_of(lead.slices, ("source", "campaign", "region", "owner")),
    )
    rows = []
    for (grain, start, each), leads in groups.items():
        accepted = [lead for lead in leads if lead.became_sql_at is not None]
        waits = [
            days(lead.became_sql_at - lead.became_mql_at)
            for lead in accepted
            if lead.became_sql_at >= lead.became_mql_at
        ]
        rows.append(
            {
                **slice_columns(world.calendar, grain, start, each),
                "mqls": len(leads),
                "sqls": len(accepted),
                **with_interval("mql_to_sql_rate", len(accepted), len(leads)),
                "avg_days_to_sql": average(waits),
            }
        )
    return rows


# --- capacity ------------------------------------------------------------------------------------


def bdr_capacity(world: World) -> list[dict]:
    """How many leads the BDRs could take on, against the MQLs that came."""
    first = min((lead.created_at for lead in world.leads.values()), default=None)
    mqls = [
        (lead.became_mql_at, lead.owner_id)
        for lead in world.leads.values()
        if lead.became_mql_at is not None
    ]
    return _capacity(world, "bdr", "max_daily_leads", first, mqls, "mqls")


def ae_capacity(world: World) -> list[dict]:
    """How many deals the AEs could take on, against the deals won."""
    first = min((deal.created_at for deal in world.deals.values()), default=None)
    won = [(deal.closed_at, deal.owner_id) for deal in world.won_deals]
    return _capacity(world, "ae", "max_daily_deals", first, won, "won_deals")


def _capacity(
    world: World, role: str, limit: str, first: datetime | None, work: list, name: str
) -> list[dict]:
    """`work` is a list of (instant, owner); it counts where that owner counts."""
    calendar = world.calendar

    def slices(user):
        return slices_of({"team": user.team, "region": user.region}, ("team", "region"))

    if first is None:
        return []
    reps = [user for user in world.users.values() if user.role == role]
    done = grouped(
        work,
        lambda item: [
            (calendar.period_of("month", item[0]), each) for each in slices(world.user(item[1]))
        ],
    )
    rows = []
    for month in calendar.series("month", calendar.day_of(first), world.today):
        last = calendar.end("month", month)
        working_days = [
            day
            for day in calendar.days(month, last)
            if day < last and calendar.is_business_day(day)
        ]
        capacity: dict[tuple, list[int]] = {ALL: []}
        for user in reps:
            employed = sum(1 for day in working_days if _is_employed(world, user, day))
            if employed:
                for each in slices(user):
                    capacity.setdefault(each, []).append((getattr(user, limit) or 0) * employed)
        here = {each for start, each in done if start == month}
        for each in {*capacity, *here}:
            limits = capacity.get(each, [])
            count = len(done.get((month, each), []))
            utilisation = ratio(count, sum(limits))
            rows.append(
                {
                    **slice_columns(calendar, "month", month, each),
                    "reps": len(limits),
                    "capacity": sum(limits),
                    name: count,
                    "utilisation": utilisation,
                    "capacity_signal": _signal(utilisation),
                }
            )
    return rows


def _is_employed(world: World, user: SimpleNamespace, day: date) -> bool:
    if user.hired_on is not None and (user.hired_on > world.today or user.hired_on > day):
        return False
    return user.left_on is None or day <= user.left_on


def _signal(utilisation) -> str | None:
    if utilisation is None:
        return None
    if utilisation * 10 < 9:
        return "spare"
    return "overloaded" if utilisation * 10 > 11 else "matched"

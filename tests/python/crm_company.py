"""A small company as three systems hold it: the landing contract, HubSpot and Salesforce.

The truth is told once, as deals with the stages they went through; `write_company(out)` writes it
three times. Ids, stages and people are the same in all three, so that facts and marts can be
compared as they are. HubSpot comes as Parquet with types, Salesforce as CSV where all is text.

What only one system can get wrong is written apart, to be landed later; its ids begin with `odd`.
"""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

AS_OF = datetime(2025, 7, 1)
EARLIER = datetime(2025, 2, 10, 12)
DAY = timedelta(days=1)
PIPELINES = ("sell", "partner")
# stage, place, outcome, per cent
STAGES = (
    ("qualify", 1, "open", 10),
    ("demo", 2, "open", 40),
    ("offer", 3, "open", 75),
    ("won", 4, "won", 100),
    ("lost", 5, "lost", 0),
)
OUTCOMES = {stage: outcome for stage, _, outcome, _ in STAGES}
FORECASTS = {10: "Pipeline", 40: "BestCase", 75: "MostLikely", 100: "Closed", 0: "Omitted"}
RATES = {"USD": Decimal(1), "EUR": Decimal("1.25"), "JPY": Decimal("0.0078125")}
# id, name, team, manager
USERS = (
    ("005m", "Maria Manager", "North", None),
    ("005a", "Ann Always", "North", "005m"),
    ("005b", "Bob Both", "North", "005m"),
    ("005c", "Cem Closer", "South", "005m"),
)
WINNER = "005a"


@dataclass(frozen=True)
class Deal:
    """An opportunity and the stages that it entered, in their order."""

    deal_id: str
    owner: str | None
    path: tuple[tuple[str, datetime], ...]
    pipeline: str = "sell"
    amount: Decimal | None = Decimal(1000)
    currency: str | None = "USD"
    deal_type: str = "new_business"
    account: str = "001a"
    product: str | None = "01tp"
    source: str | None = "web"
    is_deleted: bool = False

    @property
    def created_at(self) -> datetime:
        """It is created in its first stage."""
        return self.path[0][1]

    @property
    def stage(self) -> str:
        """The stage that it is in."""
        return self.path[-1][0]

    @property
    def closed_at(self) -> datetime | None:
        """When it entered the closed stage that it is in."""
        return self.path[-1][1] if OUTCOMES.get(self.stage, "open") != "open" else None

    @property
    def expected_on(self) -> date:
        """Close date of an open deal."""
        return (self.closed_at or self.created_at + 90 * DAY).date()


@dataclass(frozen=True)
class Company:
    """Where the company was written, and its truth."""

    landing: Path
    hubspot: Path
    salesforce: Path
    # What HubSpot holds beside that, and a row of history that comes late.
    hubspot_later: Path
    # Both with little more than their deals, in other layouts; most deals have no history there.
    salesforce_bare: Path
    hubspot_bare: Path
    deals: tuple[Deal, ...]


def write_company(out: Path) -> Company:
    """Write the company below `out`."""
    deals = tuple([*_told_deals(), *_ordinary_deals()])
    company = Company(
        landing=out / "landing",
        hubspot=out / "hubspot",
        salesforce=out / "salesforce",
        hubspot_later=out / "hubspot_later",
        salesforce_bare=out / "salesforce_bare",
        hubspot_bare=out / "hubspot_bare",
        deals=deals,
    )
    for name, rows in _landing(deals).items():
        write_csv(company.landing / f"{name}.csv", rows)
    for name, rows in _hubspot(deals).items():
        write_parquet(company.hubspot / f"{name}.parquet", rows)
    for name, rows in _salesforce(deals).items():
        write_csv(company.salesforce / f"{name}.csv", rows)
    for name, rows in _hubspot_later().items():
        write_parquet(company.hubspot_later / f"{name}.parquet", rows)
    for name, rows in _salesforce_bare(deals).items():
        write_csv(company.salesforce_bare / f"{name}.csv", rows)
    for name, rows in _hubspot_bare(deals).items():
        write_parquet(company.hubspot_bare / f"{name}.parquet", rows)
    return company


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows as a CSV file; a column that a row does not have is empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows as a Parquet file with the types they have; instants carry their zone, UTC."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    even = [{column: _zoned(row.get(column)) for column in columns} for row in rows]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(even), path)


def at(text: str) -> datetime:
    """An instant, naive UTC."""
    return datetime.fromisoformat(text)


def _elsewhere(instant: datetime) -> str:
    """The text of an instant in a zone of its own, as the API writes it."""
    return f"{(instant - timedelta(hours=3, minutes=30)).isoformat(timespec='milliseconds')}-0330"


def _zoned(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


# --- the truth -----------------------------------------------------------------------------------


def _told_deals() -> list[Deal]:
    """Deals whose figures tests know by heart."""

    def path(*steps: str) -> tuple[tuple[str, datetime], ...]:
        return tuple((step.split(" ", 1)[0], at(step.split(" ", 1)[1])) for step in steps)

    return [
        # In qualify for 10 and again for 20 days, in demo for 3 and again for 10.
        Deal(
            "006-reentry",
            "005b",
            path(
                "qualify 2025-01-01 08:00",
                "demo 2025-01-11 08:00",
                "qualify 2025-01-14 08:00",
                "demo 2025-02-03 08:00",
                "offer 2025-02-13 08:00",
            ),
        ),
        Deal(
            "006-lost-then-won",
            "005b",
            path(
                "qualify 2025-01-05 09:00",
                "lost 2025-02-01 10:30",
                "demo 2025-02-20 11:00",
                "won 2025-03-15 16:00:00.250",
            ),
            amount=Decimal("2500.50"),
        ),
        Deal(
            "006-reopened",
            "005c",
            path("offer 2025-01-10 09:00", "won 2025-02-01 10:00", "offer 2025-03-01 10:00"),
        ),
        # Created and won within one day.
        Deal(
            "006-same-day",
            WINNER,
            path("offer 2025-04-02 15:00", "won 2025-04-02 17:30"),
            amount=Decimal(800),
            currency="EUR",
        ),
        Deal("006-euro", WINNER, path("offer 2025-04-05 09:00"), currency="EUR"),
        Deal(
            "006-yen", "005b", path("offer 2025-04-06 09:00"), amount=Decimal(64000), currency="JPY"
        ),
        Deal("006-no-rate", "005b", path("offer 2025-04-07 09:00"), currency="CHF"),
        Deal("006-no-amount", "005b", path("demo 2025-04-08 09:00"), amount=None),
        Deal("006-ownerless", None, path("offer 2025-04-09 09:00", "won 2025-05-01 09:00")),
        Deal("006-ownerless-open", None, path("offer 2025-04-09 10:00"), product=None),
        Deal("006-left", "005-gone", path("offer 2025-04-10 09:00"), source=None),
        Deal(
            "006-deleted",
            WINNER,
            path("offer 2025-04-11 09:00", "won 2025-04-20 09:00"),
            amount=Decimal(999999),
            is_deleted=True,
        ),
        Deal("006-partner", "005c", path("demo 2025-05-01 09:00"), pipeline="partner"),
    ]


def _ordinary_deals() -> list[Deal]:
    dice = random.Random(8)
    deals = []
    for number in range(48):
        instant = at("2024-09-02 07:00") + timedelta(
            seconds=dice.randrange(270 * 86400), milliseconds=dice.randrange(1000)
        )
        owner = dice.choice([WINNER, "005b", "005c"])
        steps = dice.sample(["qualify", "demo", "offer"], dice.randrange(1, 4))
        if dice.random() < 0.7:
            # Ann has never lost a deal.
            steps.append("won" if owner == WINNER else dice.choice(["won", "lost"]))
        path = []
        for step in steps:
            path.append((step, instant))
            instant += timedelta(
                seconds=dice.randrange(1, 25 * 86400), milliseconds=dice.randrange(1000)
            )
        path = [(step, entered) for step, entered in path if entered < AS_OF]
        deals.append(
            Deal(
                f"006-{number:03}",
                owner,
                tuple(path),
                pipeline=dice.choice(PIPELINES),
                amount=Decimal(dice.randrange(50_000, 5_000_000)) / 100,
                currency=dice.choice(["USD", "USD", "EUR"]),
                deal_type=dice.choice(["new_business", "existing_business"]),
                account=dice.choice(["001a", "001b"]),
                source=dice.choice(["web", "event"]),
            )
        )
    return deals


ACCOUNTS = (
    ("001a", "Acme", "Retail", "Customer", "AT", "005a", at("2024-01-01 00:00")),
    ("001b", "Bolt", "Health", "Partner", "DE", "005b", at("2024-02-01 00:00")),
)
CONTACTS = (
    ("003a", "001a", "a@example.com", at("2024-01-02 00:00")),
    ("003b", "001b", "b@example.com", at("2024-02-02 00:00")),
)
# id, kind, direction, user, contact, account, deal, logged, took place
ACTIVITIES = (
    (
        "00T1",
        "call",
        "outbound",
        "005b",
        "003a",
        "001a",
        "006-lost-then-won",
        "2025-02-02 09:00",
        "2025-02-02 09:00",
    ),
    (
        "00T2",
        "email",
        "outbound",
        "005b",
        "003a",
        "001a",
        "006-lost-then-won",
        "2025-02-03 09:00",
        "2025-02-03 09:00",
    ),
    (
        "00T3",
        "call",
        "inbound",
        "005a",
        "003b",
        "001b",
        "006-same-day",
        "2025-04-02 15:30",
        "2025-04-02 15:30",
    ),
    (
        "00U1",
        "meeting",
        None,
        "005b",
        "003b",
        "001b",
        "006-lost-then-won",
        "2025-03-01 08:00",
        "2025-03-05 13:00",
    ),
    (
        "00U2",
        "meeting",
        None,
        "005c",
        "003a",
        "001a",
        "006-partner",
        "2025-06-20 08:00",
        "2025-07-09 13:00",
    ),
)
# id, created, became MQL, SQL, converted (a midnight: Salesforce keeps the day alone), to which deal
LEADS = (
    ("00Q1", "2025-01-03 10:00", "2025-01-10 10:00", "2025-01-20 10:00", "2025-04-02 00:00", "006-same-day"),
    ("00Q2", "2025-01-04 10:00", "2025-01-12 10:00", None, None, None),
    ("00Q3", "2025-02-04 10:00", None, None, None, None),
)  # fmt: skip


def _instant(text: str | None) -> datetime | None:
    return at(text) if text else None


# --- the landing contract ------------------------------------------------------------------------


def _landing(deals: tuple[Deal, ...]) -> dict[str, list[dict[str, Any]]]:
    return {
        "users": [
            {"user_id": user, "full_name": name, "role": "ae", "team": team, "manager_id": manager}
            for user, name, team, manager in USERS
        ],
        "accounts": [
            dict(
                zip(
                    (
                        "account_id",
                        "name",
                        "industry",
                        "segment",
                        "region",
                        "owner_id",
                        "created_at",
                    ),
                    account,
                    strict=True,
                )
            )
            for account in ACCOUNTS
        ],
        "contacts": [
            dict(zip(("contact_id", "account_id", "email", "created_at"), contact, strict=True))
            for contact in CONTACTS
        ],
        "products": [
            {
                "product_id": "01tp",
                "name": "Plan",
                "category": "Software",
                "list_price": 120,
                "currency": "EUR",
            }
        ],
        "pipeline_stages": [
            {"pipeline": pipeline, "stage": stage, "position": place, "outcome": outcome}
            for pipeline in PIPELINES
            for stage, place, outcome, _ in STAGES
        ],
        "deals": [
            {
                "deal_id": deal.deal_id,
                "account_id": deal.account,
                "name": deal.deal_id,
                "pipeline": deal.pipeline,
                "stage": deal.stage,
                "deal_type": deal.deal_type,
                "source": deal.source,
                "product_id": deal.product,
                "owner_id": deal.owner,
                "amount": deal.amount,
                "currency": deal.currency,
                "created_at": deal.created_at,
                "closed_at": deal.closed_at,
                "expected_close_on": deal.expected_on,
                "is_deleted": deal.is_deleted,
            }
            for deal in deals
        ],
        "deal_stage_history": [
            {
                "change_id": f"{deal.deal_id}:{_micros(entered)}:{stage}",
                "deal_id": deal.deal_id,
                "stage": stage,
                "changed_at": entered,
            }
            for deal in deals
            for stage, entered in deal.path
        ],
        "activities": [
            {
                "activity_id": activity,
                "activity_type": kind,
                "direction": direction,
                "user_id": user,
                "contact_id": contact,
                "account_id": account,
                "deal_id": deal,
                "created_at": logged,
                "occurred_at": occurred,
            }
            for activity, kind, direction, user, contact, account, deal, logged, occurred in ACTIVITIES
        ],
        "leads": [
            {
                "lead_id": lead,
                "created_at": created,
                "source": "web",
                "owner_id": "005b",
                "region": "AT",
                "became_mql_at": mql,
                "became_sql_at": sql,
                "converted_at": converted,
                "converted_deal_id": deal,
            }
            for lead, created, mql, sql, converted, deal in LEADS
        ],
        # What no CRM holds: read whatever sources are on.
        "fx_rates": [
            {"currency": currency, "rate_on": "2024-01-01", "rate": rate}
            for currency, rate in RATES.items()
            if currency != "USD"
        ],
        "quotas": [
            {
                "user_id": user,
                "metric": "won_amount",
                "period_grain": "quarter",
                "period_start": "2025-04-01",
                "target": 500,
            }
            for user in (WINNER, "hubspot:005b")
        ],
    }


def _micros(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1)) // timedelta(microseconds=1)


# --- HubSpot -------------------------------------------------------------------------------------

DEAL_TYPES = {"new_business": "newbusiness", "existing_business": "existingbusiness"}


def _hubspot(deals: tuple[Deal, ...]) -> dict[str, list[dict[str, Any]]]:
    tables: dict[str, list[dict[str, Any]]] = {
        "owner": [
            {
                "owner_id": user,
                "first_name": name.split()[0],
                "last_name": name.split()[1],
                "active_user_id": number,
            }
            for number, (user, name, _, _) in enumerate(USERS, 50)
        ],
        "users": [{"id": number, "role_id": 1} for number in range(50, 54)],
        "role": [{"id": 1, "name": "Account Executive"}],
        "team": [{"id": 1, "name": "North"}, {"id": 2, "name": "South"}],
        "owner_team": [
            {"owner_id": user, "team_id": 1 if team == "North" else 2, "is_team_primary": True}
            for user, _, team, _ in USERS
        ]
        # A second team that is not the main one, and a main one that is no longer so.
        + [
            {"owner_id": "005c", "team_id": 1, "is_team_primary": False},
            {"owner_id": "005b", "team_id": 2, "is_team_primary": True, "_fivetran_deleted": True},
        ],
        "company": [
            {
                "id": account,
                "property_name": name,
                "property_industry": industry,
                "property_type": segment,
                "property_country": region,
                "property_hubspot_owner_id": owner,
                "property_createdate": created,
                "_fivetran_deleted": False,
            }
            for account, name, industry, segment, region, owner, created in ACCOUNTS
        ],
        "contact": [
            {
                "id": contact,
                "property_associatedcompanyid": account,
                "property_email": email,
                "property_createdate": created,
                "property_lifecyclestage": "subscriber",
            }
            for contact, account, email, created in CONTACTS
        ]
        + [
            {
                "id": lead,
                "property_createdate": at(created),
                "property_hs_analytics_source": "web",
                "property_hubspot_owner_id": "005b",
                "property_country": "AT",
                "property_lifecyclestage": "customer"
                if converted
                else "marketingqualifiedlead"
                if mql
                else "lead",
                "property_hs_lifecyclestage_marketingqualifiedlead_date": _instant(mql),
                "property_hs_lifecyclestage_opportunity_date": _instant(converted),
            }
            for lead, created, mql, _, converted, _ in LEADS
        ]
        + [
            {"id": "003-twin", "property_createdate": at("2024-01-02 00:00")},
            {
                "id": "003-kept",
                "property_createdate": at("2024-01-02 00:00"),
                "property_hs_merged_object_ids": "003-twin;003-other",
            },
        ],
        # One SQL date is known by the history alone, and by a stage that the company added.
        "contact_property_history": [
            {
                "contact_id": lead,
                "name": "lifecyclestage",
                "timestamp": at(sql),
                "value": "salesqualifiedlead",
            }
            for lead, _, _, sql, _, _ in LEADS
            if sql
        ],
        "product": [
            {
                "id": "01tp",
                "property_name": "Plan",
                "property_hs_product_type": "Software",
                "property_price": Decimal(120),
                "property_hs_price_currency": "EUR",
            }
        ],
        "deal_pipeline": [{"pipeline_id": pipeline, "label": pipeline} for pipeline in PIPELINES],
        "deal_pipeline_stage": _hubspot_pipeline_stages(),
        "line_item": [
            {"id": f"{number}-{product}", "product_id": product, "property_amount": Decimal(amount)}
            for number, deal in enumerate(deals)
            if deal.product
            for product, amount in ((deal.product, 60), ("01t-small", 40))
        ],
        "line_item_deal": [
            {"line_item_id": f"{number}-{product}", "deal_id": deal.deal_id}
            for number, deal in enumerate(deals)
            if deal.product
            for product in (deal.product, "01t-small")
        ],
        "deal": [_hubspot_deal(deal) for deal in deals],
        "deal_company": [
            {
                "deal_id": deal.deal_id,
                "company_id": company,
                "type_id": kind,
                "category": "HUBSPOT_DEFINED",
            }
            for deal in deals
            for company, kind in (("001a", 341), ("001b", 341), (deal.account, 5))
        ],
        "deal_contact": [
            {"deal_id": deal, "contact_id": lead, "type_id": 3}
            for lead, _, _, _, _, deal in LEADS
            if deal
        ],
        "deal_stage": [row for deal in deals for row in _hubspot_stages(deal)],
        "engagement_contact": [
            {"engagement_id": row[0], "contact_id": row[4]} for row in ACTIVITIES
        ],
        "engagement_company": [
            {"engagement_id": row[0], "company_id": row[5]} for row in ACTIVITIES
        ],
        "engagement_deal": [{"engagement_id": row[0], "deal_id": row[6]} for row in ACTIVITIES],
        "engagement_note": [
            _engagement("odd-note", "005a", "2025-01-01 00:00", "2025-01-01 00:00")
        ],
        "engagement_task": [
            _engagement("odd-task", "005a", "2025-01-01 00:00", "2025-01-01 00:00")
        ],
        "engagement_communication": [
            {
                **_engagement("odd-fax", "005a", "2025-01-01 00:00", "2025-01-01 00:00"),
                "property_hs_communication_channel_type": "FAX",
            }
        ],
    }
    for kind in ("call", "email", "meeting"):
        tables[f"engagement_{kind}"] = [
            {
                **_engagement(activity, user, logged, occurred),
                "type": kind.upper(),
                f"property_hs_{kind}_direction": {"inbound": "INBOUND", "outbound": None}.get(
                    direction or ""
                ),
            }
            for activity, its_kind, direction, user, _, _, _, logged, occurred in ACTIVITIES
            if its_kind == kind
        ]
    return tables


def _engagement(activity: str, user: str, logged: str, occurred: str) -> dict[str, Any]:
    return {
        "engagement_id": activity,
        "property_hubspot_owner_id": user,
        "property_hs_createdate": at(logged),
        "property_hs_timestamp": at(occurred),
        "_fivetran_deleted": False,
    }


def _hubspot_pipeline_stages() -> list[dict[str, Any]]:
    return [
        {
            "pipeline_id": pipeline,
            "stage_id": stage,
            "label": stage.title(),
            "display_order": place,
            "is_closed": outcome != "open",
            "closed_won": outcome == "won",
            "probability": percent / 100,
        }
        for pipeline in PIPELINES
        for stage, place, outcome, percent in STAGES
    ]


def _hubspot_deal(deal: Deal) -> dict[str, Any]:
    close = deal.closed_at or datetime.combine(deal.expected_on, datetime.min.time())
    return {
        "deal_id": deal.deal_id,
        "is_deleted": deal.is_deleted,
        "_fivetran_deleted": deal.is_deleted,
        "deal_pipeline_id": deal.pipeline,
        "deal_pipeline_stage_id": deal.stage,
        "owner_id": deal.owner,
        "property_dealname": deal.deal_id,
        "property_amount": deal.amount,
        "property_deal_currency_code": deal.currency,
        "property_createdate": deal.created_at,
        "property_closedate": close,
        "property_dealtype": DEAL_TYPES.get(deal.deal_type, deal.deal_type),
        "property_hs_analytics_source": deal.source,
    }


def _hubspot_stages(deal: Deal) -> list[dict[str, Any]]:
    """As the connector writes them: a visit ends a millisecond early, an open one in 9999."""
    ends = [entered - timedelta(milliseconds=1) for _, entered in deal.path[1:]]
    ends.append(datetime(9999, 12, 31, 23, 59, 59))
    return [
        {
            "deal_id": deal.deal_id,
            "value": stage,
            "date_entered": entered,
            "_fivetran_start": entered,
            "_fivetran_end": end,
            "_fivetran_active": end.year == 9999,
            "source_id": "userId:50",
        }
        for (stage, entered), end in zip(deal.path, ends, strict=True)
    ]


def _hubspot_later() -> dict[str, list[dict[str, Any]]]:
    """Records of HubSpot's own kind of oddness, each with its reason in its id."""
    deals = [
        # In a pipeline that uses the stage ids of others for other things, in another order.
        Deal(
            "odd-service-deal",
            "005b",
            (
                ("offer", at("2025-05-02 08:00")),
                ("lost", at("2025-05-04 08:00")),
                ("qualify", at("2025-05-07 08:00")),
            ),
            pipeline="odd-service",
        ),
        Deal("odd-merged-away", "005b", (("offer", at("2025-01-02 08:00")),)),
        Deal(
            "odd-unlisted-stage",
            "005b",
            (("offer", at("2025-05-02 08:00")), ("someday", at("2025-05-12 08:00"))),
        ),
        Deal("odd-type", "005b", (("offer", at("2025-05-02 08:00")),), deal_type="Rental"),
    ]
    early = Deal(
        "odd-closed-early",
        "005b",
        (("offer", at("2025-05-02 08:00")), ("won", at("2025-05-09 08:00"))),
    )
    return {
        # Tables without a cursor come whole every time.
        "deal_pipeline_stage": [
            *_hubspot_pipeline_stages(),
            *(
                {
                    "pipeline_id": "odd-service",
                    "stage_id": stage,
                    "display_order": place,
                    "is_closed": won,
                    "closed_won": won,
                    "probability": 1.0 if won else 0.5,
                }
                for stage, place, won in (
                    ("offer", 1, False),
                    ("lost", 2, False),
                    ("qualify", 3, False),
                    ("done", 4, True),
                )
            ),
        ],
        "deal": [
            *(_hubspot_deal(deal) for deal in deals),
            # A person typed a close date before the creation.
            {**_hubspot_deal(early), "property_closedate": at("2025-04-01 00:00")},
        ],
        "deal_stage": [
            *(row for deal in [*deals, early] for row in _hubspot_stages(deal)),
            # A visit that was missing in the middle of a deal that is known.
            {
                "deal_id": "006-reopened",
                "value": "demo",
                "date_entered": at("2025-01-20 09:00"),
                "source_id": "userId:50",
            },
        ],
        "merged_deal": [{"deal_id": "006-reentry", "merged_deal_id": "odd-merged-away"}],
        "engagement_call": [
            {
                **_engagement("odd-call", "005b", "2025-01-03 08:00", "2025-01-03 08:00"),
                "type": "CALL",
            }
        ],
        "engagement_deal": [
            *({"engagement_id": row[0], "deal_id": row[6]} for row in ACTIVITIES),
            {"engagement_id": "odd-call", "deal_id": "odd-merged-away"},
        ],
        "contact": [
            {
                "id": "odd-lead",
                "property_createdate": at("2025-05-01 08:00"),
                "property_hubspot_owner_id": "005b",
                "property_lifecyclestage": "odd-stage",
            }
        ],
    }


# --- Salesforce ----------------------------------------------------------------------------------

SALESFORCE_TYPES = {"new_business": "New Business", "existing_business": "Existing Business"}


def _salesforce(deals: tuple[Deal, ...]) -> dict[str, list[dict[str, Any]]]:
    tables: dict[str, list[dict[str, Any]]] = {
        "user": [
            {
                "Id": user,
                "Name": name,
                "Title": "Account Executive",
                "ManagerId": manager,
                "UserRoleId": f"00E{team}",
            }
            for user, name, team, manager in USERS
        ],
        "user_role": [{"id": f"00E{team}", "name": team} for team in ("North", "South")],
        "account": [
            {
                "id": account,
                "name": name,
                "industry": industry,
                "type": segment,
                "billing_country": region,
                "owner_id": owner,
                "created_date": created,
                "is_deleted": False,
            }
            for account, name, industry, segment, region, owner, created in ACCOUNTS
        ],
        "contact": [
            {
                "id": contact,
                "account_id": account,
                "email": email,
                "created_date": created,
                "is_deleted": "false",
            }
            for contact, account, email, created in CONTACTS
        ],
        "product_2": [{"id": "01tp", "name": "Plan", "family": "Software", "is_deleted": "false"}],
        "pricebook_2": [
            {"id": "01s1", "is_standard": "true"},
            {"id": "01s2", "is_standard": "false"},
        ],
        "pricebook_entry": [
            {
                "id": book,
                "pricebook_2_id": book,
                "product_2_id": "01tp",
                "unit_price": price,
                "currency_iso_code": "EUR",
            }
            for book, price in (("01s1", 120), ("01s2", 7))
        ],
        "opportunity_stage": [
            {
                "id": stage,
                "api_name": stage,
                "master_label": stage.title(),
                "sort_order": place,
                "is_closed": outcome != "open",
                "is_won": outcome == "won",
            }
            for stage, place, outcome, _ in STAGES
        ],
        "opportunity": [_opportunity(deal) for deal in deals],
        "opportunity_history": [row for deal in deals for row in _versions(deal)],
        "opportunity_line_item": [
            {
                "id": f"{deal.deal_id}-{product}",
                "opportunity_id": deal.deal_id,
                "product_2_id": product,
                "total_price": amount,
            }
            for deal in deals
            if deal.product
            for product, amount in ((deal.product, 60), ("01t-small", 40))
        ],
        "lead": [
            {
                "id": lead,
                "created_date": created,
                "lead_source": "web",
                "status": "Converted" if converted else "MQL" if mql else "New",
                "owner_id": "005b",
                "country": "AT",
                "is_converted": bool(converted),
                "converted_date": converted and converted[:10],
                "converted_opportunity_id": deal,
                "is_deleted": "false",
            }
            for lead, created, mql, _, converted, deal in LEADS
        ],
        "lead_history": [
            {
                "id": f"{lead}-{status}",
                "lead_id": lead,
                "field": "Status",
                "new_value": status,
                "created_date": when,
            }
            for lead, _, mql, sql, _, _ in LEADS
            for status, when in (("MQL", mql), ("SQL", sql))
            if when
        ],
        "task": [
            {
                "id": activity,
                "task_subtype": kind.title(),
                "call_type": direction.title() if direction == "inbound" else None,
                "status": "Completed",
                "what_id": deal,
                "who_id": contact,
                "account_id": account,
                "owner_id": user,
                "activity_date": occurred[:10],
                "created_date": logged,
                "is_deleted": "false",
            }
            for activity, kind, direction, user, contact, account, deal, logged, occurred in ACTIVITIES
            if kind != "meeting"
        ]
        + [
            {
                "id": "odd-to-do",
                "task_subtype": "Call",
                "status": "Open",
                "created_date": "2025-01-01",
                "owner_id": "005a",
            },
            {
                "id": "odd-letter",
                "type": "Letter",
                "status": "Completed",
                "created_date": "2025-01-01",
                "owner_id": "005a",
            },
        ],
        "event": [
            {
                "id": activity,
                "event_subtype": "Event",
                "what_id": deal,
                "who_id": contact,
                "account_id": account,
                "owner_id": user,
                "start_date_time": _elsewhere(at(occurred)),
                "created_date": logged,
                "is_deleted": "false",
            }
            for activity, kind, _, user, contact, account, deal, logged, occurred in ACTIVITIES
            if kind == "meeting"
        ],
    }
    return tables


def _opportunity(deal: Deal) -> dict[str, Any]:
    percent = {stage: percent for stage, _, _, percent in STAGES}[deal.stage]
    return {
        "id": deal.deal_id,
        "_fivetran_active": "true",
        "account_id": deal.account,
        "name": deal.deal_id,
        "record_type_id": deal.pipeline,
        "stage_name": deal.stage,
        "is_closed": str(deal.closed_at is not None).lower(),
        "is_won": str(OUTCOMES[deal.stage] == "won").lower(),
        "is_deleted": str(deal.is_deleted).lower(),
        "probability": percent,
        "expected_revenue": deal.amount and deal.amount * percent,
        "forecast_category": FORECASTS[percent],
        "type": SALESFORCE_TYPES.get(deal.deal_type, deal.deal_type),
        "lead_source": deal.source,
        "owner_id": deal.owner,
        "amount": deal.amount,
        "currency_iso_code": deal.currency,
        "created_date": deal.created_at,
        "close_date": deal.expected_on,
    }


def _versions(deal: Deal) -> list[dict[str, Any]]:
    """The history mode of a connector: a version per change, of the amount too."""
    starts = []
    for stage, entered in deal.path:
        starts += [(stage, entered), (stage, entered + timedelta(milliseconds=400))]
    ends = [start - timedelta(milliseconds=1) for _, start in starts[1:]]
    return [
        {
            "id": deal.deal_id,
            "_fivetran_start": _elsewhere(start),
            "_fivetran_end": end,
            "stage_name": stage,
            "amount": deal.amount,
            "created_date": deal.created_at,
        }
        for (stage, start), end in zip(starts, [*ends, datetime(9999, 12, 31)], strict=True)
    ]


# --- other layouts -------------------------------------------------------------------------------

TOLD = "006-lost-then-won"


def _salesforce_bare(deals: tuple[Deal, ...]) -> dict[str, list[dict[str, Any]]]:
    """The API's own names, and the object OpportunityHistory, of one deal alone."""
    return {
        "opportunity": [
            {
                "".join(part.title() for part in name.split("_")): value
                for name, value in _opportunity(deal).items()
                if not name.startswith("_")
            }
            for deal in deals
        ],
        "opportunity_history": [
            {
                "Id": f"008-{number}",
                "OpportunityId": deal.deal_id,
                "StageName": stage,
                "CreatedDate": _elsewhere(entered),
                "CreatedById": "005a",
            }
            for deal in deals
            if deal.deal_id == TOLD
            for number, (stage, entered) in enumerate(deal.path)
        ],
    }


def _hubspot_bare(deals: tuple[Deal, ...]) -> dict[str, list[dict[str, Any]]]:
    """An older sync: no table of stage entries, no flag for closed stages, instants in milliseconds."""
    return {
        "deal": [
            {
                **{
                    name: value
                    for name, value in _hubspot_deal(deal).items()
                    if name not in ("_fivetran_deleted", "property_closedate")
                },
                "property_closedate": deal.closed_at and _micros(deal.closed_at) // 1000,
            }
            for deal in deals
        ],
        "deal_pipeline_stage": [
            {
                name: value
                for name, value in stage.items()
                if name not in ("is_closed", "closed_won", "label")
            }
            for stage in _hubspot_pipeline_stages()
        ],
        "deal_property_history": [
            {
                "deal_id": deal.deal_id,
                "name": name,
                "timestamp": _micros(entered) // 1000,
                "value": value,
            }
            for deal in deals
            for stage, entered in deal.path
            for name, value in (("dealstage", stage), ("amount", str(deal.amount)))
        ],
    }

"""What leaves: plausible figures, totals that agree with raw, no headline that jumps unseen.

And what the KPI definitions leave out of the figures (a currency without a rate, a deal without a
known stage): it is counted here, so that nothing is left out without a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from warehouse import build
from warehouse.quality import totals
from warehouse.quality.reading import EVERY_TABLE, Reading, Scene, counted, listed
from warehouse.store import quoted

# A rate or share of things counted lies within 0..1. Amounts may be negative, so that their shares
# may not; and more meetings than replies is no mistake.
_RATE = re.compile(r"(_rate|_rate_low|_rate_high|_rate_6m|_share|_hazard)$|^pct_")
_NO_RATE = re.compile(r"amount|^meeting_acceptance_rate$")
_LARGEST_NAMES = 3
# So many stages and subscriptions are named; more than that is one fault, not many.
_NAMED = 50


@dataclass(frozen=True)
class Told:
    """When the marts were built, the instant they speak of, and in which reporting choices."""

    as_of: datetime
    built_at: datetime
    currency: str
    time_zone: str
    sources: tuple[str, ...]

    @property
    def as_of_on(self) -> Any:
        """The date of as_of in the reporting time zone."""
        return self.as_of.replace(tzinfo=UTC).astimezone(ZoneInfo(self.time_zone)).date()


def readings(scene: Scene) -> Iterator[Reading]:
    """Everything that is measured of the marts."""
    rows = build.mart_rows(scene.connection)
    yield _rows(scene, rows)
    yield from _rates(scene, rows)
    yield from _jumps(scene)
    told = _told(scene)
    if told is None or _has_landed_since(scene, told):
        # Raw has moved on: what is left out and the totals are those of the next build.
        return
    if told.sources != ("landing",):
        scene = replace(scene, stand_ins=totals.stand_ins(scene))
    totals.prepare(scene, told)
    yield from totals.readings(scene)
    yield from _left_out(scene)


def _rows(scene: Scene, rows: dict[str, int]) -> Reading:
    bounds = scene.thresholds.of("rows of the marts")
    fewer = [
        (name, before, rows.get(name, 0))
        for name, before in scene.published_rows.items()
        if name in rows and rows[name] < before * bounds["least"]
    ]
    fewer.sort(key=lambda item: item[2] - item[1])
    worst = "; ".join(
        f"{name} {now:,} instead of {before:,}" for name, before, now in fewer[:_LARGEST_NAMES]
    )
    more = len(fewer) - _LARGEST_NAMES
    return Reading(
        check="rows of the marts",
        table=EVERY_TABLE,
        column=None,
        value=len(fewer),
        high=0,
        observed=(worst + (f" and {counted(more, 'more mart')}" if more > 0 else ""))
        or f"{counted(sum(rows.values()), 'row')} in {counted(len(rows), 'mart')}",
        expected=f"no mart with less than {bounds['least']:.0%} of the rows of the last release",
    )


def _rates(scene: Scene, rows: dict[str, int]) -> Iterator[Reading]:
    per_table: dict[str, list[str]] = {}
    for table, column in scene.rows(
        "select table_name, column_name from duckdb_columns() "
        "where database_name = current_database() and schema_name = ? "
        "and (data_type in ('DOUBLE', 'FLOAT') or data_type like 'DECIMAL%') "
        "order by table_name, column_index",
        [build.MARTS_SCHEMA],
    ):
        if table in rows and _RATE.search(column) and not _NO_RATE.search(column):
            per_table.setdefault(table, []).append(column)
    for table, columns in per_table.items():
        # One pass over the table for all of its rates. NaN is greater than every number.
        measures = ", ".join(
            f"count(*) filter (where not {quoted(name)} between -1e-9 and 1 + 1e-9), "
            f"min({quoted(name)}), max({quoted(name)})"
            for name in columns
        )
        found = scene.row(f"select {measures} from {_mart(table)}")
        outside = [
            (name, *found[3 * number : 3 * number + 3])
            for number, name in enumerate(columns)
            if found[3 * number]
        ]
        yield Reading(
            check="within 0..1",
            table=table,
            column=None,
            value=sum(count for _, count, _, _ in outside),
            high=0,
            observed="; ".join(
                f"{name} from {low:.3g} to {high:.3g}, {counted(count, 'row')} outside"
                for name, count, low, high in outside
            )
            or "all within",
            expected=f"{', '.join(columns)} within 0..1",
        )


def _jumps(scene: Scene) -> Iterator[Reading]:
    """The last complete period of every headline KPI, its worst detail."""
    if not scene.has("marts.kpi_scorecard"):
        return
    bounds = scene.thresholds.of("headline jump")
    for row in scene.dicts(
        """
        with periods as (
            select
                kpi_id,
                coalesce(detail, '') as detail,
                period_start,
                value,
                change,
                row_number() over (
                    partition by kpi_id, coalesce(detail, '') order by period_start desc
                ) as age,
                max(period_start) over (partition by kpi_id) as last_start
            from marts.kpi_scorecard
            where dimension = 'all' and is_complete_period
        ),

        recent as (
            select * from periods where age <= $periods + 1
        ),

        history as (
            select
                kpi_id,
                detail,
                count(change) as changes,
                median(change) as usual,
                mad(change) as spread,
                max(abs(change)) as largest,
                median(abs(value)) as level
            from recent
            where age > 1
            group by kpi_id, detail
        ),

        -- A flat history has no spread: then a share of its level stands for it.
        scored as (
            select
                recent.*,
                history.changes,
                history.usual,
                greatest(1.4826 * history.spread, $floor * history.level) as width,
                history.largest,
                case
                    when history.changes < $minimum then null
                    when abs(recent.change) <= history.largest then 0
                    when greatest(1.4826 * history.spread, $floor * history.level) > 0
                        then abs(recent.change - history.usual)
                            / greatest(1.4826 * history.spread, $floor * history.level)
                    else 0
                end as z
            from recent
            inner join history
                on recent.kpi_id = history.kpi_id and recent.detail = history.detail
            where recent.age = 1 and recent.period_start = recent.last_start
                and recent.change is not null
        )

        select *
        from scored
        qualify row_number() over (partition by kpi_id order by z desc nulls last, detail) = 1
        order by kpi_id
        """,
        {name: bounds[name] for name in ("periods", "floor", "minimum")},
    ):
        what = f" ({row['detail']})" if row["detail"] else ""
        before = row["value"] - row["change"]
        expected = "no history to compare with yet"
        if row["z"] is not None:
            expected = (
                f"a change of at most {bounds['z']:g} robust standard deviations "
                f"({row['width']:,.4g}) from the usual {row['usual']:+,.4g}, or one seen before "
                f"(up to {row['largest']:,.4g}), unless there is a reason"
            )
        yield Reading(
            check="headline jump",
            table=row["kpi_id"],
            column=None,
            value=row["z"] or 0.0,
            high=bounds["z"] if row["z"] is not None else None,
            observed=f"{before:,.4g} to {row['value']:,.4g} in the period from "
            f"{row['period_start']}{what}",
            expected=expected,
        )


def _told(scene: Scene) -> Told | None:
    """What the marts were built with; None before the first build."""
    if not scene.has("marts.release"):
        return None
    found = scene.rows("select as_of, built_at, run_id from marts.release")
    if len(found) != 1 or None in found[0]:
        return None
    as_of, built_at, run_id = found[0]
    given: dict[str, Any] = {}
    if scene.has("ops.runs"):
        for (text,) in scene.rows("select vars from ops.runs where run_id = ?", [run_id]):
            given = json.loads(text or "{}")
    choices = {**scene.default_vars, **given}
    return Told(
        as_of=as_of,
        built_at=built_at,
        currency=str(choices.get("reporting_currency") or "USD"),
        time_zone=str(choices.get("reporting_timezone") or "UTC"),
        sources=tuple(choices.get("crm_sources") or ("landing",)),
    )


def _has_landed_since(scene: Scene, told: Told) -> bool:
    if not scene.has("ops.loads"):
        return True
    (landed_at,) = scene.row("select max(loaded_at) from ops.loads")
    return landed_at is None or landed_at > told.built_at


def _left_out(scene: Scene) -> Iterator[Reading]:
    """The counts that the definitions of the KPIs ask for."""
    yield from _currencies(scene)
    yield from _stages(scene)
    yield from _counts(scene)
    yield from _orphans(scene)
    yield from _subscriptions(scene)


def _tolerated(
    scene: Scene, check: str, *, table: str, column: str, count: int, observed: str
) -> Reading:
    most = scene.thresholds.of(check)["tolerated"]
    return Reading(
        check=check,
        table=table,
        column=column,
        value=count,
        high=most,
        observed=observed,
        expected="none" if not most else f"at most {most:,}",
    )


def _currencies(scene: Scene) -> Iterator[Reading]:
    """Currencies that an amount has on a day on which they have no rate; its money is null."""
    found = []
    rows = 0
    for table, currency, count in totals.unpriced(scene):
        rows += count
        found.append(f"{listed([currency])} of {counted(count, 'row')} of {table}")
    yield _tolerated(
        scene,
        "currencies without a rate",
        table="fx_rates",
        column="currency",
        count=rows,
        observed="; ".join(found) or "none",
    )


def _stages(scene: Scene) -> Iterator[Reading]:
    """Stages of deals or of their history that pipeline_stages does not list."""
    if not scene.has("marts.fct_deal_stage_visits", "marts.fct_deals", "marts.dim_stage"):
        return
    listed_stages = scene.rows(
        """
        with used as (
            select pipeline, stage from marts.fct_deals where stage is not null
            union
            select pipeline, stage from marts.fct_deal_stage_visits
        )

        select used.pipeline, used.stage
        from used
        anti join raw_crm.pipeline_stages as known
            on used.pipeline = known.pipeline
            and used.stage = known.stage
            and known._vanished_at is null
        order by used.pipeline, used.stage
        """
    )
    names = [f"{pipeline} / {stage}" for pipeline, stage in listed_stages]
    yield _tolerated(
        scene,
        "stages that are not listed",
        table="pipeline_stages",
        column="stage",
        count=len(names),
        observed=listed(names, _NAMED) or "none",
    )


def _counts(scene: Scene) -> Iterator[Reading]:
    for check, table, column, needs, sql in (
        (
            "deals without a known stage",
            "fct_deals",
            "stage",
            ("marts.fct_deals",),
            "select count(*) from marts.fct_deals where stage is null",
        ),
        (
            "open deals without history",
            "fct_deals",
            "stage",
            ("marts.fct_deals", "raw_crm.deal_stage_history"),
            """
            select count(*)
            from marts.fct_deals as deals
            anti join raw_crm.deal_stage_history as history
                on deals.deal_id = history.deal_id and history._vanished_at is null
            where deals.outcome = 'open'
            """,
        ),
        (
            "closed before created",
            "fct_deals",
            "days_to_close",
            ("marts.fct_deals",),
            "select count(*) from marts.fct_deals where closed_at < created_at",
        ),
        (
            "SQL before MQL",
            "fct_leads",
            "became_sql_at",
            ("marts.fct_leads",),
            "select count(*) from marts.fct_leads where became_sql_at < became_mql_at",
        ),
        (
            "daily limits below zero",
            "users",
            "max_daily_leads",
            ("raw_crm.users",),
            "select count(*) from raw_crm.users "
            "where _vanished_at is null and least(max_daily_leads, max_daily_deals) < 0",
        ),
    ):
        if scene.has(*needs):
            (count,) = scene.row(sql)
            yield _tolerated(
                scene,
                check,
                table=table,
                column=column,
                count=count,
                observed=counted(count, "row"),
            )


def _orphans(scene: Scene) -> Iterator[Reading]:
    """History that no deal claims; that of deleted deals is told beside it, and is no fault."""
    if not scene.has("marts.fct_deals", "raw_crm.deals", "raw_crm.deal_stage_history"):
        return
    if scene.stand_ins:
        # What a CRM itself deleted or merged leaves its history behind: that is no fault.
        return
    unknown, deleted = scene.row(
        """
        select
            count(case when deals.deal_id is null then 1 end),
            count(deals.deal_id)
        from raw_crm.deal_stage_history as history
        anti join marts.fct_deals as known on history.deal_id = known.deal_id
        left join raw_crm.deals as deals on history.deal_id = deals.deal_id
        where history._vanished_at is null and history.changed_at <= as_of()
        """
    )
    yield _tolerated(
        scene,
        "history of unknown or deleted deals",
        table="deal_stage_history",
        column="deal_id",
        count=unknown,
        observed=f"{counted(unknown, 'row')} of unknown deals, {deleted:,} of deleted ones",
    )


def _subscriptions(scene: Scene) -> Iterator[Reading]:
    """Subscriptions that count for nothing at a month's end, because their currency has no rate."""
    if not scene.has("raw_crm.subscriptions", "raw_finance.fx_rates"):
        return
    found = [
        f"{subscription_id} ({currency})"
        for subscription_id, currency in scene.rows(
            """
            with first_rates as (
                select currency, min(rate_on) as rate_on
                from raw_finance.fx_rates
                where _vanished_at is null and rate_on <= as_of_on()
                group by currency
            )

            select subscriptions.subscription_id, subscriptions.currency
            from raw_crm.subscriptions as subscriptions
            left join first_rates
                on subscriptions.currency = first_rates.currency
            where
                subscriptions._vanished_at is null
                and subscriptions.mrr > 0
                and subscriptions.currency is not null
                and subscriptions.currency <> reporting_currency()
                -- The first month's end on which it is active, if that month is complete ...
                and last_day(subscriptions.started_on) < as_of_on()
                and (
                    subscriptions.ended_on is null
                    or subscriptions.ended_on > as_of_on()
                    or subscriptions.ended_on > last_day(subscriptions.started_on)
                )
                -- ... lies before the first rate.
                and (
                    first_rates.rate_on is null
                    or first_rates.rate_on > last_day(subscriptions.started_on)
                )
            order by subscriptions.subscription_id
            """
        )
    ]
    yield _tolerated(
        scene,
        "subscriptions without a rate",
        table="subscriptions",
        column="mrr",
        count=len(found),
        observed=f"{counted(len(found), 'subscription')}: {listed(found, _NAMED)}"
        if found
        else "none",
    )


def _mart(table: str) -> str:
    return f"{quoted(build.MARTS_SCHEMA)}.{quoted(table)}"

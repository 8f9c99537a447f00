"""The figures that the page shows: taken from the marts as they are, cut to what fits on a page.

Nothing is computed here. Rows are left out (old periods, rare slices, the tail of long lists) and
what was left out is said; numbers are written with ten significant digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from warehouse.store import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Periods before the running one, for the total ...
PERIODS = {"week": 26, "month": 24, "quarter": 12}
# ... and for a slice: a slice is looked at for now, not for its history.
SLICE_PERIODS = {"week": 13, "month": 13, "quarter": 8}
# Values of a dimension, the busiest first; a page over its size is written again with fewer.
SLICE_VALUES = (30, 16, 8, 4)
# Dimensions that pair two others: far too many rows for a page.
_PAIRED = ("owner_channel", "location_product")
# Lists with one row per customer, promotion or path, and what comes first in them.
_LISTS = {
    "kpi_clv": ("clv_rank", 25),
    "kpi_customer_engagement": ("tenure_rank", 25),
    "kpi_expansion_paths": ("amount desc, deals desc, from_product_id, to_product_id", 30),
    "kpi_promotion_lift": ("starts_on desc, promotion_id", 30),
}
# Columns that hold the values of a dimension where a mart has no pair dimension, dimension_value.
_OWN_DIMENSIONS = {
    "kpi_deal_amount_by_source": {"source": "source"},
    "kpi_deal_amount_by_type": {"deal_type": "deal_type", "product_id": "product"},
    "kpi_competitor_pricing": {"product_id": "product", "competitor": "competitor"},
}
# What the page shows of the scorecard: totals of a KPI, or the parts that have a tile.
_SCORECARD_PARTS = (
    "kpi_pipeline_bridge",
    "kpi_quota_attainment",
    "kpi_quota_team",
    "kpi_touchpoints",
)
# What lies behind a median: the page draws them beside the KPI.
_DISTRIBUTIONS = ("stage_survival_curve", "lead_response_distribution")
# Names for people: dimension, table, id, name.
_NAMES = (
    ("owner", "dim_user", "user_id", "full_name"),
    ("product", "dim_product", "product_id", "name"),
    ("location", "dim_location", "location_id", "name"),
    ("account", "dim_account", "account_id", "name"),
)
# How new the data are: what people call it, the fact, its instant or day.
_NEWEST = (
    ("Deals created", "fct_deals", "created_at"),
    ("Deal stage moves", "fct_deal_stage_visits", "entered_at"),
    ("Deals closed", "fct_deals", "closed_at"),
    ("Leads", "fct_leads", "created_at"),
    ("Activities", "fct_activities", "occurred_at"),
    ("Orders", "fct_orders", "ordered_at"),
    ("Recurring revenue", "fct_account_months", "month_start"),
    ("NPS answers", "fct_nps_responses", "responded_at"),
    ("Employee answers", "fct_employee_responses", "responded_at"),
    ("Spend", "fct_spend", "spent_on"),
    ("Competitor prices", "fct_competitor_prices", "observed_on"),
)
# The landing tables without which a KPI has no rows, and the mart that shows whether they have any.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "kpi_deals_by_stage": ("deal_stage_history",),
    "kpi_pipeline_bridge": ("deal_stage_history",),
    "kpi_time_in_stage": ("deal_stage_history",),
    "kpi_stage_survival": ("deal_stage_history",),
    "kpi_days_to_close": ("deals",),
    "kpi_deal_size": ("deals",),
    "kpi_deal_amount_by_source": ("deals",),
    "kpi_deal_amount_by_type": ("deals",),
    "kpi_win_rate": ("deals",),
    "kpi_sales_cycle": ("deals",),
    "kpi_new_opportunities": ("leads", "deals"),
    "kpi_quota_attainment": ("quotas",),
    "kpi_quota_team": ("quotas",),
    "kpi_acquisition_rate": ("leads", "activities"),
    "kpi_acquisition_by_touches": ("leads", "activities"),
    "kpi_contact_volume": ("activities",),
    "kpi_appointment_rate": ("activities",),
    "kpi_lead_response_time": ("leads",),
    "kpi_mql": ("leads",),
    "kpi_bdr_capacity": ("leads",),
    "kpi_ae_capacity": ("deals",),
    "kpi_reply_rate": ("leads", "activities"),
    "kpi_meeting_acceptance": ("activities",),
    "kpi_touchpoints": ("deals",),
    "kpi_customer_engagement": ("accounts",),
    "kpi_upsell_cross_sell": ("deals",),
    "kpi_expansion_paths": ("deals",),
    "kpi_nps": ("nps_responses",),
    "kpi_mrr": ("subscriptions",),
    "kpi_cac": ("spend",),
    "kpi_ltv": ("subscriptions", "orders"),
    "kpi_clv": ("accounts",),
    "kpi_magic_number": ("subscriptions", "spend"),
    "kpi_sales_by_location": ("orders",),
    "kpi_promotion_lift": ("promotions",),
    "kpi_competitor_pricing": ("competitor_prices",),
    "kpi_employee_satisfaction": ("employee_responses",),
}
# Further tables without which it has rows, but no figures worth looking at.
FED_BY: Mapping[str, tuple[str, ...]] = {
    "kpi_customer_engagement": ("activities",),
    "kpi_bdr_capacity": ("activities",),
    "kpi_lead_response_time": ("activities",),
    "kpi_touchpoints": ("activities",),
    "kpi_clv": ("subscriptions", "orders"),
}
_SHOWN_BY = {
    "deals": "fct_deals",
    "deal_stage_history": "fct_deal_stage_visits",
    "leads": "fct_leads",
    "activities": "fct_activities",
    "accounts": "dim_account",
    "nps_responses": "fct_nps_responses",
    "subscriptions": "fct_account_months",
    "orders": "fct_orders",
    "spend": "fct_spend",
    "competitor_prices": "fct_competitor_prices",
    "employee_responses": "fct_employee_responses",
}


@dataclass(frozen=True)
class Figures:
    """Everything that the page needs, ready for JSON."""

    release: Mapping[str, Any]
    content: Mapping[str, Any]


def read(connection: DuckDBPyConnection, *, values: int = SLICE_VALUES[0]) -> Figures:
    """Read the page's figures; `connection` has the schema of the marts as its default.

    `values` is how many values of each dimension are kept.
    """
    tables = _columns(connection)
    kpis = sorted(name for name in tables if name.startswith("kpi_") and name != "kpi_catalogue")
    kept, left_out = _kept_values(connection, tables, kpis, values)
    release = _release(connection, tables)
    shown = [*kpis, *(name for name in _DISTRIBUTIONS if name in tables)]
    marts = {name: _mart(connection, name, tables[name], kept) for name in shown}
    content = {
        "release": release,
        "catalogue": _rows(connection, "kpi_catalogue", tables),
        "periods": _periods(connection, tables),
        "quarters": _quarters(connection, tables),
        "names": _names(connection, tables, kept, marts),
        "stages": _rows(connection, "dim_stage", tables),
        "newest": _newest(connection, tables),
        "marts": marts,
        "reasons": {
            name: _reason(connection, name, tables, str(release["as_of"]))
            for name in NEEDS
            if name not in marts or not marts[name]["total"]
        },
        "unfed": {
            name: missing
            for name in NEEDS
            if name in marts and marts[name]["total"]
            if (missing := _missing(connection, _fed_by(name), tables))
        },
        # The busiest first: the page offers that one.
        "values": kept,
        "left_out": left_out,
        "windows": {"total": PERIODS, "slice": SLICE_PERIODS},
    }
    return Figures(release=release, content=content)


def _columns(connection: DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Column names and types of every mart."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = current_database() and schema_name = current_schema() "
        "order by table_name, column_index"
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def _release(connection: DuckDBPyConnection, tables: Mapping[str, Any]) -> dict[str, Any]:
    rows = _rows(connection, "release", tables)
    return {"as_of": "", "run_id": "", "built_at": "", **(rows[0] if rows else {})}


def _rows(
    connection: DuckDBPyConnection, table: str, tables: Mapping[str, Any]
) -> list[dict[str, Any]]:
    if table not in tables:
        return []
    cursor = connection.execute(f"select * from {quoted(table)} order by all")
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]


def _kept_values(
    connection: DuckDBPyConnection,
    tables: Mapping[str, Mapping[str, str]],
    kpis: Iterable[str],
    values: int,
) -> tuple[dict[str, list[str]], list[dict[str, Any]]]:
    """The values of each dimension with the most rows in the KPI marts, and how many were cut."""
    counts = []
    for name in kpis:
        if name == "kpi_scorecard" or name in _LISTS:
            continue
        if {"dimension", "dimension_value"} <= set(tables[name]):
            counts.append(
                f"select dimension, dimension_value, count(*) as n from {quoted(name)} group by all"
            )
        for column, dimension in _OWN_DIMENSIONS.get(name, {}).items():
            counts.append(
                f"select '{dimension}', {quoted(column)}, count(*) from {quoted(name)} "
                f"where {quoted(column)} <> 'all' group by all"
            )
    kept: dict[str, list[str]] = {}
    left_out = []
    if counts:
        found: dict[str, list[str]] = {}
        for dimension, value in connection.execute(
            f"select dimension, dimension_value from ({' union all '.join(counts)}) "
            "where dimension_value is not null "
            "group by all order by dimension, sum(n) desc, dimension_value"
        ).fetchall():
            if dimension not in _PAIRED:
                found.setdefault(dimension, []).append(value)
        for dimension, all_values in found.items():
            kept[dimension] = all_values[:values]
            if len(all_values) > values:
                left_out.append({"dimension": dimension, "kept": values, "of": len(all_values)})
    return kept, left_out


def _mart(
    connection: DuckDBPyConnection,
    name: str,
    columns: Mapping[str, str],
    kept: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """The rows of a mart that the page carries, column by column."""
    total = _scalar(connection, f"select count(*) from {quoted(name)}") or 0
    conditions = []
    if name in _LISTS:
        order, limit = _LISTS[name]
        suffix = f"order by {order} limit {limit}"
    else:
        if {"dimension", "dimension_value"} <= set(columns):
            conditions.append(
                "(dimension, dimension_value) in (select dimension, dimension_value from kept)"
            )
        for column, dimension in _OWN_DIMENSIONS.get(name, {}).items():
            conditions.append(
                f"({quoted(column)} = 'all' or {quoted(column)} in "
                f"(select dimension_value from kept where dimension = '{dimension}'))"
            )
        if name == "kpi_scorecard":
            parts = ", ".join(f"'{part}'" for part in _SCORECARD_PARTS)
            conditions.append(f"(detail is null or kpi_id in ({parts}))")
        if "period_start" in columns:
            total_periods = SLICE_PERIODS if name == "kpi_scorecard" else PERIODS
            conditions.append(_window(columns, total_periods))
        # Runs of equal texts and of one series side by side compress best.
        order = [
            column
            for column, kind in columns.items()
            if kind == "VARCHAR" and not column.endswith(("_signal", "status"))
        ]
        suffix = "order by " + ", ".join(
            quoted(column)
            for column in [*order, "period_start", "class_number"]
            if column in columns
        )
    selected = ", ".join(_selected(column, kind) for column, kind in columns.items())
    where = f"where {' and '.join(conditions)}" if conditions else ""
    cursor = connection.execute(
        f"""
        with kept as (
            select dimension, unnest(dimension_values) as dimension_value
            from (select unnest(?::varchar[]) as dimension, unnest(?::varchar[][])
                as dimension_values)
        ),

        ages as ({_ages(name, columns)})

        select {selected} from {quoted(name)} as mart {_aged(columns)} {where} {suffix}
        """,
        [list(kept), [list(values) for values in kept.values()]],
    )
    rows = cursor.fetchall()
    data = zip(*rows, strict=True) if rows else ([] for _ in columns)
    return {
        "total": total,
        "shown": len(rows),
        "columns": {
            column: _encoded(values, columns[column])
            for column, values in zip(columns, data, strict=True)
        },
    }


def _ages(name: str, columns: Mapping[str, str]) -> str:
    """The age of a period in those of its own mart, so that old data still show their last ones."""
    if "period_start" not in columns:
        return "select null as age"
    return (
        "select period_grain as grain, period_start as start, "
        "dense_rank() over (partition by period_grain order by period_start desc) as period_age "
        f"from (select distinct period_grain, period_start from {quoted(name)})"
    )


def _aged(columns: Mapping[str, str]) -> str:
    """Few periods are ranked, and joined to their many rows."""
    if "period_start" not in columns:
        return ""
    return (
        "inner join ages on mart.period_grain is not distinct from ages.grain "
        "and mart.period_start is not distinct from ages.start"
    )


def _window(columns: Mapping[str, str], total_periods: Mapping[str, int]) -> str:
    is_total = "dimension = 'all'" if "dimension" in columns else "true"
    cases = " ".join(
        f"when '{grain}' then case when {is_total} then {total_periods[grain] + 1} "
        f"else {SLICE_PERIODS[grain] + 1} end"
        for grain in PERIODS
    )
    return f"period_age <= case period_grain {cases} end"


def _selected(column: str, kind: str) -> str:
    # Python's Decimal would be slow here and is no number of JSON.
    if kind.startswith("DECIMAL") or kind == "HUGEINT":
        return f"cast({quoted(column)} as double) as {quoted(column)}"
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return f"cast({quoted(column)} as varchar) as {quoted(column)}"
    return quoted(column)


def _encoded(values: Sequence[Any], kind: str) -> dict[str, Any]:
    """A column: its distinct texts and where they stand (-1 for null), or its numbers."""
    if kind in ("VARCHAR", "DATE") or kind.startswith("TIMESTAMP"):
        texts = [text for text in dict.fromkeys(values) if text is not None]
        codes: dict[Any, int] = {text: code for code, text in enumerate(texts)}
        codes[None] = -1
        return {"texts": texts, "codes": [codes[value] for value in values]}
    if kind in ("DOUBLE", "FLOAT", "HUGEINT") or kind.startswith("DECIMAL"):
        return {"values": [None if value is None else _rounded(value) for value in values]}
    return {"values": list(values)}


def _rounded(value: float) -> float | int | None:
    """Ten significant digits; what is a whole number is written as one."""
    if value.is_integer() and abs(value) < 1e15:
        return int(value)
    return float(f"{value:.10g}") if math.isfinite(value) else None


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return _rounded(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _periods(
    connection: DuckDBPyConnection, tables: Mapping[str, Mapping[str, str]]
) -> dict[str, list[list[Any]]]:
    """Per grain the first day of every period that a KPI mart knows, and whether it is over."""
    selects = [
        f"select period_grain, period_start, is_complete_period from {quoted(name)}"
        for name, columns in tables.items()
        if name != "kpi_scorecard" and {"period_grain", "is_complete_period"} <= set(columns)
    ]
    found: dict[str, list[list[Any]]] = {grain: [] for grain in PERIODS}
    if selects:
        for grain, start, is_complete in connection.execute(
            "select period_grain, cast(period_start as varchar), bool_or(is_complete_period) "
            f"from ({' union '.join(selects)}) group by all order by 1, 2"
        ).fetchall():
            found.setdefault(grain, []).append([start, bool(is_complete)])
    return {grain: periods[-(PERIODS[grain] + 1) :] for grain, periods in found.items()}


def _quarters(connection: DuckDBPyConnection, tables: Mapping[str, Any]) -> dict[str, str]:
    """Names of quarters by their first day: 2026-Q1, or FY2026-Q1 in a shifted fiscal year."""
    wanted = {"quarter_start", "fiscal_year", "fiscal_quarter"}
    if not wanted <= set(tables.get("dim_date", ())):
        return {}
    rows = connection.execute(
        "select distinct quarter_start, fiscal_year, fiscal_quarter from dim_date "
        "where quarter_start is not null order by 1"
    ).fetchall()
    is_shifted = any(
        (start.year, (start.month + 2) / 3) != (year, quarter) for start, year, quarter in rows
    )
    prefix = "FY" if is_shifted else ""
    return {start.isoformat(): f"{prefix}{year}-Q{quarter}" for start, year, quarter in rows}


def _names(
    connection: DuckDBPyConnection,
    tables: Mapping[str, Any],
    kept: Mapping[str, Sequence[str]],
    marts: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, str]]:
    """Names of the ids that the page shows; two of one name keep their ids beside it."""
    wanted = {dimension: set(values) for dimension, values in kept.items()}
    for mart in marts.values():
        for column, dimension in (
            ("account_id", "account"),
            ("owner_id", "owner"),
            ("location_id", "location"),
            ("control_location_id", "location"),
            ("from_product_id", "product"),
            ("to_product_id", "product"),
        ):
            texts = mart["columns"].get(column, {}).get("texts", ())
            wanted.setdefault(dimension, set()).update(texts)
    names: dict[str, dict[str, str]] = {}
    for dimension, table, key, name in _NAMES:
        if table in tables and wanted.get(dimension):
            rows = connection.execute(
                f"select {quoted(key)}, {quoted(name)}, "
                f"count(*) over (partition by {quoted(name)}) from {quoted(table)} "
                f"where {quoted(name)} is not null qualify {quoted(key)} in "
                "(select unnest(?::varchar[]))",
                [sorted(wanted[dimension])],
            ).fetchall()
            names[dimension] = {
                key: name if namesakes == 1 else f"{name} ({key})" for key, name, namesakes in rows
            }
    return names


def _newest(
    connection: DuckDBPyConnection, tables: Mapping[str, Mapping[str, str]]
) -> list[dict[str, Any]]:
    """The newest instant of each fact that does not lie after as_of."""
    selects = [
        f"select {number} as n, '{label}' as label, cast(max({quoted(column)}) as varchar) as at "
        f"from {quoted(table)} where {quoted(column)} <= (select as_of from release)"
        for number, (label, table, column) in enumerate(_NEWEST)
        if column in tables.get(table, {}) and "release" in tables
    ]
    if not selects:
        return []
    rows = connection.execute(" union all ".join(selects) + " order by n").fetchall()
    return [{"label": label, "at": at} for _, label, at in rows]


def _reason(
    connection: DuckDBPyConnection, name: str, tables: Mapping[str, Any], as_of: str
) -> str:
    """Why a KPI has no rows, for people."""
    if name not in tables:
        return f"{name} is not in this release."
    needed = NEEDS[name]
    missing = _missing(connection, needed, tables)
    if missing:
        return (
            f"No rows in {name}: nothing was landed in {' and '.join(missing)} "
            f"that counts by {as_of[:10]}."
        )
    return (
        f"No rows in {name}: {' and '.join(needed)} have rows, but none of them counts for it "
        f"by {as_of[:10]}."
    )


def _fed_by(name: str) -> list[str]:
    """The landing tables that a KPI's figures come from, as far as a mart shows whether they came."""
    return [table for table in (*NEEDS[name], *FED_BY.get(name, ())) if table in _SHOWN_BY]


def _missing(
    connection: DuckDBPyConnection, needed: Iterable[str], tables: Mapping[str, Any]
) -> list[str]:
    """The landing tables of which nothing is to be seen in the marts."""
    return [
        table
        for table in needed
        if table not in _SHOWN_BY
        or _SHOWN_BY[table] not in tables
        or not _scalar(connection, f"select count(*) from {quoted(_SHOWN_BY[table])}")
    ]


def _scalar(connection: DuckDBPyConnection, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    return row[0] if row else None

"""The landing directory that an export at an earlier instant would have given.

Rows that began later are left out; later instants are empty. Attributes stay as they now stand: a
landing directory holds no older versions of them.
"""

from datetime import datetime
from pathlib import Path

import duckdb

BEGINS_AT = {
    "accounts": "created_at",
    "contacts": "created_at",
    "leads": "created_at",
    "deals": "created_at",
    "deal_stage_history": "changed_at",
    "activities": "coalesce(created_at, occurred_at)",
    "orders": "ordered_at",
    "nps_responses": "sent_at",
    "employee_responses": "responded_at",
    "subscriptions": "started_on",
    "quotas": "period_start",
    "promotions": "starts_on",
    "spend": "spent_on",
    "account_costs": "incurred_on",
    "fx_rates": "rate_on",
    "competitor_prices": "observed_on",
}
# Column: the instant after which it is still empty.
EMPTY_WHEN_LATER = {
    "leads": {
        "became_mql_at": "became_mql_at",
        "became_sql_at": "became_sql_at",
        "converted_at": "converted_at",
        "disqualified_at": "disqualified_at",
    },
    "deals": {"closed_at": "closed_at"},
    "subscriptions": {"ended_on": "ended_on"},
    "users": {"left_on": "left_on"},
    "nps_responses": {"responded_at": "responded_at", "score": "responded_at"},
}
DATES = (
    "started_on",
    "period_start",
    "starts_on",
    "spent_on",
    "incurred_on",
    "rate_on",
    "observed_on",
)


def write_what_was_known(landing: Path, out: Path, then: datetime) -> Path:
    """Write to `out` what `landing` (CSV, UTC, reporting time zone UTC) held at `then`."""
    out.mkdir(parents=True)
    for file in sorted(landing.glob("*.csv*")):
        table = file.name.split(".")[0]
        with duckdb.connect() as connection:
            rows = f"read_csv('{file}', all_varchar=true)"
            begins = BEGINS_AT.get(table)
            limit = then.date().isoformat() if begins in DATES else then.isoformat()
            kind = "date" if begins in DATES else "timestamp"
            where = f"where coalesce(cast({begins} as {kind}) <= '{limit}', true)" if begins else ""
            replaced = [
                f"case when cast({instant} as timestamp) <= '{then.isoformat()}' "
                f"then {column} end as {column}"
                for column, instant in EMPTY_WHEN_LATER.get(table, {}).items()
            ]
            replace = f"replace ({', '.join(replaced)})" if replaced else ""
            target = out / f"{table}.csv"
            connection.execute(
                f"copy (select * {replace} from {rows} {where}) to '{target}' (header)"
            )
    return out

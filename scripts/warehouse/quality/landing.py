"""What enters: the loads of the last run, against the loads before it and against the clock.

Whether a value is of its type, in its bounds and unique by its key is not asked here: landing
itself has rejected or counted what is not, row by row.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from warehouse.contract import Table, load_contract
from warehouse.quality.reading import EVERY_TABLE, Reading, Scene, counted, listed
from warehouse.store import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PROFILES_TABLE = """
create schema if not exists ops;
create table if not exists ops.column_profiles (
    run_id varchar not null,
    loaded_at timestamp not null,
    table_name varchar not null,
    column_name varchar not null,
    rows bigint not null,
    null_share double not null,
    median double,
    p95 double
);
"""
_QUANTILES = {"median": 0.5, "p95": 0.95}
_NO_HISTORY = "no history to compare with yet"


@dataclass(frozen=True)
class Load:
    """One row of ops.loads, as far as it matters here."""

    run_id: str
    load_id: str
    rows_read: int
    rejected: int
    repeated: int
    full_export: bool
    loaded_at: datetime
    missing_columns: tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """A column in what one run brought; `median` and `p95` of number columns only."""

    run_id: str
    loaded_at: datetime
    table_name: str
    column_name: str
    rows: int
    null_share: float
    median: float | None = None
    p95: float | None = None


def readings(scene: Scene, profiles: list[Profile]) -> Iterator[Reading]:
    """Everything that is measured of the landing; `profiles` gets what is worth keeping."""
    loads = _loads(scene)
    for table in load_contract().tables:
        history = loads.get(table.name)
        if not history or not scene.has(f"{table.schema}.{table.name}"):
            continue
        for reading in _of_table(scene, table, history, profiles):
            yield replace(reading, load_run_id=history[-1].run_id)
    yield from _left_out(scene)


def keep(connection: DuckDBPyConnection, profiles: Sequence[Profile]) -> None:
    """Store the profiles: later loads are compared with them. A run has one per column."""
    connection.execute(PROFILES_TABLE)
    if not profiles:
        return
    connection.execute(
        "delete from ops.column_profiles where (run_id, table_name) in "
        "(select unnest(?), unnest(?))",
        [[item.run_id for item in profiles], [item.table_name for item in profiles]],
    )
    names = list(Profile.__dataclass_fields__)
    connection.execute(
        "insert into ops.column_profiles by name select "
        + ", ".join(f"unnest(?) as {quoted(name)}" for name in names),
        [[getattr(item, name) for item in profiles] for name in names],
    )


def _of_table(
    scene: Scene, table: Table, history: Sequence[Load], profiles: list[Profile]
) -> Iterator[Reading]:
    run_id = history[-1].run_id
    last = [load for load in history if load.run_id == run_id]
    before = history[: len(history) - len(last)]
    yield _rejected(scene, table, last)
    yield from _volume(scene, table, last, before)
    yield from _vanished(scene, table, history)
    yield from _repeated(scene, table, last, before)
    yield from _fresh(scene, table)
    brought = _profiled(scene, table, last)
    profiles += brought
    known = _known_profiles(scene, table, history)
    yield from _null_shares(scene, table, brought, known)
    yield from _distributions(scene, table, brought, known)
    yield from _new_values(scene, table, last, is_first=not before)


def _loads(scene: Scene) -> dict[str, list[Load]]:
    """The loads of every table in the order in which they came."""
    if not scene.has("ops.loads"):
        return {}
    loads: dict[str, list[Load]] = {}
    for row in scene.dicts(
        "select table_name, run_id, load_id, rows_read, rejected, "
        "duplicates + superseded as repeated, full_export, loaded_at, missing_columns "
        "from ops.loads order by rowid"
    ):
        missing = tuple(json.loads(row.pop("missing_columns") or "[]"))
        name = row.pop("table_name")
        loads.setdefault(name, []).append(Load(**row, missing_columns=missing))
    return loads


def _rejected(scene: Scene, table: Table, last: Sequence[Load]) -> Reading:
    read = sum(load.rows_read for load in last)
    rejected = sum(load.rejected for load in last)
    share = rejected / read if read else 0.0
    most = scene.reject_threshold
    return Reading(
        check="rejected rows",
        table=table.name,
        column=None,
        value=share,
        high=most,
        observed=f"{rejected} of {counted(read, 'row')} ({share:.2%})",
        expected=f"at most {most:.2%} (see `warehouse rejects {table.name}`, "
        "reject_threshold in warehouse.yml)",
    )


def _volume(
    scene: Scene, table: Table, last: Sequence[Load], before: Sequence[Load]
) -> Iterator[Reading]:
    for is_full in sorted({load.full_export for load in last}):
        check = "rows of a full export" if is_full else "rows of a load"
        bounds = scene.thresholds.of(check)
        # The very first load brings years, so it is no measure for what a day brings.
        comparable = [load for load in before if load.full_export == is_full]
        if not is_full and comparable and comparable[0] is before[0]:
            comparable = comparable[1:]
        refused = scene.refused_runs(check, table.name)
        seen = [load.rows_read for load in comparable if load.run_id not in refused]
        seen = seen[-bounds["loads"] :]
        rows = [load.rows_read for load in last if load.full_export == is_full]
        if len(seen) < bounds["minimum"]:
            yield Reading(
                check=check,
                table=table.name,
                column=None,
                value=rows[-1],
                observed=counted(rows[-1], "row"),
                expected=_NO_HISTORY,
            )
            continue
        low, high = min(seen) * bounds["least"], max(seen) * bounds["most"]
        # Of several loads in one run the one that is farthest from what is expected.
        worst = max(rows, key=lambda count: max(low - count, count - high))
        yield Reading(
            check=check,
            table=table.name,
            column=None,
            value=worst,
            low=low,
            high=high,
            observed=counted(worst, "row"),
            expected=f"{low:,.0f} to {high:,.0f}: the last {len(seen)} brought "
            f"{min(seen):,} to {max(seen):,}",
        )


def _vanished(scene: Scene, table: Table, history: Sequence[Load]) -> Iterator[Reading]:
    if not any(load.full_export for load in history):
        return
    bounds = scene.thresholds.of("vanished rows")
    # Since the last release and not in the last load: a failed run that is tried again fails again.
    since = datetime.min
    if scene.has("ops.runs"):
        (since,) = scene.row(
            "select coalesce(max(started_at), timestamp '0001-01-01') from ops.runs "
            "where status = 'published' and release_id is not null and run_id <> ?",
            [scene.run_id],
        )
    rows, gone = scene.row(
        f"select count(*), count(_vanished_at) from {_raw(table)} "
        "where _vanished_at is null or _vanished_at > ?",
        [since],
    )
    share = gone / rows if rows else 0.0
    is_large = rows >= bounds["at_least_rows"]
    yield Reading(
        check="vanished rows",
        table=table.name,
        column=None,
        value=share,
        high=bounds["most"] if is_large else 1.0,
        observed=f"{gone:,} of {counted(rows, 'row')} ({share:.1%})",
        expected=f"at most {bounds['most']:.0%} since the last release"
        if is_large
        else f"any share of fewer than {counted(bounds['at_least_rows'], 'row')}",
    )


def _repeated(
    scene: Scene, table: Table, last: Sequence[Load], before: Sequence[Load]
) -> Iterator[Reading]:
    bounds = scene.thresholds.of("repeated rows")
    recent = [load for load in before if load.rows_read][-bounds["loads"] :]
    # A table that never repeats anything has nothing to show.
    if not any(load.repeated for load in (*recent, *last)):
        return
    read = sum(load.rows_read for load in last)
    repeated = sum(load.repeated for load in last)
    share = repeated / read if read else 0.0
    high = None
    expected = _NO_HISTORY
    if len(recent) >= bounds["minimum"]:
        highest = max(load.repeated / load.rows_read for load in recent)
        high = highest + bounds["tolerance"]
        expected = f"at most {high:.1%}: the last {len(recent)} had up to {highest:.1%}"
    yield Reading(
        check="repeated rows",
        table=table.name,
        column=None,
        value=share,
        high=high,
        observed=f"{repeated:,} of {counted(read, 'row')} ({share:.1%})",
        expected=expected,
    )


def _fresh(scene: Scene, table: Table) -> Iterator[Reading]:
    bounds = scene.thresholds.of("freshness")
    columns = bounds["newest"].get(table.name)
    if not columns:
        return
    as_of = _as_of(scene)
    newest = ", ".join(quoted(column) for column in columns)
    (latest,) = scene.row(
        f"select max(instant) from (select coalesce({newest})::timestamp as instant "
        f"from {_raw(table)} where _vanished_at is null) where instant <= ?",
        [as_of],
    )
    if latest is None:
        return
    days = (as_of - latest).total_seconds() / 86_400
    limit = bounds["days"].get(table.name)
    if limit is None:
        return
    yield Reading(
        check="freshness",
        table=table.name,
        column=columns[0],
        value=days,
        high=limit,
        observed=f"the newest is of {latest:%Y-%m-%d %H:%M}, {days:.1f} days before as_of "
        f"({as_of:%Y-%m-%d %H:%M})",
        expected=f"at most {limit:g} days",
    )


def _as_of(scene: Scene) -> datetime:
    """The instant this run speaks of; a check alone: that of the last build, else the clock."""
    if scene.has("ops.runs"):
        found = scene.rows("select as_of from ops.runs where run_id = ?", [scene.run_id])
        if found and found[0][0]:
            return found[0][0]
    if scene.has("marts.release"):
        found = scene.rows("select as_of from marts.release")
        if found and found[0][0]:
            return found[0][0]
    return scene.checked_at


def _profiled(scene: Scene, table: Table, last: Sequence[Load]) -> list[Profile]:
    """Null shares and quantiles of the rows that are in raw because of the last run."""
    # A file without an optional column says nothing about it; landing records such a change.
    missing = set.intersection(*(set(load.missing_columns) for load in last))
    columns = [item for item in table.columns if item.name not in missing]
    numbers = scene.thresholds.of("distributions")["columns"].get(table.name, ())
    measures = ["count(*)"]
    for column in columns:
        name = quoted(column.name)
        measures.append("count(*)" if column.required else f"count({name})")
        if column.name in numbers:
            measures += [
                f"approx_quantile({name}::double, {share})" for share in _QUANTILES.values()
            ]
    rows, *found = scene.row(
        f"select {', '.join(measures)} from {_raw(table)} where _load_id in (select unnest(?))",
        [[load.load_id for load in last]],
    )
    if not rows:
        return []
    values = iter(found)
    profiles = []
    for column in columns:
        present = next(values)
        quantiles = {name: next(values) if column.name in numbers else None for name in _QUANTILES}
        if column.required and column.name not in numbers:
            continue
        profiles.append(
            Profile(
                run_id=last[-1].run_id,
                loaded_at=last[-1].loaded_at,
                table_name=table.name,
                column_name=column.name,
                rows=rows,
                null_share=1 - present / rows,
                **quantiles,
            )
        )
    return profiles


def _known_profiles(
    scene: Scene, table: Table, history: Sequence[Load]
) -> dict[str, list[Profile]]:
    """Earlier profiles of the table by column, without those of its first and its last run."""
    if not scene.has("ops.column_profiles"):
        return {}
    known: dict[str, list[Profile]] = {}
    for row in scene.dicts(
        "select * from ops.column_profiles where table_name = ? and run_id not in (?, ?) "
        "order by loaded_at, rowid",
        [table.name, history[0].run_id, history[-1].run_id],
    ):
        known.setdefault(row["column_name"], []).append(Profile(**row))
    return known


def _null_shares(
    scene: Scene,
    table: Table,
    brought: Sequence[Profile],
    known: dict[str, list[Profile]],
) -> Iterator[Reading]:
    check = "null shares"
    bounds = scene.thresholds.of(check)
    if not brought or brought[0].rows < bounds["at_least_rows"]:
        return
    refused = scene.refused_runs(check, table.name)
    compared = 0
    jumps = []
    for profile in brought:
        seen = _seen(known, profile.column_name, bounds, refused)
        if len(seen) < bounds["minimum"]:
            continue
        compared += 1
        lowest = min(item.null_share for item in seen)
        highest = max(item.null_share for item in seen)
        share = profile.null_share
        if not lowest - bounds["tolerance"] <= share <= highest + bounds["tolerance"]:
            jumps.append(
                f"{profile.column_name} {share:.0%} (before: {lowest:.0%} to {highest:.0%})"
            )
    yield _about_columns(check, table, rows=brought[0].rows, compared=compared, jumps=jumps)


def _distributions(
    scene: Scene,
    table: Table,
    brought: Sequence[Profile],
    known: dict[str, list[Profile]],
) -> Iterator[Reading]:
    check = "distributions"
    bounds = scene.thresholds.of(check)
    measured = [item for item in brought if item.median is not None]
    if not measured or measured[0].rows < bounds["at_least_rows"]:
        return
    refused = scene.refused_runs(check, table.name)
    factor = bounds["factor"]
    compared = 0
    jumps = []
    for profile in measured:
        seen = _seen(known, profile.column_name, bounds, refused)
        for name in _QUANTILES:
            value = getattr(profile, name)
            past = [number for item in seen if (number := getattr(item, name)) is not None]
            # A factor says nothing about amounts that change their sign.
            if len(past) < bounds["minimum"] or min(past) <= 0 or value is None:
                continue
            compared += 1
            if not min(past) / factor <= value <= max(past) * factor:
                jumps.append(
                    f"{name} of {profile.column_name} {value:,.2f} "
                    f"(before: {min(past):,.2f} to {max(past):,.2f})"
                )
    yield _about_columns(check, table, rows=measured[0].rows, compared=compared, jumps=jumps)


def _about_columns(
    check: str, table: Table, *, rows: int, compared: int, jumps: Sequence[str]
) -> Reading:
    """One reading for the columns of a table: how many of them jumped."""
    return Reading(
        check=check,
        table=table.name,
        column=None,
        value=len(jumps),
        high=0 if compared else None,
        observed=f"{'; '.join(jumps) or 'none outside'} in {counted(rows, 'row')}",
        expected="none outside of what was seen before" if compared else _NO_HISTORY,
    )


def _seen(
    known: dict[str, list[Profile]],
    column: str,
    bounds: Mapping[str, Any],
    refused: Collection[str],
) -> list[Profile]:
    """The last profiles of a column that are large enough to be a measure."""
    large = [
        item
        for item in known.get(column, ())
        if item.rows >= bounds["at_least_rows"] and item.run_id not in refused
    ]
    return large[-bounds["loads"] :]


def _new_values(
    scene: Scene, table: Table, last: Sequence[Load], *, is_first: bool
) -> Iterator[Reading]:
    columns = scene.thresholds.of("new values")["columns"].get(table.name)
    if not columns or is_first:
        return
    load_ids = [load.load_id for load in last]
    found = []
    count = 0
    for name in columns:
        column = quoted(name)
        usual = list(table.column(name).known_values)
        # What stood there before the last run: in rows it left alone, or in versions it replaced.
        values = [
            value
            for (value,) in scene.rows(
                f"""
                select {column}
                from {_raw(table)}
                where {column} is not null
                group by {column}
                having bool_and(_load_id in (select unnest($loads)))
                except
                select {column} from {_raw(table, "__history")}
                where _load_id not in (select unnest($loads))
                order by 1
                """,
                {"loads": load_ids},
            )
            if value not in usual
        ]
        if values:
            count += len(values)
            found.append(f"{name} {listed(values)}")
    yield Reading(
        check="new values",
        table=table.name,
        column=None,
        value=count,
        high=0,
        observed="; ".join(found) or "none",
        expected=f"values seen before in {', '.join(columns)}",
    )


def _left_out(scene: Scene) -> Iterator[Reading]:
    runs = int(scene.thresholds.of("tables left out")["runs"])
    if not scene.has("ops.loads"):
        return
    landed = scene.rows(
        "select run_id, list(distinct table_name) from ops.loads "
        "group by run_id order by max(rowid) desc limit ?",
        [runs + 1],
    )
    if not landed:
        return
    (_, newest), *earlier = landed
    missing: list[str] = []
    if len(earlier) == runs:
        always = set.intersection(*(set(tables) for _, tables in earlier))
        missing = sorted(always - set(newest))
    yield Reading(
        check="tables left out",
        table=EVERY_TABLE,
        column=None,
        value=len(missing),
        high=0,
        observed=", ".join(missing) or "none",
        expected=f"none of those that each of the {runs} runs before brought",
    )


def _raw(table: Table, suffix: str = "") -> str:
    return f"{quoted(table.schema)}.{quoted(table.name + suffix)}"

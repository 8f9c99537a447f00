"""Whether two DuckDB files hold the same marts: every table, every row."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import duckdb

from warehouse.build import mart_rows
from warehouse.store import literal, quoted

# When and by which run a mart was built is all that may differ.
OF_THE_RUN = {"release": {"run_id", "built_at"}}
NUMBERS = ("DOUBLE", "DECIMAL")
NEAR = 1e-9


def differences(
    ours: Path, theirs: Path, *, as_typed: bool = True, from_zero: float = 0.0, memory: str = "4GB"
) -> dict[str, list[str]]:
    """What differs, of each mart that does.

    Integers, texts, dates, instants and booleans are equal; other numbers within 1e-9 relative, or
    `from_zero` absolute. Rows are matched on all that has to be equal, those alike in that in the
    order of their numbers. Unless `as_typed`, values of theirs are taken as the types of ours,
    and theirs may have more columns.
    """
    with tempfile.TemporaryDirectory() as spill, duckdb.connect() as connection:
        connection.execute(f"set memory_limit = {literal(memory)}")
        connection.execute(f"set temp_directory = {literal(spill)}")
        for name, path in (("ours", ours), ("theirs", theirs)):
            connection.execute(f"attach {literal(str(path))} as {name} (read_only)")
        tables, others = _tables(connection, "ours"), _tables(connection, "theirs")
        found = {name: ["it is in one of them alone"] for name in set(tables) ^ set(others)}
        for name in set(tables) & set(others):
            here, there = tables[name], others[name]
            lacking = set(_compared(name, here)) - set(there)
            if lacking or (as_typed and here != there):
                found[name] = [f"{here} is not {there}"]
            else:
                found[name] = _rows(connection, name, here, from_zero)
    return {name: lines for name, lines in sorted(found.items()) if lines}


def counts(path: Path) -> dict[str, int]:
    """Rows of each mart in a file."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return mart_rows(connection)


def _tables(connection: duckdb.DuckDBPyConnection, catalog: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name = 'marts' order by table_name, column_index",
        [catalog],
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def _compared(name: str, columns: Iterable[str]) -> list[str]:
    return [column for column in columns if column not in OF_THE_RUN.get(name, ())]


def _rows(
    connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, str], from_zero: float
) -> list[str]:
    compared = _compared(name, columns)
    near = [column for column in compared if columns[column].startswith(NUMBERS)]
    exact = [column for column in compared if column not in near]
    typed = ", ".join(
        f"cast({quoted(c)} as {'double' if c in near else columns[c]}) as {quoted(c)}"
        for c in compared
    )
    order = ", ".join(f"{quoted(column)} nulls last" for column in near) or "1"
    sides = [
        f"(select *, row_number() over (partition by {', '.join(map(quoted, exact))} "
        f"order by {order}) as place from (select {typed} from {side}.marts.{quoted(name)}))"
        for side in ("ours", "theirs")
    ]
    matched = " and ".join(
        f"o.{quoted(c)} is not distinct from t.{quoted(c)}" for c in [*exact, "place"]
    )
    wanted = ["count(*) filter (t.place is null)", "count(*) filter (o.place is null)"]
    for column in near:
        one, other = f"o.{quoted(column)}", f"t.{quoted(column)}"
        allowed = f"greatest({from_zero}, {NEAR} * greatest(abs({one}), abs({other})))"
        wanted.append(
            "count(*) filter (o.place is not null and t.place is not null and ("
            f"({one} is null) <> ({other} is null) or abs({one} - {other}) > {allowed}))"
        )
    lacking, surplus, *wrong = connection.execute(
        f"select {', '.join(wanted)} from {sides[0]} as o full join {sides[1]} as t on {matched}"
    ).fetchall()[0]
    lines = []
    if lacking or surplus:
        lines.append(f"{lacking} rows are missing, {surplus} are too many")
    return lines + [
        f"{column}: {count} rows differ" for column, count in zip(near, wrong, strict=True) if count
    ]

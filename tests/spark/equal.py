"""Whether two published files say the same: every table, every row."""

from __future__ import annotations

from pathlib import Path

import duckdb

RELATIVE = 1e-9
# When and by which run it was built is all that may differ.
NOT_COMPARED = {"release": {"run_id", "built_at"}}


def differences(left: Path, right: Path) -> list[str]:
    """One line per table that differs: names, types, rows.

    Integers, texts, dates, instants and booleans are equal; other numbers to 1e-9 relative. Rows are
    matched on all that has to be equal; rows alike in that are matched in the order of their numbers.
    """
    lines = []
    with duckdb.connect() as connection:
        connection.execute(f"attach '{left}' as lefts (read_only)")
        connection.execute(f"attach '{right}' as rights (read_only)")
        names, others = _tables(connection, "lefts"), _tables(connection, "rights")
        lines += [f"{name} is in one of them alone" for name in sorted(set(names) ^ set(others))]
        for name in sorted(set(names) & set(others)):
            if names[name] != others[name]:
                lines.append(f"{name}: {names[name]} is not {others[name]}")
            else:
                lines += _rows(connection, name, names[name])
    return lines


def counts(file: Path) -> dict[str, int]:
    """Rows of each table."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return {
            name: connection.execute(f'select count(*) from marts."{name}"').fetchone()[0]
            for name in _tables(connection, "sales_kpi")
        }


def _tables(connection: duckdb.DuckDBPyConnection, catalog: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name = 'marts' order by table_name, column_index",
        [catalog],
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def _rows(connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, str]) -> list[str]:
    compared = [column for column in columns if column not in NOT_COMPARED.get(name, ())]
    near = [c for c in compared if columns[c] == "DOUBLE" or columns[c].startswith("DECIMAL")]
    exact = [column for column in compared if column not in near]
    by = ", ".join(f'"{column}"' for column in exact)
    order = ", ".join(f'"{column}" nulls last' for column in near) or "1"
    numbered = (
        f"(select *, row_number() over (partition by {by} order by {order}) as place "
        f'from {{}}.marts."{name}")'
    )
    matched = " and ".join(f'l."{c}" is not distinct from r."{c}"' for c in [*exact, "place"])
    wanted = ["count(*) filter (r.place is null)", "count(*) filter (l.place is null)"]
    for column in near:
        one, other = f'l."{column}"::double', f'r."{column}"::double'
        wanted.append(
            "count(*) filter (l.place is not null and r.place is not null and ("
            f"({one} is null) <> ({other} is null) "
            f"or abs({one} - {other}) > {RELATIVE} * greatest(abs({one}), abs({other}))))"
        )
    missing, surplus, *wrong = connection.execute(
        f"select {', '.join(wanted)} from {numbered.format('lefts')} as l "
        f"full join {numbered.format('rights')} as r on {matched}"
    ).fetchone()
    lines = (
        [f"{name}: {missing} rows are missing, {surplus} are too many"]
        if missing or surplus
        else []
    )
    return lines + [
        f"{name}.{column}: {count} rows differ"
        for column, count in zip(near, wrong, strict=True)
        if count
    ]

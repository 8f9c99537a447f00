"""Whether two DuckDB files hold the same marts."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from warehouse.build import mart_names
from warehouse.store import literal

# Columns of a mart that tell of the run, not of the company.
OF_THE_RUN = {"release": {"run_id", "built_at"}}
NUMBERS = ("DOUBLE", "DECIMAL")


def marts(path: Path) -> list[str]:
    """The names of the marts in a file."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return mart_names(connection)


def differing(
    ours: Path, theirs: Path, names: Sequence[str], *, memory: str = "4GB"
) -> dict[str, int]:
    """Rows of each of these marts that differ, of the marts that do.

    Both are put in order by everything but decimals and doubles and compared row by row: numbers
    within 1e-9, relative or absolute, everything else exactly. A row too many also counts those
    after it.
    """
    found = {}
    with duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{memory}'")
        connection.execute(f"set temp_directory = {literal(str(ours.with_suffix('.differences')))}")
        for schema, path in (("ours", ours), ("theirs", theirs)):
            connection.execute(f"attach {literal(str(path))} as {schema} (read_only)")
        for name in names:
            rows = connection.execute(_count_of_differences(connection, name)).fetchall()[0][0]
            if rows:
                found[name] = rows
    return found


def _count_of_differences(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    columns = [
        (column, kind)
        for column, kind in connection.execute(
            "select column_name, data_type from duckdb_columns() "
            "where database_name = 'ours' and schema_name = 'marts' and table_name = ? "
            "order by column_index",
            [name],
        ).fetchall()
        if column not in OF_THE_RUN.get(name, ())
    ]
    is_number = {column: kind.startswith(NUMBERS) for column, kind in columns}
    cast = ", ".join(
        f'cast("{column}" as {"double" if is_number[column] else kind}) as "{column}"'
        for column, kind in columns
    )
    order = ", ".join(f'"{column}"' for column in sorted(is_number, key=is_number.__getitem__))
    same = " and ".join(
        f'(o."{column}" is not distinct from t."{column}"'
        + (
            f' or abs(o."{column}" - t."{column}") <= greatest(1e-9, 1e-9 * abs(o."{column}"))'
            if is_number[column]
            else ""
        )
        + ")"
        for column, _ in columns
    )
    numbered = (
        f"select row_number() over (order by {order}) as row_in_order, * from (select {cast} from "
    )
    return (
        f"with o as ({numbered} ours.marts.{name})), t as ({numbered} theirs.marts.{name})) "
        "select count(*) from o full join t on o.row_in_order = t.row_in_order "
        f"where not coalesce(o.row_in_order = t.row_in_order and {same}, false)"
    )

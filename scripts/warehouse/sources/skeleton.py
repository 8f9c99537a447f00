"""`warehouse new-source NAME`: an adapter that works from its first minute.

It reads tables that look exactly like the landing contract. Whoever writes the adapter replaces
them, one by one, by the tables that the CRM really has; at every step it parses, builds and tests.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from warehouse.contract import Contract, Kind, Table
from warehouse.errors import InputError, StepError

# What nearly every CRM knows.
USUAL_TABLES = (
    "users",
    "accounts",
    "contacts",
    "leads",
    "pipeline_stages",
    "deals",
    "deal_stage_history",
    "activities",
)
# The generated test speaks of these.
_TESTED = ("pipeline_stages", "deals", "deal_stage_history")
_REGISTER = Path("macros") / "source_tables.sql"
_END = "    }) }}"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


def write(
    project_dir: Path, name: str, contract: Contract, tables: Sequence[str] = USUAL_TABLES
) -> list[Path]:
    """Write the skeleton of an adapter and register it; the files that were written or changed."""
    chosen = _check(project_dir, name, contract, tables)
    staging = project_dir / "models" / "staging" / name
    files = {staging / f"_{name}__sources.yml": _sources(name, chosen)}
    for table in chosen:
        files[staging / f"stg_{name}__{table.name}.sql"] = _model(name, table)
    files[project_dir / "tests" / "python" / f"test_{name}.py"] = _test(name)
    register = project_dir / _REGISTER
    registered = _registered(register.read_text(encoding="utf-8"), name, chosen)
    taken = [path for path in files if path.exists()]
    if taken:
        raise InputError(f"{taken[0]} is there already: choose another name, or remove it.")
    staging.mkdir(parents=True, exist_ok=True)
    (project_dir / "tests" / "python").mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    register.write_text(registered, encoding="utf-8")
    return [*files, register]


def _check(project_dir: Path, name: str, contract: Contract, tables: Sequence[str]) -> list[Table]:
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot be a source: use small letters, digits and _.")
    if (project_dir / "models" / "staging" / name).exists():
        raise InputError(f"There is a source {name} already: models/staging/{name}.")
    known = [table.name for table in contract.tables]
    unknown = [table for table in tables if table not in known]
    if unknown:
        raise InputError(
            f"{unknown[0]} is no table of the landing contract; it has {', '.join(known)}."
        )
    lacking = [table for table in _TESTED if table not in tables]
    if lacking:
        raise InputError(f"Without {lacking[0]} there is no deal to speak of: name it too.")
    return [table for table in contract.tables if table.name in tables]


def _registered(text: str, name: str, tables: Sequence[Table]) -> str:
    if text.count(_END) != 1 or f"'{name}':" in text:
        raise StepError(f"{_REGISTER} is not as it was written: add {name} to its list by hand.")
    listed = "".join(f"            '{table.name}',\n" for table in tables)
    return text.replace(_END, f"        '{name}': [\n{listed}        ],\n{_END}")


def _sources(name: str, tables: Sequence[Table]) -> str:
    lines = [
        f"# What is read of {name}: only these tables and columns. Put its own names here, then into",
        "# the models. What is not there counts as empty. A cursor grows with every change of a row.",
        "version: 2",
        "",
        "sources:",
        f"  - name: raw_{name}",
        f"    schema: raw_{name}",
        f"    description: Tables of {name} as they are there, all instants UTC.",
        "    tables:",
    ]
    for table in tables:
        cursor = f", cursor: {table.updated_at}" if table.updated_at else ""
        lines += [
            f"      - name: {table.name}",
            f"        description: {_quoted(table.description)}",
            f"        config: {{meta: {{key: [{', '.join(table.key)}]{cursor}}}}}",
            "        columns:",
        ]
        lines += [
            f"          - {{name: {column.name}, data_type: {_quoted(column.data_type)},"
            f" description: {_quoted(column.description)}}}"
            for column in table.columns
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _model(name: str, table: Table) -> str:
    columns = ",\n".join(
        f"        coalesce({column.name}, false) as {column.name}"
        if column.kind is Kind.BOOLEAN
        else f"        {column.name}"
        for column in table.columns
    )
    return f"""{{{{ config(enabled='{name}' in var('crm_sources')) }}}}

with {table.name} as (
    select *
    from {{{{ source_rows('raw_{name}', '{table.name}') }}}}
),

final as (
    select
{columns}
    from {table.name}
)

select * from final
"""


def _test(name: str) -> str:
    return f'''"""The adapter of {name}: what its tables say is what the marts say."""

import duckdb
import pytest

from running import REPOSITORY, dbt, warehouse

# One table of the source each: columns, then rows. Put the tables that {name} really has here.
TABLES = {{
    "pipeline_stages": (
        "pipeline,stage,position,outcome",
        "sales,New,1,open",
        "sales,Offer,2,open",
        "sales,Won,3,won",
        "sales,Lost,4,lost",
    ),
    "deals": (
        "deal_id,pipeline,stage,amount,created_at,closed_at",
        "1,sales,Won,100,2025-01-01 08:00,2025-01-11 08:00",
        "2,sales,Lost,200,2025-01-01 08:00,2025-01-06 08:00",
        "3,sales,Offer,300,2025-01-01 08:00,",
    ),
    "deal_stage_history": (
        "change_id,deal_id,stage,changed_at",
        "1,1,New,2025-01-01 08:00",
        "2,1,Offer,2025-01-04 08:00",
        "3,1,Won,2025-01-11 08:00",
        "4,2,New,2025-01-01 08:00",
        "5,2,Lost,2025-01-06 08:00",
        "6,3,New,2025-01-01 08:00",
        "7,3,Offer,2025-01-02 08:00",
    ),
}}


@pytest.fixture(scope="module")
def marts(tmp_path_factory):
    directory = tmp_path_factory.mktemp("{name}")
    tables = directory / "tables"
    tables.mkdir()
    for table, lines in TABLES.items():
        (tables / f"{{table}}.csv").write_text("\\n".join(lines) + "\\n")
    home = directory / "home"
    warehouse(home, "load", tables, "--source", "{name}", "--project-dir", REPOSITORY)
    kinds = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    variables = "{{crm_sources: [{name}], as_of: '2025-03-01 00:00:00'}}"
    models = ["+fct_deals", "+fct_deal_stage_visits", "+kpi_win_rate"]
    dbt(home, "build", "--select", *models, *kinds, "--vars", variables)
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        yield lambda query: connection.execute(query).fetchall()


def test_deals_have_their_outcomes(marts):
    assert marts(
        "select deal_id, outcome, days_to_close from marts.fct_deals order by deal_id"
    ) == [("1", "won", 10.0), ("2", "lost", 5.0), ("3", "open", None)]


def test_visits_have_their_lengths(marts):
    assert marts(
        "select stage, days_in_stage from marts.fct_deal_stage_visits where deal_id = '1'"
        " order by entered_at"
    ) == [("New", 3.0), ("Offer", 7.0), ("Won", None)]


def test_the_win_rate_is_the_share_of_what_closed(marts):
    assert marts(
        "select won_deals, closed_deals, win_rate from marts.kpi_win_rate"
        " where dimension = 'all' and period_grain = 'month'"
    ) == [(1, 2, 0.5)]
'''

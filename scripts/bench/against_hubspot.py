"""The pipeline marts beside dbt_hubspot's models of deals: the same company, each from its raw tables.

    python scripts/bench/against_hubspot.py --packages dbt_packages [--deals 1000000] [--memory 4GB]

`--packages` is what `dbt deps` makes for the package fivetran/hubspot 1.8. The sample company is
landed, and its deals are written once more as the tables that Fivetran's HubSpot connector makes
(`hubspot_tables.sql`). Then each project is run from nothing, as a whole process of dbt, and both
are shown in one table.
"""

import argparse
import json
import shutil
from pathlib import Path

import duckdb

from against_floor import AS_OF, LOAD, sample
from measure import BIN, PIPELINE_MARTS, REPOSITORY, costs, dbt, run, run_marts

SCRIPT = Path(__file__).with_name("hubspot_tables.sql")
OURS = "dbt run, pipeline marts and their facts"
HUBSPOT = "dbt run, dbt_hubspot's deals, stages and property history"

SWITCHED_OFF = (
    *("marketing", "service", "contact", "company", "engagement", "property"),
    *("team", "role", "deal_company", "deal_contact"),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--deals", type=int, default=1_000_000)
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "bench")
    parser.add_argument("--landing", type=Path, help="landed files instead of a sample")
    parser.add_argument("--as-of", default=AS_OF)
    parser.add_argument("--memory", default="4GB", help="memory limit of both")
    chosen = parser.parse_args()
    work = chosen.dir / f"hubspot-{chosen.deals}"
    home, beside = work / "home", work / "beside"
    for path in (home, beside):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
    landing = chosen.landing or work / "landing"
    if not landing.exists():
        sample(landing, chosen.deals, chosen.as_of)
    load = run([BIN / "warehouse", "load", landing, "--home", home])
    dbt("seed", home, chosen.memory)
    rows = write(home / "warehouse.duckdb", beside / "beside.duckdb")
    lay_out(beside, chosen.packages.resolve(), chosen.memory)
    found = {
        LOAD: load,
        OURS: run_marts(home, chosen.memory, chosen.as_of, PIPELINE_MARTS),
        HUBSPOT: run([BIN / "dbt", "run", "--project-dir", beside, "--profiles-dir", beside]),
    }
    print(f"### {chosen.deals:,} deals, memory limit {chosen.memory}\n\n{costs(found)}\n")
    print("; ".join(f"{count:,} rows of {name}" for name, count in rows.items()))
    print(f"Pipeline marts against dbt_hubspot, CPU: {found[OURS].cpu / found[HUBSPOT].cpu:.2f}")


def write(landed: Path, out: Path) -> dict[str, int]:
    """The tables of the connector from what has landed, and the rows of each."""
    with duckdb.connect(str(out)) as connection:
        connection.execute(f"attach '{landed}' as landed (read_only)")
        connection.execute(SCRIPT.read_text(encoding="utf-8"))
        return {
            name: connection.execute(f"select count(*) from hubspot.{name}").fetchone()[0]
            for name in ("deal", "deal_stage", "deal_property_history")
        }


def lay_out(project: Path, packages: Path, memory: str) -> None:
    """A dbt project around the package; YAML reads JSON."""
    output = {
        "type": "duckdb",
        "path": str(project / "beside.duckdb"),
        "threads": 2,
        "settings": {"memory_limit": memory},
    }
    profile = {"beside": {"target": "dev", "outputs": {"dev": output}}}
    variables = {
        "hubspot_schema": "hubspot",
        "hubspot_sales_enabled": True,
        **{f"hubspot_{part}_enabled": False for part in SWITCHED_OFF},
    }
    files = {
        "dbt_project.yml": {
            "name": "beside",
            "profile": "beside",
            "packages-install-path": str(packages),
            "vars": variables,
        },
        "profiles.yml": profile,
        "packages.yml": {"packages": [{"local": str(packages / "hubspot")}]},
    }
    for name, content in files.items():
        (project / name).write_text(json.dumps(content, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()

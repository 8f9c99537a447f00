"""Runs metric queries against a published file and prints the rows as JSON: `HOME TARGET VARS < queries`.

A process of its own: MetricFlow and dbt keep state, and their imports warn.
"""

import json
import os
import sys
from pathlib import Path

from dbt.adapters.factory import get_adapter_by_type
from dbt.cli.main import dbtRunner
from dbt_metricflow.cli.dbt_connectors.adapter_backed_client import AdapterBackedSqlClient
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow_semantics.model.dbt_manifest_parser import (
    parse_manifest_from_dbt_generated_manifest,
)
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

REPOSITORY = Path(__file__).parents[2]


def main(home: str, target: str, variables: str) -> None:
    os.environ["WAREHOUSE_HOME"] = home
    call = ["--quiet", "--log-path", target, "--project-dir", str(REPOSITORY)]
    call += ["--vars", variables]
    call += ["--profiles-dir", str(REPOSITORY / "scripts" / "semantic")]
    # `debug` leaves the adapter in place, as MetricFlow's own command does.
    for command in (["parse", "--target-path", target], ["debug"]):
        outcome = dbtRunner().invoke([*command, *call])
        assert outcome.success, outcome.exception
    text = (Path(target) / "semantic_manifest.json").read_text(encoding="utf-8")
    manifest = parse_manifest_from_dbt_generated_manifest(manifest_json_string=text)
    engine = MetricFlowEngine(
        semantic_manifest_lookup=SemanticManifestLookup(manifest),
        sql_client=AdapterBackedSqlClient(get_adapter_by_type("duckdb")),
    )
    answers = []
    for query in json.load(sys.stdin):
        request = MetricFlowQueryRequest.create(
            metric_names=query["metrics"], group_by_names=query["group_by"]
        )
        table = engine.query(request).result_df
        answers.append([dict(zip(table.column_names, row, strict=True)) for row in table.rows])
    names = sorted(metric.name for metric in manifest.metrics)
    print(json.dumps({"metrics": names, "answers": answers}, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])

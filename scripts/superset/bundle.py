"""Writes `dashboard.yml` out as the archive that Superset imports: database, datasets, charts, dashboard.

Everything has an id that follows from its name, so importing again replaces what was there. Columns
and their descriptions come from the published file.
"""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import yaml

SPEC = Path(__file__).parent / "dashboard.yml"
DATABASE = "Sales KPIs"
_NAMESPACE = uuid.UUID("5a1e5000-0000-4000-8000-6b7069000000")
_VERSION = "1.0.0"
_VIZ = {
    "line": "echarts_timeseries_line",
    "bar": "echarts_timeseries_bar",
    "stacked": "echarts_timeseries_bar",
    "number": "big_number_total",
    "table": "table",
}
_PERIOD, _IS_OVER = "period_start", "is_complete_period"


def sqlalchemy_uri(database: Path) -> str:
    """Read-only, and for SQL Lab too no other file of the machine."""
    return f"duckdb:///{database}?access_mode=read_only&enable_external_access=false"


def write(database: Path) -> bytes:
    """The archive for a published file; `database` is an absolute path that goes through `current`."""
    spec = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
    charts = [chart for section in spec["sections"] for chart in section["charts"]]
    files = {
        "metadata.yaml": {
            "version": _VERSION,
            "type": "assets",
            "timestamp": "2025-01-01T00:00:00",
        },
        f"databases/{_file(DATABASE)}": _database(database),
        f"dashboards/{_file(spec['title'])}": _dashboard(spec),
        **{f"charts/{_file(chart['title'])}": _chart(chart) for chart in charts},
        **{
            f"datasets/{_file(DATABASE)[:-5]}/{dataset['table_name']}.yaml": dataset
            for dataset in _datasets(spec, charts, database)
        },
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(f"bundle/{name}", yaml.safe_dump(content, sort_keys=False))
    return archive.getvalue()


def marts(spec: Mapping[str, Any]) -> set[str]:
    """The marts that the dashboard reads, those inside of queries left out."""
    charts = (chart for section in spec["sections"] for chart in section["charts"])
    return {chart["dataset"] for chart in charts} - set(spec["datasets"])


def id_of(kind: str, name: str) -> str:
    """The id of an object in Superset."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))


def _file(name: str) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in name.lower()).split()
    return f"{'_'.join(words)}.yaml"


def _database(database: Path) -> dict[str, Any]:
    return {
        "database_name": DATABASE,
        "sqlalchemy_uri": sqlalchemy_uri(database),
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {"metadata_params": {}, "engine_params": {}, "metadata_cache_timeout": {}},
        "uuid": id_of("database", DATABASE),
        "version": _VERSION,
    }


def _datasets(
    spec: Mapping[str, Any], charts: list[Mapping[str, Any]], database: Path
) -> Iterator[dict[str, Any]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        for name in sorted({chart["dataset"] for chart in charts}):
            sql = spec["datasets"].get(name)
            described = connection.execute(f"describe {sql or f'select * from marts.{name}'}")
            columns = [(row[0], row[1]) for row in described.fetchall()]
            comments = dict(
                connection.execute(
                    "select column_name, comment from duckdb_columns() where table_name = ?", [name]
                ).fetchall()
            )
            table = connection.execute(
                "select comment from duckdb_tables() where table_name = ?", [name]
            ).fetchone()
            yield {
                "table_name": name,
                "main_dttm_col": _PERIOD if _PERIOD in dict(columns) else None,
                "description": (table[0] if table else "") or "",
                "schema": "marts",
                "sql": sql,
                "filter_select_enabled": True,
                "uuid": id_of("dataset", name),
                "metrics": [{"metric_name": "count", "expression": "count(*)"}],
                "columns": [
                    {
                        "column_name": column,
                        "type": kind,
                        "is_dttm": kind == "DATE" or kind.startswith("TIMESTAMP"),
                        "is_active": True,
                        "groupby": True,
                        "filterable": True,
                        "description": comments.get(column) or "",
                    }
                    for column, kind in columns
                ],
                "version": _VERSION,
                "database_uuid": id_of("database", DATABASE),
            }


def _metrics(chart: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "expressionType": "SQL",
            "sqlExpression": sql,
            "label": label,
            "hasCustomLabel": True,
            "optionName": f"metric_{number}",
        }
        for number, (label, sql) in enumerate(chart.get("metrics", {}).items())
    ]


def _chart(chart: Mapping[str, Any]) -> dict[str, Any]:
    kind = chart["kind"]
    params: dict[str, Any] = {
        "viz_type": _VIZ[kind],
        "adhoc_filters": [
            _filter(column, "==", "EQUALS", value)
            for column, value in chart.get("where", {}).items()
        ],
        "row_limit": 10_000,
    }
    if kind == "number":
        params |= {"metric": _metrics(chart)[0], "y_axis_format": chart["format"]}
    elif kind == "table":
        params |= {"query_mode": "raw", "all_columns": chart["columns"], "order_by_cols": []}
    else:
        params |= {
            "x_axis": chart.get("x", _PERIOD),
            "metrics": _metrics(chart),
            "groupby": chart.get("by", []),
            "y_axis_format": chart["format"],
            "rich_tooltip": True,
            "show_legend": True,
            "x_axis_sort_asc": True,
            "stack": "Stack" if kind == "stacked" else None,
            "seriesType": "line",
        }
        if params["x_axis"] == _PERIOD:
            params["adhoc_filters"] += [
                _filter(_IS_OVER, "IS TRUE", "IS_TRUE", None),
                # What the dashboard's filter of time sets.
                _filter(_PERIOD, "TEMPORAL_RANGE", "TEMPORAL_RANGE", "No filter"),
            ]
            params |= {"x_axis_time_format": "%Y-%m", "granularity_sqla": _PERIOD}
    return {
        "slice_name": chart["title"],
        "viz_type": _VIZ[kind],
        "params": params,
        "query_context": json.dumps(_query_context(chart, params)),
        "uuid": id_of("chart", chart["title"]),
        "version": _VERSION,
        "dataset_uuid": id_of("dataset", chart["dataset"]),
    }


def _filter(column: str, operator: str, operator_id: str, value: Any) -> dict[str, Any]:
    return {
        "expressionType": "SIMPLE",
        "clause": "WHERE",
        "subject": column,
        "operator": operator,
        "operatorId": operator_id,
        "comparator": value,
    }


def _query_context(chart: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The query of a chart, so that its data can be asked for without opening it."""
    columns: list[Any] = list(chart.get("columns", []))
    if "x_axis" in params:
        axis = {
            "columnType": "BASE_AXIS",
            "expressionType": "SQL",
            "sqlExpression": params["x_axis"],
            "label": params["x_axis"],
        }
        columns = [axis, *chart.get("by", [])]
    return {
        # Superset puts in the dataset's number when it imports the chart.
        "datasource": {"id": 0, "type": "table"},
        "force": False,
        "queries": [
            {
                "columns": columns,
                "metrics": _metrics(chart),
                "filters": [
                    {"col": one["subject"], "op": one["operator"], "val": one["comparator"]}
                    for one in params["adhoc_filters"]
                ],
                "orderby": [],
                "row_limit": params["row_limit"],
                "extras": {},
            }
        ],
        "form_data": dict(params),
        "result_format": "json",
        "result_type": "full",
    }


def _dashboard(spec: Mapping[str, Any]) -> dict[str, Any]:
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": spec["title"]}},
    }
    grid = position["GRID_ID"]["children"]

    def place(identity: str, kind: str, meta: dict[str, Any], parents: list[str]) -> list[str]:
        entry = {"id": identity, "type": kind, "children": [], "parents": parents, "meta": meta}
        position[identity] = entry
        return entry["children"]

    for number, section in enumerate(spec["sections"]):
        header = f"HEADER-{number}"
        grid.append(header)
        meta = {"text": section["title"], "headerSize": "MEDIUM_HEADER"}
        place(header, "HEADER", meta, ["ROOT_ID", "GRID_ID"])
        row: list[str] = []
        used = 12
        for chart in section["charts"]:
            is_number = chart["kind"] == "number"
            width = 12 if chart.get("wide") else 3 if is_number else 6
            if used + width > 12:
                used = 0
                name = f"ROW-{number}-{len(grid)}"
                grid.append(name)
                meta = {"background": "BACKGROUND_TRANSPARENT"}
                row = place(name, "ROW", meta, ["ROOT_ID", "GRID_ID"])
            used += width
            identity = f"CHART-{_file(chart['title'])[:-5]}"
            row.append(identity)
            meta = {
                "uuid": id_of("chart", chart["title"]),
                "chartId": 0,
                "sliceName": chart["title"],
                "width": width,
                "height": 20 if is_number else 50,
            }
            place(identity, "CHART", meta, ["ROOT_ID", "GRID_ID", grid[-1]])
    period = {
        "id": "NATIVE_FILTER-period",
        "name": "Period",
        "type": "NATIVE_FILTER",
        "filterType": "filter_time",
        "targets": [{}],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
        "controlValues": {},
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "cascadeParentIds": [],
        "description": "Periods that begin within this time",
    }
    return {
        "dashboard_title": spec["title"],
        "slug": "sales-kpis",
        "uuid": id_of("dashboard", spec["title"]),
        "position": position,
        "metadata": {
            "native_filter_configuration": [period],
            "color_scheme": "supersetColors",
            "cross_filters_enabled": False,
        },
        "version": _VERSION,
        "published": True,
    }

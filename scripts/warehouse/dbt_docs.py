"""dbt's own documentation site as one file, made from the parsed project that a build has in memory.

`dbt docs generate` would parse the project again and ask the database about every relation: half a
minute for what rarely changes. Here the page is only written when a file of the project changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse import store
from warehouse.errors import StepError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PAGE = "index.html"
# What the page was made of; it is made again when this changes.
_STAMP = "made_of.txt"
# dbt's page has these in it, to be replaced by the two documents that it shows.
_MANIFEST = '"MANIFEST.JSON INLINE DATA"'
_CATALOG = '"CATALOG.JSON INLINE DATA"'
# Of one run, so wrong in the next one; nothing that the page shows.
_OF_ONE_RUN = (
    "compiled",
    "compiled_code",
    "compiled_path",
    "build_path",
    "created_at",
    "extra_ctes",
    "extra_ctes_injected",
    "config_call_dict",
    "unrendered_config_call_dict",
)

Columns = Mapping[tuple[str, str], Mapping[str, str]]


def write(directory: Path, manifest: Any, connection: DuckDBPyConnection) -> bool:
    """Write `directory/index.html`; False when it was there and nothing of it has changed.

    `connection` is to the warehouse that the project was built in: it knows the columns.
    """
    stamp = _stamp(manifest)
    page, note = directory / PAGE, directory / _STAMP
    if page.exists() and note.exists() and note.read_text(encoding="utf-8") == stamp:
        return False
    content = render(manifest, columns_of(connection))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        page.write_bytes(content)
        # Last: a page that was written by half is written again.
        note.write_text(stamp, encoding="utf-8")
    except OSError as error:
        raise store.os_failure(error, f"{page} was not written") from error
    return True


def render(manifest: Any, columns: Columns) -> bytes:
    """The page, in UTF-8."""
    from dbt.task.docs import DOCS_INDEX_FILE_PATH

    text = Path(DOCS_INDEX_FILE_PATH).read_text(encoding="utf-8")
    if text.count(_MANIFEST) != 1 or text.count(_CATALOG) != 1:
        raise StepError("dbt's documentation page has changed: it has no place for the project.")
    project = described(manifest, columns)
    for place, content in ((_MANIFEST, project), (_CATALOG, _catalog(project, columns))):
        text = text.replace(place, _script_safe(content))
    return text.encode("utf-8")


def columns_of(connection: DuckDBPyConnection) -> dict[tuple[str, str], dict[str, str]]:
    """Columns and their types by schema and relation, in their order."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for schema, relation, column, kind in connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where database_name = current_database() and not internal "
        "order by schema_name, table_name, column_index"
    ).fetchall():
        found.setdefault((schema, relation), {})[column] = kind
    return found


def described(manifest: Any, columns: Columns) -> dict[str, Any]:
    """The project as the page shows it, with a description for each column that can have one.

    A column without one of its own means what a doc block of its name says, else what it means
    where it comes from: the nearest parent that has a column of that name.
    """
    project = manifest.writable_manifest().to_dict(omit_none=False)
    name = project["metadata"]["project_name"]
    project["macros"] = {
        key: macro for key, macro in project["macros"].items() if macro["package_name"] == name
    }
    nodes = {**project["sources"], **project["nodes"]}
    blocks = {doc["name"]: doc["block_contents"] for doc in project["docs"].values()}
    known: dict[tuple[str, str], str] = {}

    def meaning(unique_id: str, column: str) -> str:
        key = (unique_id, column)
        if key not in known:
            node = nodes.get(unique_id, {})
            own = node.get("columns", {}).get(column, {}).get("description", "")
            known[key] = own or blocks.get(column, "")
            parents = node.get("depends_on", {}).get("nodes", ())
            # What lies in no relation of its own (an ephemeral model) is looked through.
            if not known[key] and column in columns.get(_relation(node), {column: ""}):
                texts = (meaning(parent, column) for parent in parents)
                known[key] = next((text for text in texts if text), "")
        return known[key]

    for unique_id, node in nodes.items():
        for key in _OF_ONE_RUN:
            node.pop(key, None)
        for column in columns.get(_relation(node), ()) if _is_relation(node) else ():
            if not column.startswith("_"):
                entry = node["columns"].setdefault(column, {"name": column, "meta": {}, "tags": []})
                entry["description"] = meaning(unique_id, column)
    return project


def undescribed(project: Mapping[str, Any]) -> list[str]:
    """What has no description: models, seeds and sources, and their columns as `model.column`."""
    missing = []
    for node in _relations(project):
        if not node["description"]:
            missing.append(node["name"])
        missing += [
            f"{node['name']}.{name}"
            for name, column in node["columns"].items()
            if not column["description"]
        ]
    return sorted(missing)


def _stamp(manifest: Any) -> str:
    """What the page is made of: dbt's version and every file of the project."""
    from dbt.version import __version__

    files = sorted(
        f"{file_id} {getattr(source.checksum, 'checksum', '')}"
        for file_id, source in manifest.files.items()
    )
    text = "\n".join([__version__, Path(__file__).read_text(encoding="utf-8"), *files])
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _relation(node: Mapping[str, Any]) -> tuple[str, str]:
    return node.get("schema", ""), node.get("identifier") or node.get("alias") or ""


def _is_relation(node: Mapping[str, Any]) -> bool:
    return node["resource_type"] in ("model", "seed", "source", "snapshot")


def _relations(project: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    for part in ("sources", "nodes"):
        yield from (node for node in project[part].values() if _is_relation(node))


def _catalog(project: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """What `dbt docs generate` would have found in the database."""
    catalog: dict[str, Any] = {
        "metadata": project["metadata"],
        "nodes": {},
        "sources": {},
        "errors": None,
    }
    for node in _relations(project):
        part = "sources" if node["resource_type"] == "source" else "nodes"
        found = columns.get(_relation(node), {})
        if not found:
            continue
        kind = "VIEW" if node.get("config", {}).get("materialized") == "view" else "BASE TABLE"
        catalog[part][node["unique_id"]] = {
            "metadata": {
                "type": kind,
                "database": node["database"],
                "schema": node["schema"],
                "name": _relation(node)[1],
                "comment": None,
                "owner": None,
            },
            "columns": {
                name: {"type": data_type, "index": index, "name": name, "comment": None}
                for index, (name, data_type) in enumerate(found.items(), start=1)
            },
            "stats": {},
            "unique_id": node["unique_id"],
        }
    return catalog


def _script_safe(content: Mapping[str, Any]) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(content, separators=(",", ":"), default=str, ensure_ascii=False)
    return text.replace("</", "<\\/").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")

"""Runs `dbt build` inside this process and says in sentences what failed and which marts are empty.

dbt is imported late: it costs two CPU seconds, and most commands do not need it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from warehouse import dbt_docs, figures, lake, runs, store
from warehouse.config import Config
from warehouse.contract import load_contract
from warehouse.errors import ChecksFailedError, StepError
from warehouse.logs import logger
from warehouse.store import quoted
from warehouse.variables import check_target, crm_sources

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MARTS_SCHEMA = "marts"
GREEN, RUNNING, RED = "green", "running", "red"
# The kind of target that builds in a lake instead of in the private database.
SPARK = "spark"
# What dbt says of a node that did what it should.
_DONE = ("success", "pass", "warn")
_OUT_OF_MEMORY = "Out of Memory Error"
# A failing test is shown with so many of the rows that it found.
_SHOWN_ROWS = 3
_SHOWN_WIDTH = 200

_TABLE = """
create schema if not exists ops;
create table if not exists ops.builds (
    run_id varchar primary key,
    started_at timestamp not null,
    as_of timestamp not null,
    status varchar not null
);
create table if not exists ops.mart_keys (
    table_name varchar primary key,
    key_columns varchar[] not null
);
"""


@dataclass(frozen=True)
class Failure:
    """A model, seed or test that did not pass."""

    name: str
    kind: str  # model, seed, test, unit_test, ...
    sentence: str
    is_check: bool  # the data are wrong (a test, a constraint), not the SQL


@dataclass(frozen=True)
class EmptyMart:
    """A KPI mart without rows, and the landed tables without rows that explain it."""

    name: str
    tables: tuple[str, ...]

    def sentence(self) -> str:
        """Why it is empty, for people."""
        if not self.tables:
            return f"{self.name} is empty: nothing of what has landed counts for it"
        return f"{self.name} is empty: nothing has landed in {_listed(self.tables)}"


@dataclass(frozen=True)
class BuildResult:
    """What `dbt build` did."""

    models: int
    tests: int
    seconds: float
    failures: tuple[Failure, ...]
    skipped: int
    warnings: tuple[str, ...]
    rows: Mapping[str, int]
    empty: tuple[EmptyMart, ...]
    # Which incremental tables a build had to make anew although they were there, and why.
    made_anew: tuple[str, ...] = ()

    def raise_for_failures(self) -> None:
        """StepError when SQL broke, ChecksFailedError when only checks of the data failed."""
        if not self.failures:
            return
        sentences = "\n".join(f"  - {failure.sentence}" for failure in self.failures)
        skipped = f"\n  {self.skipped} more were skipped because of that." if self.skipped else ""
        if all(failure.is_check for failure in self.failures):
            raise ChecksFailedError(
                f"{_counted(len(self.failures), 'dbt test')} failed, nothing was published:\n"
                f"{sentences}{skipped}"
            )
        remedy = store.remedy(sentences) or "Correct the model and run the same command again."
        raise StepError(
            f"The step build broke, nothing was published:\n{sentences}{skipped}\n  {remedy}"
        )


def build(
    config: Config,
    *,
    run_id: str,
    as_of: datetime,
    variables: Mapping[str, Any],
    full_refresh: bool = False,
    target: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> BuildResult:
    """Build seeds, models and tests; every connection to the warehouse is closed afterwards.

    `as_of` is naive UTC. The outcome is noted in `ops.builds`: a later publish trusts that alone.
    """
    begun = time.perf_counter()
    on_spark = check_target(target, config.project_dir, variables) == SPARK
    with store.connect(config) as connection:
        connection.execute(_TABLE)
        connection.execute(
            "insert or replace into ops.builds values (?, ?, ?, ?)",
            [run_id, runs.now(), as_of, RUNNING],
        )
        landed = _write_landed(config, connection, progress) if on_spark else []
    own = {name: value for name, value in variables.items() if name != "as_of"}
    passing: dict[str, Any] = {"as_of": as_of.isoformat(), "run_id": run_id}
    if on_spark:
        passing["landed_rows"] = sum(table.rows for table in landed)
    with _environment(config), _heard_events():
        manifest, results = _invoke(
            config,
            stable=own,
            passing=passing,
            full_refresh=full_refresh,
            target=target,
            landed=landed,
            progress=progress,
        )
    _log_results(run_id, results)
    with store.connect(config) as connection:
        # The rows that a test found lie where it ran.
        failures = tuple(_failures(None if on_spark else connection, results))
        is_green = not failures
        if is_green and on_spark:
            if progress:
                progress("bringing the marts from the lake")
            lake.bring_marts(connection, _lake(config), list(_marts(manifest)), MARTS_SCHEMA)
        if is_green:
            _drop_unknown_marts(connection, manifest)
            _note_keys(connection, manifest)
            dbt_docs.write(config.dbt_docs, manifest, connection)
        connection.execute(
            "update ops.builds set status = ? where run_id = ?",
            [GREEN if is_green else RED, run_id],
        )
        rows = mart_rows(connection)
        # What a KPI needs is told as tables of the landing contract: an adapter gives them otherwise.
        is_landing_alone = crm_sources(config.project_dir, variables) == ["landing"]
        needs = figures.NEEDS if is_landing_alone else {}
        empty = tuple(_empty_marts(connection, manifest, rows, needs)) if is_green else ()
        anew: tuple[str, ...] = ()
        if is_green:
            nodes = manifest.nodes.values()
            states = (
                lake.states(connection, _lake(config), nodes) if on_spark else _states(connection)
            )
            anew = tuple(_made_anew(states, run_id))
    done = [result for result in results if str(result.status) in _DONE]
    return BuildResult(
        models=sum(result.node.resource_type in ("model", "seed", "snapshot") for result in done),
        tests=sum(result.node.resource_type in ("test", "unit_test") for result in done),
        seconds=time.perf_counter() - begun,
        failures=failures,
        skipped=sum(str(result.status) == "skipped" for result in results),
        warnings=tuple(
            f"{_subject(result)}: {_message(result)}"
            for result in results
            if str(result.status) == "warn"
        ),
        rows=rows,
        empty=empty,
        made_anew=anew,
    )


def register(config: Config, *, target: str, progress: Callable[[str], None] | None = None) -> int:
    """Write what has landed to the lake and tell Spark of it; how many parts had changed."""
    with store.connect(config) as connection:
        landed = _write_landed(config, connection, progress)
    from dbt.cli.main import dbtRunner

    with _environment(config), _heard_events():
        shared = _shared(config, target, on_spark=True)
        parsed = dbtRunner().invoke(["parse", *shared, "--vars", "{}"])
        _register(_result(parsed, "The project cannot be parsed"), shared, "{}", landed)
    return sum(table.written for table in landed)


def mart_rows(connection: DuckDBPyConnection, catalog: str | None = None) -> dict[str, int]:
    """Rows of every table and view of the schema `marts`."""
    names = mart_names(connection, catalog)
    if not names:
        return {}
    prefix = f"{quoted(catalog)}." if catalog else ""
    counts = " union all ".join(
        f"select ?, count(*) from {prefix}{quoted(MARTS_SCHEMA)}.{quoted(name)}" for name in names
    )
    return dict(connection.execute(counts, names).fetchall())


def mart_names(connection: DuckDBPyConnection, catalog: str | None = None) -> list[str]:
    """The tables and views of the schema `marts`, without dbt's temporary ones."""
    found = connection.execute(
        """
        select table_name from information_schema.tables
        where table_schema = ? and table_catalog = coalesce(?, current_database())
        and not regexp_matches(table_name, '__dbt_(tmp|backup)')
        order by table_name
        """,
        [MARTS_SCHEMA, catalog],
    )
    return [name for (name,) in found.fetchall()]


@contextmanager
def _environment(config: Config) -> Iterator[None]:
    """What profiles.yml reads; the process's own environment is put back afterwards."""
    wanted = {
        "WAREHOUSE_HOME": str(config.home),
        "WAREHOUSE_LAKE": config.lake,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    if config.memory_limit:
        wanted["WAREHOUSE_MEMORY_LIMIT"] = config.memory_limit
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _invoke(
    config: Config,
    *,
    stable: Mapping[str, Any],
    passing: Mapping[str, Any],
    full_refresh: bool,
    target: str | None,
    landed: Sequence[lake.Landed],
    progress: Callable[[str], None] | None,
) -> tuple[Any, list[Any]]:
    """Parse, then build from the parsed project.

    dbt parses everything anew whenever a var changes, and `as_of` changes with every run. So the
    project is parsed without the vars of this run, which lets dbt reuse its last parse; they are
    given to the build, where models read them. No model may take them into its configuration.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    shared = _shared(config, target, on_spark=bool(landed))
    parsed = dbtRunner().invoke(["parse", *shared, "--vars", json.dumps(dict(stable))])
    manifest = _result(parsed, "The project cannot be parsed")
    if landed:
        _register(manifest, shared, json.dumps(dict(stable)), landed)
    # Unit tests judge the SQL on rows of their own: CI runs them, no night's data changes them.
    arguments = ["build", *shared, "--exclude-resource-type", "unit_test"]
    if full_refresh:
        arguments.append("--full-refresh")

    def run(cores: int | None, *selected: str) -> dict[str, Any]:
        given = json.dumps({**stable, **passing, "cores": cores})
        selection = ["--select", *selected] if selected else []
        try:
            built = dbtRunner(manifest=manifest, callbacks=[_watch(progress)]).invoke(
                [*arguments, "--vars", given, *selection]
            )
        finally:
            DuckDBConnectionManager.close_all_connections()
        results = _result(built, "dbt build did not run").results
        return {result.node.unique_id: result for result in results}

    results = run(config.threads)
    if again := _out_of_memory(results.values()):
        if progress:
            progress(f"out of memory: {_counted(len(again), 'node')} again on one core")
        logger.warning("out of memory, again on one core", extra={"data": {"nodes": again}})
        results |= run(1, *again)
    return manifest, list(results.values())


def _out_of_memory(results: Iterable[Any]) -> list[str]:
    """The nodes to build again on one core: those that broke for want of memory, and what waits for them."""
    open_ended = [result for result in results if str(result.status) not in _DONE]
    broke = [result for result in open_ended if str(result.status) != "skipped"]
    if not broke or any(_OUT_OF_MEMORY not in _message(result) for result in broke):
        return []
    return sorted(result.node.name for result in open_ended)


def _shared(config: Config, target: str | None, *, on_spark: bool) -> list[str]:
    """Options of every call of dbt."""
    return [
        "--project-dir", str(config.project_dir),
        "--profiles-dir", str(config.project_dir),
        # dbt parses anew whenever the engine changes: each has a parse of its own to reuse.
        "--target-path", str(config.target / SPARK if on_spark else config.target),
        # dbt formats every event for its own log, wanted or not, which is a fifth of a small build:
        # the results go to the log of the commands instead.
        "--log-path", str(config.logs),
        "--log-level", "none",
        "--log-level-file", "none",
        "--no-print",
        "--no-write-json",
        "--no-send-anonymous-usage-stats",
        *(["--target", target] if target else []),
    ]  # fmt: skip


def _lake(config: Config) -> lake.Lake:
    return lake.Lake(config.lake, config.scratch)


def _write_landed(
    config: Config, connection: DuckDBPyConnection, progress: Callable[[str], None] | None
) -> list[lake.Landed]:
    if progress:
        progress(f"writing what has landed to {config.lake}")
    return lake.write_landed(connection, _lake(config), load_contract())


def _register(
    manifest: Any, shared: Sequence[str], variables_text: str, landed: Sequence[lake.Landed]
) -> None:
    """Tell Spark of the landed tables, by a macro: dbt knows how to reach it."""
    from dbt.cli.main import dbtRunner

    tables = json.dumps({"tables": [table.registered() for table in landed]})
    call = ["run-operation", "register_landed", *shared, "--vars", variables_text]
    # What broke an operation is said in an event alone.
    broke: list[str] = []

    def hear(event: Any) -> None:
        if event.info.level == "error":
            broke.append(event.info.msg)

    outcome = dbtRunner(manifest=manifest, callbacks=[hear]).invoke([*call, "--args", tables])
    fact = "The landed tables were not registered with Spark"
    done = _result(outcome, fact)
    for result in getattr(done, "results", ()):
        if str(result.status) not in ("success", "pass"):
            message = _flat(result.message or " ".join(broke)).rpartition("HiveSQLException: ")[2]
            raise StepError(
                f"{fact}: {_short(message, _SHOWN_WIDTH)}. {store.remedy(message) or ''}"
            )


@contextmanager
def _heard_events() -> Iterator[None]:
    """dbt makes a message of each of its thousands of debug events, though nobody listens to them.

    Its events go through a manager that can be replaced; this one leaves those out, a twentieth
    of a small build. Whoever wants them runs `dbt build --debug`.
    """
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.event_manager_client import ctx_set_event_manager, get_event_manager

    class HeardEvents(EventManager):
        def fire_event(
            self, e: BaseEvent, level: EventLevel | None = None, *rest: Any, **named: Any
        ) -> None:
            if self.loggers or (level or e.level_tag()) != EventLevel.DEBUG:
                super().fire_event(e, level, *rest, **named)

    before = get_event_manager()
    ctx_set_event_manager(HeardEvents())
    try:
        yield
    finally:
        ctx_set_event_manager(before)


def _result(outcome: Any, fact: str) -> Any:
    error = outcome.exception
    if isinstance(error, KeyboardInterrupt):
        raise error
    if isinstance(error, OSError):
        raise store.os_failure(error, fact) from error
    if error is not None:
        raise StepError(f"{fact}: {_flat(str(error))}") from error
    return outcome.result


def _watch(progress: Callable[[str], None] | None) -> Callable[[Any], None]:
    """Progress from dbt's events, and its warnings and errors for the log."""

    def watch(event: Any) -> None:
        if event.info.level in ("warn", "error"):
            logger.warning(event.info.msg, extra={"data": {"dbt_event": event.info.name}})
        elif progress is None:
            return
        elif event.info.name in ("LogModelResult", "LogSeedResult"):
            data = event.data
            progress(f"{data.index} of {data.total}: {_short(data.node_info.node_name)}")
        elif event.info.name == "LogTestResult":
            data = event.data
            progress(f"{data.index} of {data.num_models}: {_short(data.node_info.node_name)}")

    return watch


def _log_results(run_id: str, results: list[Any]) -> None:
    for result in results:
        data = {
            "run_id": run_id,
            "node": result.node.unique_id,
            "status": str(result.status),
            "seconds": round(result.execution_time, 3),
        }
        if str(result.status) not in ("success", "pass"):
            data["detail"] = result.message
            data["sql"] = getattr(result.node, "compiled_code", None)
        logger.info("dbt %s", result.status, extra={"data": data})


def _failures(connection: DuckDBPyConnection | None, results: list[Any]) -> Iterator[Failure]:
    for result in results:
        status = str(result.status)
        if status not in ("error", "fail", "runtime error", "partial success"):
            continue
        kind = str(result.node.resource_type)
        message = _message(result)
        if status == "fail":
            found = _found_rows(connection, result) if connection and kind == "test" else ""
            sentence = f"{_subject(result)}: {found or message}"
        else:
            sentence = f"{_subject(result)} broke: {message}"
        yield Failure(
            name=result.node.name,
            kind=kind,
            sentence=sentence,
            is_check=status == "fail" or "Constraint Error" in message,
        )


def _subject(result: Any) -> str:
    node = result.node
    kind = str(node.resource_type)
    if kind == "unit_test":
        return f"unit test {node.name} of {node.model}"
    if kind == "test":
        return f"test {_test_name(node)}"
    return f"{kind} {node.name}"


def _test_name(node: Any) -> str:
    """What was tested where; dbt's own name of a generic test spells out all of its arguments."""
    metadata = getattr(node, "test_metadata", None)
    name = metadata.name if metadata is not None else node.name
    attached = getattr(node, "attached_node", None)
    tested = [attached] if attached else node.depends_on.nodes
    models = [unique_id.split(".")[-1] for unique_id in tested]
    on = f" on {_listed(models)}" if models else ""
    column = getattr(node, "column_name", None)
    return f"{name}{on}" + (f".{column}" if column else "")


def _message(result: Any) -> str:
    failures = getattr(result, "failures", None)
    if str(result.status) in ("fail", "warn") and isinstance(failures, int):
        return f"{_counted(failures, 'row')} found"
    # dbt adds the macros that were being expanded: they are in its log.
    return _flat((result.message or "no message").split("> in macro")[0])


def _found_rows(connection: DuckDBPyConnection, result: Any) -> str:
    """The first rows that a test found; a test that cannot be run again has none to show."""
    import duckdb

    sql = getattr(result.node, "compiled_code", None)
    if not sql:
        return ""
    try:
        cursor = connection.execute(f"select * from (\n{sql}\n) limit {_SHOWN_ROWS}")
        names = [column[0] for column in cursor.description or []]
        rows = cursor.fetchall()
    except duckdb.Error:
        return ""
    shown = "; ".join(
        ", ".join(f"{name} = {value}" for name, value in zip(names, row, strict=True))
        for row in rows
    )
    more = f"{_counted(result.failures or len(rows), 'row')} found"
    return f"{more}, such as {_short(shown, _SHOWN_WIDTH)}" if shown else more


def _drop_unknown_marts(connection: DuckDBPyConnection, manifest: Any) -> None:
    """A mart that the project no longer has would be published for ever with its last figures."""
    known = {node.alias for node in _marts(manifest)}
    for name in mart_names(connection):
        if name not in known:
            kind = connection.execute(
                "select table_type from information_schema.tables "
                "where table_schema = ? and table_name = ?",
                [MARTS_SCHEMA, name],
            ).fetchone()
            what = "view" if kind and kind[0] == "VIEW" else "table"
            connection.execute(f"drop {what} {quoted(MARTS_SCHEMA)}.{quoted(name)}")


def _note_keys(connection: DuckDBPyConnection, manifest: Any) -> None:
    """Keep the keys that the tests prove: publishing sorts by them, and has no manifest to ask."""
    keys = []
    for node in manifest.nodes.values():
        metadata = getattr(node, "test_metadata", None)
        model = manifest.nodes.get(getattr(node, "attached_node", None) or "")
        if metadata is not None and model is not None and model.schema == MARTS_SCHEMA:
            columns = metadata.kwargs.get("key")
            # A part of a key may be an expression: then there are no columns to sort by.
            if isinstance(columns, list) and set(columns) <= set(model.columns):
                keys.append((model.alias, [str(column) for column in columns]))
    connection.execute("begin")
    connection.execute("delete from ops.mart_keys")
    for name, columns in keys:
        connection.execute("insert or replace into ops.mart_keys values (?, ?)", [name, columns])
    connection.execute("commit")


def _marts(manifest: Any) -> Iterator[Any]:
    for node in manifest.nodes.values():
        if node.schema == MARTS_SCHEMA and str(node.resource_type) in ("model", "seed", "snapshot"):
            yield node


def _empty_marts(
    connection: DuckDBPyConnection,
    manifest: Any,
    rows: Mapping[str, int],
    needs: Mapping[str, Sequence[str]],
) -> Iterator[EmptyMart]:
    """Follow the empty tables from a mart back to what has not landed.

    Only empty parents are followed: a table with rows is not why its child has none. A landed
    table that is also missing behind a mart with rows is no reason either, unless all of them are.
    Of the KPIs in `needs` it is known without that what they cannot do without.
    """
    lineage = _Lineage(connection, manifest)
    landed = {node.name: unique_id for unique_id, node in manifest.sources.items()}
    marts = [node for node in _marts(manifest) if node.alias in rows]
    tolerated: set[str] = set()
    for node in marts:
        if rows[node.alias]:
            tolerated.update(lineage.missing(node.unique_id))
    for node in sorted(marts, key=lambda item: item.alias):
        if rows[node.alias] or not node.alias.startswith("kpi_"):
            continue
        if node.alias in needs:
            needed = [table for table in needs[node.alias] if table in landed]
            missing = [table for table in needed if lineage.is_empty(landed[table])]
        else:
            found = lineage.missing(node.unique_id)
            missing = [table for table in found if table not in tolerated] or found
        yield EmptyMart(name=node.alias, tables=tuple(missing))


def _states(connection: DuckDBPyConnection) -> list[tuple[str, str | None, str]]:
    """What the last build of each table noted: its name, why all of it was made, the run.

    Only the project's own materializations keep `ops.table_states`.
    """
    kept = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'ops' and table_name = 'table_states'"
    ).fetchone()
    if not kept:
        return []
    return connection.execute("select relation, why, run_id from ops.table_states").fetchall()


def _made_anew(states: Iterable[tuple[str, str | None, str]], run_id: str) -> Iterator[str]:
    """Per reason, the tables that could not continue their last build."""
    names: dict[str, list[str]] = {}
    for relation, why, run in states:
        if run == run_id and why and why not in ("it was not there", "small"):
            names.setdefault(why, []).append(relation.partition(".")[2])
    for why in sorted(names):
        yield f"made anew entirely ({why}): {_listed(sorted(names[why]))}"


class _Lineage:
    """Which relations of the manifest are empty; each is looked at once."""

    def __init__(self, connection: DuckDBPyConnection, manifest: Any) -> None:
        self._connection = connection
        self._manifest = manifest
        self._empty: dict[str, bool] = {}

    def missing(self, unique_id: str) -> list[str]:
        """Empty landed tables that are reached through empty relations, the nearest first."""
        seen = {unique_id}
        level = [unique_id]
        found: dict[str, None] = {}
        while level:
            following = []
            for child in level:
                for parent in self._parents(child):
                    if parent in seen or not self.is_empty(parent):
                        continue
                    seen.add(parent)
                    following.append(parent)
                    if parent in self._manifest.sources:
                        found[self._manifest.sources[parent].name] = None
            level = following
        return list(found)

    def _parents(self, unique_id: str) -> list[str]:
        # A source depends on nothing, a seed on macros alone.
        node = self._manifest.nodes.get(unique_id)
        return list(getattr(getattr(node, "depends_on", None), "nodes", ()))

    def is_empty(self, unique_id: str) -> bool:
        """Whether a relation has no rows, or is not there."""
        if unique_id not in self._empty:
            self._empty[unique_id] = self._look(unique_id)
        return self._empty[unique_id]

    def _look(self, unique_id: str) -> bool:
        import duckdb

        node = self._manifest.sources.get(unique_id) or self._manifest.nodes.get(unique_id)
        if node is None or not node.relation_name:
            # An ephemeral model has no relation of its own: look behind it.
            return node is not None
        try:
            row = self._connection.execute(f"select 1 from {node.relation_name} limit 1").fetchone()
        except duckdb.Error:
            return True
        return row is None


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _flat(text: str) -> str:
    return " ".join(text.split())


def _short(text: str, width: int = 60) -> str:
    text = _flat(text)
    return text if len(text) <= width else text[: width - 1] + "…"

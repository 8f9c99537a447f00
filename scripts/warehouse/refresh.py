"""The nightly run and its steps alone: each is locked, recorded and timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse import build as building
from warehouse import check as checking
from warehouse import publish as publishing
from warehouse import report as reporting
from warehouse import runs, store, variables
from warehouse.build import BuildResult
from warehouse.check import CheckResult
from warehouse.config import Config, path_kind
from warehouse.errors import ChecksFailedError, InputError, WarehouseError
from warehouse.notify import notify
from warehouse.publish import Release
from warehouse.runs import Record, Run

if TYPE_CHECKING:
    from warehouse.sources.address import Address

Progress = Callable[[str, str], None]


@dataclass(frozen=True)
class Outcome:
    """What a command did; what it did not do is None."""

    record: Record
    build: BuildResult | None = None
    checks: CheckResult | None = None
    release: Release | None = None
    report: Path | None = None
    tables: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


def refresh(
    config: Config,
    directories: Sequence[Path] = (),
    *,
    full_export: bool = False,
    source: str | None = None,
    database: Address | None = None,
    full_refresh: bool = False,
    as_of: datetime | None = None,
    vars_given: Mapping[str, Any] | None = None,
    target: str | None = None,
    progress: Progress,
) -> Outcome:
    """Land, build, check, publish, report; nothing is published unless all before it was green.

    The directories are in the landing contract or, with `source`, hold that CRM's own tables, which
    may also come from its `database`.
    """
    _check_call(directories, full_export, source, database)
    _check_publishable(config, target, vars_given)
    with _notifying(config), _run(config, "refresh", as_of, vars_given, progress) as run:
        landed = _land(run, directories, full_export, source, database)
        if source is not None:
            _check_rejects(run)
        before = _check(run, checking.LANDING_SUITES)
        built = _build(run, full_refresh, target)
        checks = _check(run, checking.MARTS_SUITES, before)
        release = _publish(run)
        run.message = f"release {release.release_id} published"
        outcome = Outcome(
            record=run.record(runs.PUBLISHED),
            build=built,
            checks=checks,
            release=release,
            tables=landed,
        )
    if outcome.record.warnings:
        notify(
            config,
            "warning",
            "Sales KPIs: published with warnings",
            "\n".join(outcome.record.warnings),
        )
    else:
        notify(config, "success", "Sales KPIs: published", outcome.record.message)
    return outcome


def load(
    config: Config,
    directories: Sequence[Path],
    *,
    full_export: bool = False,
    source: str | None = None,
    database: Address | None = None,
    target: str | None = None,
    progress: Progress,
) -> Outcome:
    """Landing alone; with a target on Spark it is told of what has landed, for plain dbt."""
    _check_call(directories, full_export, source, database)
    on_spark = target and variables.check_target(target, config.project_dir) == building.SPARK
    with runs.recorded(config, "load", progress=progress) as run:
        landed = _land(run, directories, full_export, source, database)
        if on_spark:
            with run.step("lake", f"Writing what has landed to {config.lake}"):
                building.register(config, target=target, progress=run.detail)
        return Outcome(record=run.record(runs.DONE), tables=landed)


def build(
    config: Config,
    *,
    full_refresh: bool = False,
    as_of: datetime | None = None,
    vars_given: Mapping[str, Any] | None = None,
    target: str | None = None,
    progress: Progress,
) -> Outcome:
    """`dbt build` alone, from what has landed."""
    variables.check_target(target, config.project_dir, vars_given)
    with _run(config, "build", as_of, vars_given, progress, success=runs.DONE) as run:
        _land(run, (), False)
        return Outcome(record=run.record(runs.DONE), build=_build(run, full_refresh, target))


def check(config: Config, *, progress: Progress) -> Outcome:
    """The quality checks alone."""
    with runs.recorded(config, "check", progress=progress) as run:
        return Outcome(record=run.record(runs.DONE), checks=_check(run, checking.SUITES))


def publish(config: Config, *, progress: Progress) -> Outcome:
    """Publish the last green build anew, after the same checks as in a refresh."""
    with runs.recorded(config, "publish", progress=progress, success=runs.PUBLISHED) as run:
        checks = _check(run, checking.SUITES)
        release = _publish(run)
        run.message = f"release {release.release_id} published"
        return Outcome(record=run.record(runs.PUBLISHED), checks=checks, release=release)


def rollback(config: Config, release_id: str | None, *, progress: Progress) -> Outcome:
    """Show readers an earlier release again; works without the warehouse."""
    with runs.recorded(
        config, "rollback", progress=progress, in_warehouse=False, success=runs.PUBLISHED
    ) as run:
        before = publishing.current_id(config)
        with run.step("rollback", "Going back"):
            release = publishing.rollback(config, release_id)
        run.release_id = release.release_id
        run.message = f"went back from release {before} to {release.release_id}"
        return Outcome(record=run.record(runs.PUBLISHED), release=release)


def report(config: Config, *, progress: Progress) -> Outcome:
    """The page of the published release, written anew into the home; the release stays as it is."""
    release = publishing.current(config)
    if release is None:
        raise InputError(f"Nothing is published in {config.home} yet: run `warehouse refresh`.")
    with runs.recorded(config, "report", progress=progress, in_warehouse=False) as run:
        with run.step("report", "Writing the report"):
            path = reporting.write(
                release.database, config.home / "report", options=config.detached_options()
            )
        return Outcome(record=run.record(runs.DONE), release=release, report=path)


def _run(
    config: Config,
    command: str,
    as_of: datetime | None,
    vars_given: Mapping[str, Any] | None,
    progress: Progress,
    *,
    success: str = runs.PUBLISHED,
) -> Any:
    """A recorded run with its `as_of`: given, else of the vars, else the start of the run."""
    given = dict(vars_given or {})
    started_at = runs.now()
    defaults = variables.project_defaults(config.project_dir)
    written = given.get("as_of") or defaults.get("as_of")
    instant = as_of or (variables.parse_as_of(str(written)) if written else None)
    return _warned_of_time(
        runs.recorded(
            config,
            command,
            as_of=instant or started_at,
            started_at=started_at,
            variables=given,
            progress=progress,
            success=success,
        ),
        config,
        is_default=instant is None,
    )


@contextmanager
def _warned_of_time(recorded: Any, config: Config, *, is_default: bool) -> Any:
    with recorded as run:
        release = publishing.current(config)
        if is_default and release and run.as_of.isoformat() < release.as_of:
            run.warn(
                f"as_of {run.as_of.isoformat()} lies before that of the published release "
                f"({release.as_of}): the clock went back, or that release was made with --as-of."
            )
        elif not is_default and run.as_of > run.started_at:
            run.warn(f"as_of {run.as_of.isoformat()} lies in the future of this machine's clock.")
        yield run


@contextmanager
def _notifying(config: Config) -> Any:
    try:
        yield
    except (WarehouseError, KeyboardInterrupt) as error:
        notify(config, "failure", "Sales KPIs: the refresh failed", str(error))
        raise


def _check_call(
    directories: Sequence[Path],
    full_export: bool,
    source: str | None,
    database: Address | None,
) -> None:
    if source is not None and (not directories) == (database is None):
        raise InputError(
            f"Where is {source}? Name directories with its tables, or its database by --from."
        )
    if database is not None and source is None:
        raise InputError("--from names a database: say by --source which CRM's it is.")
    if full_export and not directories and database is None:
        raise InputError("--full-export says what the landing directory is: name one.")
    for directory in directories:
        kind = path_kind(directory)
        if kind is None:
            raise InputError(f"There is no landing directory {directory}.")
        if kind == "file":
            raise InputError(f"{directory} is a file: name the landing directory it lies in.")


def _check_publishable(config: Config, target: str | None, given: Mapping[str, Any] | None) -> None:
    kind = variables.check_target(target, config.project_dir, given)
    if kind not in ("duckdb", building.SPARK):
        raise InputError(
            f"--target {target} builds on {kind}, but releases are published from DuckDB and Spark: "
            f"use `warehouse build --target {target}`."
        )


def _land(
    run: Run,
    directories: Sequence[Path],
    full_export: bool,
    source: str | None = None,
    database: Address | None = None,
) -> list[dict[str, Any]]:
    if source is not None:
        return _land_source(run, directories, full_export, source, database)
    from warehouse import load as landing

    sentence = f"Landing {', '.join(str(d) for d in directories)}" if directories else "Preparing"
    with run.step("land", sentence), store.connect(run.config) as connection:
        landing.ensure_raw_tables(connection)
        if not directories:
            row = connection.execute("select count(*) from ops.loads").fetchone()
            if not row or not row[0]:
                raise InputError(
                    f"Nothing has landed in {run.config.home} yet: "
                    "name a landing directory (`warehouse sample DIR` makes one)."
                )
            return []
        result = landing.load(
            connection,
            list(directories),
            run_id=run.run_id,
            full_export=full_export,
            loaded_at=run.started_at,
            progress=run.detail,
            scratch=run.config.scratch,
        )
    _tell(run, result.tables, "the last in file order")
    for entry in result.ignored:
        run.warn(f"Not landed: {entry}")
    if result.days:
        # They are where they belong: whoever wants them names them.
        run.note(
            f"{len(result.days)} directories of single days were left alone "
            f"({', '.join(result.days[:3])}{', ...' if len(result.days) > 3 else ''}): "
            "each is landed by a call that names it."
        )
    return run.tables


def _land_source(
    run: Run,
    directories: Sequence[Path],
    full_export: bool,
    name: str,
    address: Address | None,
) -> list[dict[str, Any]]:
    """Land a CRM's own tables, as its adapter in models/staging/ declares them."""
    from warehouse.sources import database, declared
    from warehouse.sources import load as landing

    config = run.config
    source = declared.load(config.project_dir, name)
    origin = address.shown if address else ", ".join(str(directory) for directory in directories)
    how = {
        "run_id": run.run_id,
        "full_export": full_export,
        "loaded_at": run.started_at,
        "progress": run.detail,
    }
    with run.step("land", f"Landing {name} from {origin}"):
        if address is not None:
            kept = config.extracts / name
            with database.connect(address) as opened, store.connect(config) as connection:
                result = landing.load_database(connection, source, opened, kept=kept, **how)
        else:
            with store.connect(config) as connection:
                result = landing.load_files(
                    connection, source, list(directories), scratch=config.scratch, **how
                )
    _tell(run, result.tables, "the last")
    if result.absent:
        run.note(f"{name} has no {', '.join(result.absent)}: they count as empty.")
    return run.tables


def _tell(run: Run, tables: Sequence[Any], taken: str) -> None:
    """Keep what landed, and warn of keys with different rows and of tables of another shape."""
    run.tables = [asdict(table) for table in tables]
    for table in tables:
        if table.conflicts:
            run.warn(
                f"{table.table_name}: {table.conflicts} rows had the key of a different row "
                f"in one load and nothing to tell the newer one; {taken} was taken."
            )
        for change in table.drift:
            run.warn(f"{table.table_name}: {change}")


def _check_rejects(run: Run) -> None:
    """Too many rows of a source that cannot be read: what is left of it is not worth publishing.

    Tables of the landing contract have a quality check of their own for that.
    """
    most = run.config.reject_threshold
    for table in run.tables:
        share = table["rejected"] / table["rows_read"] if table["rows_read"] else 0.0
        if share > most:
            name = table["table_name"]
            run.failed(
                "rejected rows",
                suite="landing",
                table=name,
                sentence=f"landing: {name}: {table['rejected']} of {table['rows_read']} rows "
                f"({share:.2%}) cannot be read, expected at most {most:.2%} "
                f"(see `warehouse rejects {name}`, reject_threshold in warehouse.yml)",
            )
    if run.checks_failed:
        raise ChecksFailedError("\n".join(["Nothing was published:", *run.checks_failed]))


def _build(run: Run, full_refresh: bool, target: str | None) -> BuildResult:
    with run.step("build", "Building the marts"):
        built = building.build(
            run.config,
            run_id=run.run_id,
            as_of=run.as_of or run.started_at,
            variables=run.variables,
            full_refresh=full_refresh,
            target=target,
            progress=run.detail,
        )
        for sentence in built.warnings:
            run.warn(sentence)
        for failure in built.failures:
            if failure.is_check:
                run.failed(failure.name, suite="dbt", kind=failure.kind, sentence=failure.sentence)
        built.raise_for_failures()
    run.made_anew = list(built.made_anew)
    run.empty_marts = [mart.sentence() for mart in built.empty]
    for sentence in [*run.made_anew, *run.empty_marts]:
        run.progress("note", sentence)
    return built


def _check(
    run: Run, suites: Sequence[checking.Suite], before: CheckResult | None = None
) -> CheckResult:
    with run.step("check", "Checking"):
        result = checking.check(run.config, run_id=run.run_id, suites=suites, before=before)
        known = set(before.checks) if before else set()
        for item in result.warnings:
            if item not in known:
                run.warn(item.sentence())
        for item in result.errors:
            run.failed(**asdict(item), sentence=item.sentence())
        result.raise_for_errors()
    return result


def _publish(run: Run) -> Release:
    with run.step("publish", "Publishing"):
        draft = publishing.write(run.config, progress=run.detail)
    with run.step("report", "Writing the report"):
        reporting.write(draft.database, draft.report, options=run.config.detached_options())
    with run.step("publish", "Verifying and switching"):
        # From here on an interruption may come after the switch: the record says which release.
        try:
            release = publishing.commit(run.config, draft)
        finally:
            if publishing.current_id(run.config) == draft.release_id:
                run.release_id = draft.release_id
    return release

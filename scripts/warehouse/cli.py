"""The `warehouse` command: parses, prints, and is the only module that reads the environment.

Results go to stdout, progress to stderr. Everything heavy is imported by the command that needs it,
so that `--help` and `status` answer at once.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from warehouse import errors
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from warehouse.config import Config
    from warehouse.publish import Release
    from warehouse.refresh import Outcome
    from warehouse.runs import Record
    from warehouse.sources.address import Address

USAGE_ERROR = 2
BROKEN = 4
# Without a terminal a long step says how far it is at most this often.
_DETAIL_SECONDS = 10.0


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """The shared options may stand before or after the command; the later one wins."""
    if value not in (None, False) and parameter.name:
        context.find_root().ensure_object(dict)[parameter.name] = value
    return value


class _Named(click.Path):
    """A path that is not empty: `--home "$UNSET"` would be the directory where one stands."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("it is empty: name a directory.", param, ctx)
        return super().convert(value, param, ctx)


def _shared_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--json",
            "as_json",
            is_flag=True,
            expose_value=False,
            callback=_remember,
            help="Print the result as one JSON object.",
        ),
        click.option(
            "--project-dir",
            type=click.Path(path_type=Path),
            metavar="DIR",
            expose_value=False,
            callback=_remember,
            help="The repository [default: where this package is installed from].",
        ),
        click.option(
            "--home",
            type=_Named(path_type=Path),
            metavar="DIR",
            expose_value=False,
            callback=_remember,
            help="Where all state lives [default: WAREHOUSE_HOME, else var/ in the repository].",
        ),
    ):
        command = option(command)
    return command


def _as_of(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Any:
    if value is None:
        return None
    from warehouse.variables import parse_as_of

    return parse_as_of(value)


_as_of_option = click.option(
    "--as-of",
    metavar="TS",
    callback=_as_of,
    help="The instant the figures speak of, ISO 8601, UTC [default: the start of the run].",
)
_vars_option = click.option(
    "--vars",
    "vars_text",
    metavar="YAML",
    help="Reporting choices for this run, such as '{reporting_currency: EUR}'.",
)
_full_refresh_option = click.option(
    "--full-refresh", is_flag=True, help="Rebuild what is otherwise built in increments."
)
_full_export_option = click.option(
    "--full-export",
    is_flag=True,
    help="The directory is a full export: what is missing from its tables has been deleted.",
)
_target_option = click.option(
    "--target", metavar="NAME", help="A target of profiles.yml [default: the one named there]."
)
_source_option = click.option(
    "--source",
    metavar="NAME",
    help="The directories hold the own tables of this CRM (docs/sources.md), one file per table.",
)
_from_option = click.option(
    "--from",
    "address",
    metavar="URL|env:NAME|file:PATH",
    help="With --source: fetch them from this database [default: WAREHOUSE_SOURCE_URL].",
)
_directories = click.Path(path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sales-kpi-warehouse", prog_name="warehouse")
@_shared_options
def cli() -> None:
    """Sales KPIs that can be trusted: land exports, build and check the marts, publish them.

    Exit codes: 0 done, 1 checks failed and nothing was published, 2 input or usage error and
    nothing was changed, 3 another refresh is running, 4 a step broke.
    """


@cli.command()
@click.argument("landing_dir", nargs=-1, type=_directories)
@_source_option
@_from_option
@_full_export_option
@_full_refresh_option
@_as_of_option
@_vars_option
@_target_option
@_shared_options
def refresh(
    *,
    landing_dir: tuple[Path, ...],
    source: str | None,
    address: str | None,
    full_export: bool,
    full_refresh: bool,
    as_of: datetime | None,
    vars_text: str | None,
    target: str | None,
) -> None:
    """The nightly run: land the directories in order, build, check, publish, report.

    Without a directory: refresh from what has landed.
    """
    config = _config()
    given = _vars(config, vars_text)
    from warehouse import refresh as running

    with _progress() as progress:
        outcome = running.refresh(
            config,
            landing_dir,
            source=source,
            database=_database(config, landing_dir, source, address),
            full_export=full_export,
            full_refresh=full_refresh,
            as_of=as_of,
            vars_given=given,
            target=target,
            progress=progress,
        )
    _show(outcome, lambda: [*_landed(outcome.tables), *_built(outcome), *_published(outcome)])


@cli.command()
@click.argument("out_dir", type=_directories)
@click.option(
    "--deals",
    type=click.IntRange(1, 100_000_000),
    metavar="N",
    help="How many deals [default: 2000].",
)
@click.option(
    "--seed", type=int, metavar="N", help="Another seed makes another company [default: 1]."
)
@click.option(
    "--as-of",
    metavar="TS",
    callback=_as_of,
    help="The company as it is known then, ISO 8601, UTC [default: the start of today].",
)
@click.option(
    "--delta-days",
    type=click.IntRange(0, 3660),
    metavar="N",
    help="Also write what changed on each of the N following days.",
)
@_shared_options
def sample(
    *,
    out_dir: Path,
    deals: int | None,
    seed: int | None,
    as_of: datetime | None,
    delta_days: int | None,
) -> None:
    """Write a synthetic company in the landing contract; the same seed writes the same company."""
    from warehouse import sample as sampling

    chosen = {"deals": deals, "seed": seed, "as_of": as_of, "delta_days": delta_days}
    with _progress() as progress:
        progress("step", f"Writing a company to {out_dir}")
        result = sampling.write(
            out_dir,
            **{name: value for name, value in chosen.items() if value is not None},
            progress=lambda text: progress("detail", text),
        )
    _emit(
        {"command": "sample", "status": "done", "exit_code": 0, **asdict(result)},
        [f"Wrote a synthetic company to {out_dir}; land it with `warehouse refresh {out_dir}`."],
    )


@cli.command()
@click.argument("landing_dir", nargs=-1, type=_directories)
@_source_option
@_from_option
@_full_export_option
@_target_option
@_shared_options
def load(
    *,
    landing_dir: tuple[Path, ...],
    source: str | None,
    address: str | None,
    full_export: bool,
    target: str | None,
) -> None:
    """Landing alone: bring the directories, or a CRM's database, into the raw tables.

    With a target on Spark they are also written to the lake, for `dbt build` on that target.
    """
    config = _config()
    if not landing_dir and source is None and address is None:
        raise click.UsageError("Name a landing directory, or a CRM by --source.")
    from warehouse import refresh as running

    with _progress() as progress:
        outcome = running.load(
            config,
            landing_dir,
            source=source,
            database=_database(config, landing_dir, source, address),
            full_export=full_export,
            target=target,
            progress=progress,
        )
    _show(outcome, lambda: _landed(outcome.tables))


@cli.command()
@_full_refresh_option
@_as_of_option
@_vars_option
@_target_option
@_shared_options
def build(
    *, full_refresh: bool, as_of: datetime | None, vars_text: str | None, target: str | None
) -> None:
    """`dbt build` alone, in this process: seeds, models and tests."""
    config = _config()
    given = _vars(config, vars_text)
    from warehouse import refresh as running

    with _progress() as progress:
        outcome = running.build(
            config,
            full_refresh=full_refresh,
            as_of=as_of,
            vars_given=given,
            target=target,
            progress=progress,
        )
    _show(outcome, lambda: _built(outcome))


@cli.command()
@_shared_options
def check() -> None:
    """The quality checks alone: print what failed, write the data docs."""
    config = _config()
    from warehouse import refresh as running

    with _progress() as progress:
        outcome = running.check(config, progress=progress)
    checks = outcome.checks.checks if outcome.checks else ()
    page = config.data_docs / "index.html"
    failed = [item.sentence() for item in checks if not item.success]
    _show(
        outcome,
        lambda: [*failed, f"{len(checks)} checks, {len(failed)} failed; see {page}"],
    )


@cli.command()
@click.option(
    "--rollback",
    "release_id",
    metavar="[RELEASE]",
    is_flag=False,
    flag_value="",
    help="Show readers an earlier release again [default: the one before].",
)
@_shared_options
def publish(release_id: str | None) -> None:
    """Publish the last green build anew, or go back to an earlier release."""
    config = _config()
    from warehouse import refresh as running

    with _progress() as progress:
        if release_id is None:
            outcome = running.publish(config, progress=progress)
        else:
            outcome = running.rollback(config, release_id or None, progress=progress)
    _show(outcome, lambda: _published(outcome))


@cli.command()
@_shared_options
def report() -> None:
    """Write the page of the published release anew, into the home."""
    config = _config()
    from warehouse import refresh as running

    with _progress() as progress:
        outcome = running.report(config, progress=progress)
    _show(outcome, lambda: [f"Report: {outcome.report}"])


@cli.command()
@click.option(
    "--last", type=click.IntRange(1, 500), default=5, show_default=True, help="So many runs."
)
@_shared_options
def status(last: int) -> None:
    """The last runs, what landed, what failed, and what is published; also during a refresh."""
    config = _config()
    from warehouse import status as looking

    found = looking.status(config, last=last)
    lines = [f"Home: {config.home}"]
    if found.holder:
        lines.append(f"Running now: {found.holder.sentence()}")
    for record in found.runs:
        lines += _record_lines(record)
    if not found.runs:
        lines.append("No runs yet: start with `warehouse refresh LANDING_DIR`.")
    lines.append("Releases:" if found.releases else "Nothing is published yet.")
    lines += [
        f"  {'->' if release.is_current else '  '} {release.release_id}  as of {release.as_of}  "
        f"{len(release.row_counts)} tables, {sum(release.row_counts.values()):,} rows"
        for release in found.releases
    ]
    content = {
        "command": "status",
        "home": str(config.home),
        "running": asdict(found.holder) if found.holder else None,
        "runs": [asdict(record) for record in found.runs],
        "published": _release(found.current) if found.current else None,
        "releases": [_release(release) for release in found.releases],
    }
    _emit(content, lines)


@cli.command(name="new-source")
@click.argument("name")
@click.option(
    "--tables",
    metavar="NAMES",
    help="Tables of the landing contract that it gives, by commas [default: those of any CRM].",
)
@_shared_options
def new_source(name: str, tables: str | None) -> None:
    """Write the skeleton of an adapter for another CRM, with its test (docs/sources.md)."""
    config = _config()
    from warehouse.contract import load_contract
    from warehouse.sources import skeleton

    chosen = [table.strip() for table in tables.split(",")] if tables else skeleton.USUAL_TABLES
    paths = skeleton.write(config.project_dir, name, load_contract(), chosen)
    written = [str(path.relative_to(config.project_dir)) for path in paths]
    _emit(
        {"command": "new-source", "status": "done", "exit_code": 0, "files": written},
        [
            *(f"  {path}" for path in written),
            f"Now put the tables of {name} into the first file; docs/sources.md says how.",
        ],
    )


@cli.command()
@click.argument("table", required=False)
@_shared_options
def rejects(table: str | None) -> None:
    """Rows that landing refused: file, line, column, reason and what it said."""
    config = _config()
    from warehouse import status as looking

    found = [asdict(item) for item in looking.rejects(config, table)]
    lines = [
        f"{item['table_name']}  {item['source_file']}:{item['source_line']}  "
        f"{item['column_name'] or '-'}  {item['reason']}  {item['raw_text']}"
        for item in found
    ]
    lines.append(f"{len(found)} rejected rows" + (f" of {table}" if table else ""))
    _emit({"command": "rejects", "table": table, "rejects": found}, lines)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point: every failure ends in one message and an exit code of the contract."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    # A command lives for seconds and imports a lot: the collector would walk over all of that
    # again and again (a tenth of a refresh) to free a thirtieth of the memory.
    gc.disable()
    _stop_on_signals()
    try:
        # Not `cli.main`, which would replace the sentence of an interruption by its own.
        with cli.make_context("warehouse", list(arguments)) as context:
            cli.invoke(context)
        sys.stdout.flush()
        code = 0
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        _fail(arguments, USAGE_ERROR, "input_error", error.format_message(), usage=error)
        code = USAGE_ERROR
    except WarehouseError as error:
        _fail(arguments, error.exit_code, _status_of(error), str(error), record=_record_of(error))
        code = error.exit_code
    except KeyboardInterrupt as error:
        message = str(error) or "Interrupted: nothing was published."
        _fail(arguments, BROKEN, "killed", message, record=_record_of(error))
        code = BROKEN
    except BrokenPipeError:
        # Whoever read our output has seen enough (`warehouse rejects | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        interrupted = errors.interruption()
        message = interrupted or f"Unexpected {type(error).__name__}: {error}"
        _fail(arguments, BROKEN, "killed" if interrupted else "failed", message)
        code = BROKEN
    sys.exit(code)


def _stop_on_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, errors.stop)


def _config() -> Config:
    """The configuration of this call; whatever is written from here on is private."""
    from warehouse import config

    settings = click.get_current_context().find_root().ensure_object(dict)
    home = settings.get("home") or os.environ.get("WAREHOUSE_HOME") or None
    urls = os.environ.get("WAREHOUSE_NOTIFY_URLS", "").split()
    os.umask(0o077)
    return config.load(
        Path(home) if home else None, settings.get("project_dir"), notify_urls=tuple(urls)
    )


def _database(
    config: Config, directories: Sequence[Path], source: str | None, given: str | None
) -> Address | None:
    """The database of --from, or of the environment when --source stands alone."""
    if given is None and (source is None or directories):
        return None
    from warehouse.sources import address

    return address.find(given, os.environ, config.project_dir)


def _vars(config: Config, text: str | None) -> dict[str, Any]:
    from warehouse import variables

    return variables.parse(text, config.project_dir)


def _wants_json() -> bool:
    return bool(click.get_current_context().find_root().ensure_object(dict).get("as_json"))


@contextmanager
def _progress() -> Iterator[Callable[[str, str], None]]:
    """Tell on stderr what is going on: a moving line on a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        last = time.monotonic()

        def plain(kind: str, text: str) -> None:
            nonlocal last
            if kind == "detail" and time.monotonic() - last < _DETAIL_SECONDS:
                return
            last = time.monotonic()
            mark = {"detail": "  ", "warning": "warning: ", "note": "note: "}.get(kind, "")
            click.echo(f"{mark}{text}", err=True)

        yield plain
        return
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True, highlight=False)
    step = ""
    with console.status("Starting") as spinner:

        def rich(kind: str, text: str) -> None:
            nonlocal step
            if kind == "step":
                step = text
                spinner.update(escape(text))
            elif kind == "detail":
                spinner.update(escape(f"{step}: {text}"))
            else:
                colour = "yellow" if kind == "warning" else "dim"
                console.print(f"[{colour}]{kind}:[/{colour}] {escape(text)}")

        yield rich


def _show(outcome: Outcome, lines: Callable[[], list[str]]) -> None:
    content: dict[str, Any] = {**asdict(outcome.record), "exit_code": 0}
    if outcome.build:
        content["build"] = {
            "models": outcome.build.models,
            "tests": outcome.build.tests,
            "rows": dict(outcome.build.rows),
            "empty": [asdict(mart) for mart in outcome.build.empty],
        }
    if outcome.checks:
        content["checks"] = [asdict(item) for item in outcome.checks.checks]
    if outcome.release:
        content["release"] = _release(outcome.release)
    if outcome.report:
        content["report"] = str(outcome.report)
    _emit(content, lines())


def _landed(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for table in tables:
        counts = [
            f"{table[name]:,} {label}"
            for name, label in (
                ("rows_read", "read"),
                ("rows_landed", "landed"),
                ("duplicates", "duplicates"),
                ("superseded", "superseded"),
                ("rejected", "rejected"),
                ("vanished", "vanished"),
            )
            if table.get(name) or label in ("read", "landed")
        ]
        drift = [
            f"{label}: {table[name] if isinstance(table[name], str) else _short(table[name])}"
            for name, label in (
                ("missing_columns", "without"),
                ("extra_columns", "also"),
                ("type_changes", "changed type"),
            )
            if table.get(name)
        ]
        lines.append(f"  {table['table_name']}: {', '.join(counts + drift)}")
    return lines


def _short(names: Sequence[str], most: int = 8) -> str:
    """The first names; a CRM has hundreds of columns that nobody asked for."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _built(outcome: Outcome) -> list[str]:
    if outcome.build is None:
        return []
    built = outcome.build
    return [f"Built {built.models} models, {built.tests} tests passed."]


def _published(outcome: Outcome) -> list[str]:
    release = outcome.release
    if release is None:
        return []
    current = release.path.parent.parent / "current"
    seconds = ", ".join(
        f"{step} {value:.1f} s" for step, value in outcome.record.seconds_per_step.items()
    )
    return [
        f"Release {release.release_id} is published, as of {release.as_of} UTC ({seconds}).",
        f"  marts:  {current / 'sales_kpi.duckdb'} ({len(release.row_counts)} tables)",
        f"  report: {current / 'report' / 'index.html'}",
    ]


def _record_lines(record: Record) -> list[str]:
    seconds = ", ".join(f"{step} {value:.1f} s" for step, value in record.seconds_per_step.items())
    lines = [f"{record.started_at[:19]}  {record.command}: {record.status}"]
    if record.as_of:
        lines.append(f"  as of {record.as_of}")
    if record.message:
        lines += [f"  {line}" for line in record.message.splitlines()]
    if seconds:
        lines.append(f"  {seconds}")
    lines += [f"  {line}" for line in _landed(record.tables)]
    lines += [f"  check failed: {sentence}" for sentence in record.checks_failed]
    lines += [f"  warning: {sentence}" for sentence in record.warnings]
    return lines + [f"  {sentence}" for sentence in [*record.made_anew, *record.empty_marts]]


def _release(release: Release) -> dict[str, Any]:
    return {**asdict(release), "database": str(release.database)}


def _emit(content: Mapping[str, Any], lines: Sequence[str]) -> None:
    if _wants_json():
        _echo(json.dumps(content, default=str, ensure_ascii=False))
        return
    for line in lines:
        _echo(line)


def _echo(text: str, *, err: bool = False) -> None:
    """Print what may hold the name of a file, which need not be UTF-8."""
    click.echo(text.encode("utf-8", errors="backslashreplace").decode(), err=err)


def _fail(
    arguments: Sequence[str],
    code: int,
    status_name: str,
    message: str,
    *,
    usage: click.ClickException | None = None,
    record: Record | None = None,
) -> None:
    if "--json" in arguments:
        # A run that had begun says what it did until then, and which checks failed.
        begun = asdict(record) if record else {}
        content = {**begun, "status": status_name, "exit_code": code, "message": message}
        _echo(json.dumps(content, default=str, ensure_ascii=False))
    if usage is not None:
        usage.show()
        return
    _echo(message, err=True)


def _record_of(error: BaseException) -> Record | None:
    """The run that the error ended, if one had begun."""
    return getattr(error, "record", None)


def _status_of(error: WarehouseError) -> str:
    names = {1: "checks_failed", 2: "input_error", 3: "locked"}
    return names.get(error.exit_code, "failed")


if __name__ == "__main__":
    main()

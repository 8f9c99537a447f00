"""Quality checks at both edges: what has landed, and what is about to be published.

Suites measure, Great Expectations judges, a failure of severity error blocks publishing. Results
are kept in `ops.check_results`, so that quality can be plotted over time, and shown in
`data_docs/`: a page of our own, and the Data Docs of Great Expectations beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from warehouse import publish, runs, store, variables
from warehouse.config import Config
from warehouse.errors import ChecksFailedError
from warehouse.quality import landing, marts, thresholds
from warehouse.quality import page as pages
from warehouse.quality import store as results
from warehouse.quality.gate import Gate, Verdict
from warehouse.quality.landing import Profile
from warehouse.quality.reading import LANDING, MARTS, Reading, Scene
from warehouse.quality.thresholds import ERROR, WARN, Thresholds

# So many runs are drawn on the page.
_HISTORY_RUNS = 30


@dataclass(frozen=True)
class Check:
    """One check and what it saw."""

    suite: str
    table: str
    check: str
    column: str | None
    severity: str  # error blocks publishing, warn is shown
    success: bool
    observed: str
    expected: str
    # What was compared: low <= value <= high, a missing bound being open.
    value: float | None = None
    low: float | None = None
    high: float | None = None
    # Why a person says that a failure is none.
    reason: str | None = None
    # The run whose load a check of the landing is about.
    load_run_id: str | None = None

    @property
    def key(self) -> results.Key:
        """What identifies the check over time."""
        return self.suite, self.table, self.check, self.column

    def sentence(self) -> str:
        """What was seen and what was expected, for people."""
        where = f"{self.table}.{self.column}" if self.column else self.table
        return f"{self.suite}: {where}: {self.check}: {self.observed}, expected {self.expected}"


@dataclass(frozen=True)
class CheckResult:
    """Every check of one run."""

    checks: tuple[Check, ...]
    # Collects the Data Docs of a run that checks in several steps.
    gate: Gate = field(default_factory=Gate, repr=False, compare=False)

    @property
    def errors(self) -> tuple[Check, ...]:
        """Failed checks that block publishing."""
        return tuple(c for c in self.checks if not c.success and c.severity == ERROR)

    @property
    def warnings(self) -> tuple[Check, ...]:
        """Failed checks that are only shown."""
        return tuple(c for c in self.checks if not c.success and c.severity == WARN)

    def raise_for_errors(self) -> None:
        """ChecksFailedError when a check of severity error failed."""
        if self.errors:
            sentences = "\n".join(f"  - {check.sentence()}" for check in self.errors)
            raise ChecksFailedError(
                f"{len(self.errors)} of {len(self.checks)} quality checks failed, "
                f"nothing was published:\n{sentences}"
            )


@dataclass(frozen=True)
class Suite:
    """A name and what it measures; profiles worth keeping are added to the given list."""

    name: str
    measure: Callable[[Scene, list[Profile]], Iterable[Reading]]


# What enters is checked before anything is built from it, what leaves before it is published.
LANDING_SUITES: tuple[Suite, ...] = (Suite(LANDING, landing.readings),)
MARTS_SUITES: tuple[Suite, ...] = (Suite(MARTS, lambda scene, _: marts.readings(scene)),)
SUITES = LANDING_SUITES + MARTS_SUITES


def check(
    config: Config,
    *,
    run_id: str,
    suites: Sequence[Suite] | None = None,
    before: CheckResult | None = None,
) -> CheckResult:
    """Run the suites (default: all), keep their results, write the pages.

    `before` are results of the same run that are already kept; they are part of the pages and of
    what is returned.
    """
    suites = SUITES if suites is None else suites
    checked_at = runs.now()
    gate = before.gate if before else Gate()
    found, profiles = measure(config, run_id=run_id, suites=suites, gate=gate, at=checked_at)
    with store.connect(config) as connection:
        results.keep(connection, run_id=run_id, checked_at=checked_at, checks=found)
        landing.keep(connection, profiles)
        history = results.history(connection, runs=_HISTORY_RUNS)
    result = CheckResult((before.checks if before else ()) + tuple(found), gate)
    # Between landing and marts there is more to come: the Data Docs are written once a run.
    is_last = bool(result.errors) or any(suite.name == MARTS for suite in suites)
    _write_pages(config, run_id, checked_at, result, history, docs=is_last)
    return result


def measure(
    config: Config, *, run_id: str, suites: Sequence[Suite], gate: Gate, at: datetime
) -> tuple[list[Check], list[Profile]]:
    """What the suites see and what Great Expectations says to it; nothing is written."""
    bounds = thresholds.load(config.quality)
    release = publish.current(config)
    found: list[Check] = []
    profiles: list[Profile] = []
    with store.connect(config, read_only=True) as connection:
        scene = Scene(
            connection=connection,
            thresholds=bounds,
            run_id=run_id,
            checked_at=at,
            reject_threshold=config.reject_threshold,
            published_rows=dict(release.row_counts) if release else {},
            default_vars=variables.project_defaults(config.project_dir),
        )
        for suite in suites:
            readings = list(suite.measure(scene, profiles))
            severities = [bounds.severity(item.check) for item in readings]
            verdicts = gate.judge(connection, suite.name, readings, severities)
            found += [
                _check(suite.name, reading, verdict, bounds, at.date())
                for reading, verdict in zip(readings, verdicts, strict=True)
            ]
    return found, profiles


def _check(
    suite: str, reading: Reading, verdict: Verdict, bounds: Thresholds, today: date
) -> Check:
    reason = None if verdict.success else bounds.reason(reading.check, reading.table, today)
    return Check(
        suite=suite,
        table=reading.table,
        check=reading.check,
        column=reading.column,
        severity=bounds.severity(reading.check),
        success=verdict.success or reason is not None,
        observed=reading.observed
        if verdict.problem is None
        else f"{reading.observed} (it could not be judged: {verdict.problem})",
        expected=reading.expected,
        value=reading.value,
        low=reading.low,
        high=reading.high,
        reason=reason and f"{reason.reason} (until {reason.until})",
        load_run_id=reading.load_run_id,
    )


def _write_pages(
    config: Config,
    run_id: str,
    checked_at: datetime,
    result: CheckResult,
    history: dict[results.Key, list[tuple[float, bool]]],
    *,
    docs: bool,
) -> None:
    directory = config.data_docs
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if docs:
            result.gate.write_docs(directory / "gx")
        fresh = directory / ".index.html"
        fresh.write_text(
            pages.page(
                result.checks,
                run_id=run_id,
                checked_at=checked_at,
                history=history,
                has_docs=(directory / "gx" / "index.html").exists(),
            ),
            encoding="utf-8",
        )
        fresh.replace(directory / "index.html")
    except OSError as error:
        raise store.os_failure(error, f"{directory} cannot be written") from error

"""The reporting choices (dbt vars): which exist, what they may be, and the instant `as_of`."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from warehouse.errors import InputError

# Names the run inside dbt; set by every run, never by a person.
_RESERVED = {"run_id"}
_EARLIEST, _LATEST = datetime(1970, 1, 1), datetime(2200, 1, 1)


def parse_as_of(text: str) -> datetime:
    """ISO 8601 to a naive UTC instant; without an offset it is UTC, a date is its midnight."""
    try:
        instant = datetime.fromisoformat(text.strip())
        if instant.tzinfo is not None:
            instant = instant.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise InputError(
            f"as_of {text!r} is no instant: write ISO 8601, such as 2025-06-30T00:00:00Z."
        ) from None
    if not _EARLIEST <= instant <= _LATEST:
        raise InputError(f"as_of {text!r} is out of range: years 1970 to 2199 are possible.")
    return instant


def parse(text: str | None, project_dir: Path) -> dict[str, Any]:
    """The mapping of `--vars`, checked against the vars of the project and their meaning."""
    given = _mapping(text)
    defaults = project_defaults(project_dir)
    known = [name for name in defaults if name not in _RESERVED]
    for name in given:
        if name not in known:
            raise InputError(f"--vars: there is no var {name!r}; known are {', '.join(known)}.")
    effective = {name: value for name, value in {**defaults, **given}.items() if name in known}
    for name, value in effective.items():
        where = "--vars" if name in given else "dbt_project.yml"
        problem = _problem(name, value, defaults[name])
        if problem:
            raise InputError(f"{where}: {name} is {value!r}, but has to be {problem}.")
    if effective.get("quota_too_high_below", 0) > effective.get("quota_too_low_above", 1):
        raise InputError(
            "--vars: quota_too_high_below must not lie above quota_too_low_above: "
            "a quota cannot be too high and too low at once."
        )
    for name in effective.get("crm_sources", []):
        if not (project_dir / "models" / "staging" / name).is_dir():
            raise InputError(f"crm_sources: there is no source {name!r} in models/staging.")
    return given


def project_defaults(project_dir: Path) -> dict[str, Any]:
    """The vars of `dbt_project.yml` with their defaults."""
    return dict(_yaml(project_dir / "dbt_project.yml").get("vars") or {})


def crm_sources(project_dir: Path, given: Mapping[str, Any] | None = None) -> list[str]:
    """Whose tables the models read, by the project and the vars of the run."""
    return list({**project_defaults(project_dir), **(given or {})}.get("crm_sources", ["landing"]))


def check_target(
    name: str | None, project_dir: Path, given: Mapping[str, Any] | None = None
) -> str:
    """The adapter type of a target of `profiles.yml`; InputError when it cannot be built on.

    `given` are the vars of the run.
    """
    profile = _yaml(project_dir / "dbt_project.yml").get("profile", "")
    found = _yaml(project_dir / "profiles.yml").get(profile) or {}
    outputs = found.get("outputs") or {}
    name = name or found.get("target", "")
    if name not in outputs:
        raise InputError(
            f"--target: profiles.yml has no target {name!r}; known are {', '.join(outputs)}."
        )
    kind = str(outputs[name].get("type", ""))
    if kind == "spark" and (sources := crm_sources(project_dir, given)) != ["landing"]:
        raise InputError(
            f"--target {name}: crm_sources has to be [landing] on Spark and is "
            f"[{', '.join(sources)}]; the adapters for CRMs are written for DuckDB alone so far."
        )
    if kind == "spark" and importlib.util.find_spec("dbt.adapters.spark") is None:
        raise InputError(
            f"--target {name} needs dbt-spark, which is not installed here: "
            "`make spark-cluster` makes .venv-spark, or install the extra `spark`."
        )
    return kind


def _yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read: {' '.join(str(error).split())}.") from error
    return content if isinstance(content, dict) else {}


def _mapping(text: str | None) -> dict[str, Any]:
    if text is None or not text.strip():
        return {}
    import yaml

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"--vars is no YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        raise InputError("--vars has to be a YAML mapping, such as '{reporting_currency: EUR}'.")
    # YAML reads an unquoted date as a date; dbt and JSON want text.
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in content.items()
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(low: float, high: float) -> Callable[[Any], str]:
    def problem(value: Any) -> str:
        fits = _is_number(value) and low <= value <= high
        return "" if fits else f"a number from {low:g} to {high:g}"

    return problem


def _whole(low: int, high: int) -> Callable[[Any], str]:
    def problem(value: Any) -> str:
        fits = _is_number(value) and low <= value <= high and value == int(value)
        return "" if fits else f"a whole number from {low} to {high}"

    return problem


def _time_zone(value: Any) -> str:
    if value == "UTC":
        return ""
    # The engine has to know the zone, since it is the one that shifts the instants.
    import duckdb

    with duckdb.connect() as connection:
        known = connection.execute(
            "select count(*) from pg_timezone_names() where name = ?", [str(value)]
        ).fetchone()
    return "" if known and known[0] else "the name of a time zone, such as Europe/Berlin"


def _currency(value: Any) -> str:
    # The code becomes a literal of the models' SQL: nothing but the signs of a code gets in.
    fits = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9._-]{1,16}", value)
    return "" if fits else "a currency code, such as EUR"


def _as_of(value: Any) -> str:
    if value in ("", None):
        return ""
    try:
        parse_as_of(str(value))
    except InputError:
        return "an ISO 8601 instant, such as 2025-06-30T00:00:00Z"
    return ""


def _sources(value: Any) -> str:
    # The names become names of models and literals of their SQL.
    fits = (
        isinstance(value, list)
        and value
        and all(isinstance(name, str) and re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in value)
        and len(set(value)) == len(value)
    )
    return "" if fits else "a list of sources, each once, such as [landing] or [hubspot, landing]"


_RULES: dict[str, Callable[[Any], str]] = {
    "as_of": _as_of,
    "reporting_timezone": _time_zone,
    "reporting_currency": _currency,
    "fiscal_year_start_month": _whole(1, 12),
    "lead_response_target_minutes": _number(0, 525_600),
    "nps_min_tenure_days": _number(0, 36_500),
    "employee_satisfaction_goal": _number(1, 5),
    "survey_min_group": _whole(1, 1_000_000),
    "price_match_threshold": _number(0, 1),
    "quota_too_high_below": _number(0, 1),
    "quota_too_low_above": _number(0, 1),
    "max_lifetime_months": _number(1, 1_200),
    "crm_sources": _sources,
}


def _problem(name: str, value: Any, default: Any) -> str:
    """What the value has to be, or nothing when it is that."""
    if name in _RULES:
        return _RULES[name](value)
    # A var added by the company: of the kind of its default.
    if _is_number(default):
        return "" if _is_number(value) else "a number"
    return "" if isinstance(value, type(default)) else f"of type {type(default).__name__}"

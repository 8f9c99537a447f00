"""The bounds of the checks: thresholds.yml, overridden by `quality` of warehouse.yml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from warehouse.errors import InputError

DEFAULTS_FILE = Path(__file__).with_name("thresholds.yml")
ERROR = "error"
WARN = "warn"
_REASON_KEYS = {"check", "table", "until", "reason"}


@dataclass(frozen=True)
class Reason:
    """Why a check may fail on a table up to and including a day."""

    check: str
    table: str
    until: date
    reason: str


@dataclass(frozen=True)
class Thresholds:
    """The bounds per check."""

    checks: Mapping[str, Mapping[str, Any]]
    reasons: tuple[Reason, ...] = ()

    def of(self, check: str) -> Mapping[str, Any]:
        """The bounds of one check; a check that thresholds.yml does not name is a KeyError."""
        return self.checks[check]

    def severity(self, check: str) -> str:
        """`error` blocks publishing, `warn` is shown."""
        return str(self.checks[check]["severity"])

    def reason(self, check: str, table: str, on: date) -> Reason | None:
        """The reason that holds on that day, if a person gave one."""
        for item in self.reasons:
            if (item.check, item.table) == (check, table) and on <= item.until:
                return item
        return None


def load(overrides: Mapping[str, Any] | None = None) -> Thresholds:
    """The defaults with the overrides; InputError when one is unknown or of another kind."""
    defaults = dict(_defaults())
    given = dict(overrides or {})
    reasons = given.pop("reasons", None) or []
    defaults.pop("reasons")
    for name, values in given.items():
        if name not in defaults:
            raise InputError(
                f"warehouse.yml: quality has the unknown check {name!r}; "
                f"known are {', '.join(defaults)}."
            )
        defaults[name] = _merged(name, defaults[name], values)
    return Thresholds(checks=defaults, reasons=tuple(_reason(item, defaults) for item in reasons))


@cache
def _defaults() -> Mapping[str, Any]:
    return yaml.safe_load(DEFAULTS_FILE.read_text(encoding="utf-8"))


def _merged(check: str, defaults: Mapping[str, Any], values: Any) -> dict[str, Any]:
    where = f"warehouse.yml: quality: {check}"
    if not isinstance(values, Mapping):
        raise InputError(f"{where} has to be a mapping of its bounds.")
    merged = dict(defaults)
    for name, value in values.items():
        if name not in defaults:
            raise InputError(
                f"{where} has the unknown bound {name!r}; known are {', '.join(defaults)}."
            )
        default = defaults[name]
        if isinstance(default, Mapping) and isinstance(value, Mapping):
            merged[name] = {**default, **value}
            continue
        if name == "severity":
            wanted = value in (ERROR, WARN)
        elif isinstance(default, int | float):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            wanted = is_number and value >= 0
        else:
            wanted = isinstance(value, type(default))
        if not wanted:
            kind = "error or warn" if name == "severity" else f"such as {default!r}"
            raise InputError(f"{where}: {name} has to be {kind}.")
        merged[name] = value
    return merged


def _reason(item: Any, checks: Mapping[str, Any]) -> Reason:
    where = "warehouse.yml: quality: reasons"
    if not isinstance(item, Mapping) or set(item) != _REASON_KEYS:
        raise InputError(f"{where}: each needs check, table, until and reason.")
    if item["check"] not in checks:
        raise InputError(
            f"{where}: there is no check {item['check']!r}; known are {', '.join(checks)}."
        )
    if not isinstance(item["until"], date):
        raise InputError(f"{where}: until has to be a day, such as 2026-12-31.")
    return Reason(
        check=str(item["check"]),
        table=str(item["table"]),
        until=item["until"],
        reason=" ".join(str(item["reason"]).split()),
    )

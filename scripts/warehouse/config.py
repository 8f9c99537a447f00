"""Where the warehouse keeps its state and which thresholds it applies, as one frozen value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from warehouse.errors import InputError

SETTINGS_FILE = "warehouse.yml"
NOTIFY_EVENTS = ("failure", "warning", "success")


@dataclass(frozen=True)
class Config:
    """Everything a command needs to know about its surroundings.

    Paths are absolute. The settings below `project_dir` may be set in `warehouse.yml` in the
    repository or, stronger, in the home directory.
    """

    home: Path
    project_dir: Path
    # More rejected rows than this share of a table's rows fail the refresh (0.01 = 1 %).
    reject_threshold: float = 0.01
    # So many of the newest releases stay readable.
    keep_releases: int = 3
    # A release that readers could see so many seconds ago stays, however many are newer.
    reader_grace_seconds: float = 2.0
    # Bounds of the quality checks that differ from scripts/warehouse/quality/thresholds.yml.
    quality: Mapping[str, Any] = field(default_factory=dict, hash=False)
    # DuckDB's own limits; null: DuckDB decides (80 % of the memory, every core).
    memory_limit: str | None = None
    threads: int | None = None
    # The log files are rotated at this size; so many old ones are kept.
    log_megabytes: float = 10.0
    log_files: int = 5
    # Apprise URLs; they carry credentials, so they are never printed or logged.
    notify_urls: tuple[str, ...] = field(default=(), repr=False)
    notify_on: tuple[str, ...] = ("failure", "warning")

    @property
    def warehouse(self) -> Path:
        """The private database: written by one process at a time, never opened by readers."""
        return self.home / "warehouse.duckdb"

    @property
    def lock_file(self) -> Path:
        """Held by the one process that may write."""
        return self.home / ".lock"

    @property
    def published(self) -> Path:
        """What readers see."""
        return self.home / "published"

    @property
    def releases(self) -> Path:
        """One directory per release."""
        return self.published / "releases"

    @property
    def current(self) -> Path:
        """The symlink that names the release to read."""
        return self.published / "current"

    @property
    def data_docs(self) -> Path:
        """The pages with the results of the quality checks."""
        return self.home / "data_docs"

    @property
    def dbt_docs(self) -> Path:
        """dbt's documentation of the last build; a release has a copy."""
        return self.home / "dbt_docs"

    @property
    def logs(self) -> Path:
        """JSON lines of every run."""
        return self.home / "logs"

    @property
    def target(self) -> Path:
        """What dbt writes: outside the checkout, so that a read-only checkout works."""
        return self.home / "target"

    @property
    def scratch(self) -> Path:
        """What a run writes for itself alone; the next run removes what a killed one left."""
        return self.home / "tmp"

    @property
    def extracts(self) -> Path:
        """What was fetched from a source's database and has not landed yet; survives a kill."""
        return self.home / "extracts"

    @property
    def lake(self) -> str:
        """Where Spark reads and writes (docs/scaling.md): a path or URL that all workers see."""
        return os.environ.get("WAREHOUSE_LAKE") or str(self.home / "lake")

    @property
    def spill(self) -> Path:
        """Where DuckDB puts what does not fit into memory while it has the private database open."""
        return self.home / "warehouse.duckdb.tmp"

    def database_options(self) -> dict[str, str | int | bool]:
        """Options of every DuckDB connection; nothing is ever downloaded."""
        options: dict[str, str | int | bool] = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        if self.memory_limit:
            options["memory_limit"] = self.memory_limit
        if self.threads:
            options["threads"] = self.threads
        return options

    def detached_options(self) -> dict[str, str | int | bool]:
        """Options of a connection that belongs to no file: it must not spill where we stand."""
        return {**self.database_options(), "temp_directory": str(self.scratch)}


def find_project(project_dir: Path | None) -> Path:
    """The directory of `dbt_project.yml`: the one given, else the one this package lies in."""
    if project_dir is not None:
        candidates = [project_dir]
    else:
        candidates = [Path(__file__).resolve().parents[2], Path.cwd()]
    for candidate in candidates:
        if (candidate / "dbt_project.yml").is_file():
            return candidate.resolve()
    raise InputError(
        f"No dbt_project.yml in {candidates[0]}: name the repository with --project-dir."
    )


def path_kind(path: Path) -> Literal["directory", "file"] | None:
    """What a path that somebody named is, None: nothing; InputError if that cannot be found out."""
    try:
        if path.is_dir():
            return "directory"
        return "file" if path.exists() else None
    except OSError as error:
        raise InputError(f"{path} cannot be looked at: {error.strerror}.") from error


def load(
    home: Path | None = None,
    project_dir: Path | None = None,
    *,
    notify_urls: tuple[str, ...] = (),
) -> Config:
    """Settings from the defaults, then `warehouse.yml` of the repository, then that of the home.

    `notify_urls` (from the environment) replace those of the files.
    """
    project = find_project(project_dir)
    home = (home or project / "var").expanduser().absolute()
    if path_kind(home) == "file":
        raise InputError(f"{home} is a file, not a directory: give --home a directory.")
    config = Config(home=home, project_dir=project)
    for directory in (project, home):
        config = replace(config, **_settings(directory / SETTINGS_FILE))
    if notify_urls:
        config = replace(config, notify_urls=notify_urls)
    return config


def _settings(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    import yaml

    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise InputError(f"{path} is no YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(content, Mapping):
        raise InputError(f"{path} has to be a mapping of settings to values.")
    known = [item.name for item in fields(Config) if item.name not in ("home", "project_dir")]
    for name in content:
        if name not in known:
            raise InputError(
                f"{path} has the unknown setting {name!r}; known are {', '.join(known)}."
            )
    return {name: _checked(path, name, value) for name, value in content.items()}


def _number(low: float, high: float) -> Any:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("a number")
        if not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return value

    return check


def _whole(low: int, high: int) -> Any:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return check


def _optional(inner: Any) -> Any:
    return lambda value: None if value is None else inner(value)


def _size(value: Any) -> str:
    import re

    if not isinstance(value, str) or not re.fullmatch(r"\d+(\.\d+)? ?([KMGT]i?B|%)", value):
        raise ValueError("a size such as 4GB")
    return value


def _texts(*allowed: str) -> Any:
    def check(value: Any) -> tuple[str, ...]:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            raise ValueError("a list of texts")
        if allowed and not set(values) <= set(allowed):
            raise ValueError(f"a list of {', '.join(allowed)}")
        return tuple(values)

    return check


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("a mapping of checks to their bounds")
    return value


_CHECKS = {
    "quality": _mapping,
    "reject_threshold": _number(0, 1),
    "keep_releases": _whole(1, 1000),
    "reader_grace_seconds": _number(0, 31_536_000),
    "memory_limit": _optional(_size),
    "threads": _optional(_whole(1, 1024)),
    "log_megabytes": _number(0.01, 10_000),
    "log_files": _whole(1, 1000),
    "notify_urls": _texts(),
    "notify_on": _texts(*NOTIFY_EVENTS),
}


def _checked(path: Path, name: str, value: Any) -> Any:
    try:
        return _CHECKS[name](value)
    except ValueError as error:
        # The value itself is not shown: it may be an address with a password in it.
        raise InputError(f"{path}: {name} has to be {error}.") from None

"""Where state lives, which settings count, and what the reporting choices may be."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from small_company import REPOSITORY, write_project
from warehouse import config, variables
from warehouse.errors import InputError


def test_the_home_defaults_to_var_of_the_repository(tmp_path: Path) -> None:
    assert config.load(None, REPOSITORY).home == REPOSITORY / "var"
    assert config.load(tmp_path, None).project_dir == REPOSITORY


def test_settings_of_the_home_are_stronger_than_those_of_the_repository(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    (project / "warehouse.yml").write_text("keep_releases: 5\nreject_threshold: 0.2\n")
    home = tmp_path / "home"
    home.mkdir()
    (home / "warehouse.yml").write_text("keep_releases: 7\nnotify_on: failure\n")
    loaded = config.load(home, project)
    assert (loaded.keep_releases, loaded.reject_threshold) == (7, 0.2)
    assert loaded.notify_on == ("failure",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reject_treshold: 0.1", "unknown setting 'reject_treshold'"),
        ("reject_threshold: 2", "reject_threshold has to be a number from 0 to 1"),
        ("keep_releases: no", "keep_releases has to be a whole number"),
        ("memory_limit: plenty", "memory_limit has to be a size"),
        ("notify_on: [disaster]", "notify_on has to be a list of failure, warning, success"),
        ("- a", "has to be a mapping"),
        ("a: [", "is no YAML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "warehouse.yml").write_text(text)
    with pytest.raises(InputError, match=message):
        config.load(tmp_path, REPOSITORY)


def test_addresses_with_passwords_are_never_shown(tmp_path: Path) -> None:
    loaded = config.load(tmp_path, REPOSITORY, notify_urls=("mailto://me:secret@example.org",))
    assert loaded.notify_urls == ("mailto://me:secret@example.org",)
    assert "secret" not in repr(loaded)
    (tmp_path / "warehouse.yml").write_text("notify_urls: {secret: 1}")
    with pytest.raises(InputError) as caught:
        config.load(tmp_path, REPOSITORY)
    assert "secret" not in str(caught.value)


def test_a_home_that_is_a_file_and_a_project_that_is_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file, not a directory"):
        config.load(tmp_path / "file", REPOSITORY)
    with pytest.raises(InputError, match="No dbt_project"):
        config.load(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2025-06-30T00:00:00Z", datetime(2025, 6, 30)),
        ("2025-06-30", datetime(2025, 6, 30)),
        ("2025-06-30 01:30:00.123456+02:00", datetime(2025, 6, 29, 23, 30, 0, 123456)),
    ],
)
def test_as_of_becomes_a_utc_instant(text: str, instant: datetime) -> None:
    assert variables.parse_as_of(text) == instant


@pytest.mark.parametrize("text", ["yesterday", "", "30.06.2025", "0001-01-01", "2025-13-01"])
def test_a_wrong_as_of_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="as_of"):
        variables.parse_as_of(text)


def test_vars_are_read_as_yaml() -> None:
    given = variables.parse("{reporting_currency: EUR, as_of: 2025-06-30}", REPOSITORY)
    assert given == {"reporting_currency": "EUR", "as_of": "2025-06-30"}
    assert variables.parse(None, REPOSITORY) == {}
    assert variables.parse("{reporting_timezone: Europe/Berlin}", REPOSITORY)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{reporting_curency: EUR}", "no var 'reporting_curency'; known are as_of"),
        ("{run_id: mine}", "no var 'run_id'"),
        ("[1]", "YAML mapping"),
        ("{a: [", "no YAML"),
        ("{reporting_timezone: Mars/Base}", "name of a time zone"),
        ("{reporting_timezone: 1}", "name of a time zone"),
        ('{reporting_currency: "EUR\' or 1=1"}', "currency code"),
        ("{fiscal_year_start_month: 13}", "whole number from 1 to 12"),
        ("{fiscal_year_start_month: 1.5}", "whole number"),
        ("{fiscal_year_start_month: .nan}", "whole number"),
        ("{lead_response_target_minutes: -1}", "number from 0"),
        ("{nps_min_tenure_days: many}", "a number"),
        ("{employee_satisfaction_goal: 6}", "number from 1 to 5"),
        ("{survey_min_group: 0}", "whole number from 1"),
        ("{price_match_threshold: true}", "number from 0 to 1"),
        ("{quota_too_high_below: 0.95}", "must not lie above"),
        ("{max_lifetime_months: .inf}", "number from 1"),
        ("{as_of: soon}", "ISO 8601"),
        ("{crm_sources: hubspot}", "a list of sources"),
        ("{crm_sources: []}", "a list of sources"),
        ("{crm_sources: [hubspot, hubspot]}", "each once"),
        ('{crm_sources: ["x\' or 1"]}', "a list of sources"),
        ("{crm_sources: [hubspott]}", "no source 'hubspott'"),
    ],
)
def test_a_wrong_var_is_refused_with_what_it_has_to_be(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        variables.parse(text, REPOSITORY)


def test_the_defaults_of_the_project_are_checked_too(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    path = project / "dbt_project.yml"
    path.write_text(
        path.read_text().replace("fiscal_year_start_month: 1", "fiscal_year_start_month: 0")
    )
    with pytest.raises(InputError, match=r"dbt_project.yml: fiscal_year_start_month is 0"):
        variables.parse("{reporting_currency: EUR}", project)


def test_a_target_has_to_exist() -> None:
    assert variables.check_target(None, REPOSITORY) == "duckdb"
    with pytest.raises(InputError, match="no target 'nowhere'; known are duckdb"):
        variables.check_target("nowhere", REPOSITORY)

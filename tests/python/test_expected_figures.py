"""Figures that were worked out by hand, from landing files to the published mart.

`WAREHOUSE_CASES` may name further directories of cases (real exports with known figures), separated
as in PATH.
"""

import os
from pathlib import Path

import pytest

from expected_figures import unexpected

CASES = [Path(__file__).parents[1] / "cases" / "small_team"]
CASES += [Path(path) for path in os.environ.get("WAREHOUSE_CASES", "").split(os.pathsep) if path]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_gives_the_figures_that_were_worked_out(case, tmp_path):
    assert unexpected(case, tmp_path / "home") == []

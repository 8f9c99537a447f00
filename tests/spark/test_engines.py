"""What hides a difference between the engines gives the same value on both, and docs/engines.md says so."""

import pytest

import engines


@pytest.fixture(scope="module")
def found(cluster):
    return engines.try_all(cluster.port)


def test_what_the_models_say_means_the_same_on_both_engines(found):
    wrong = [
        (construct.what, engine, values[engine], construct.means)
        for construct, values in zip(engines.CONSTRUCTS, found, strict=True)
        for engine in ("instead on duckdb", "instead on spark")
        if values[engine] != construct.means
    ]
    assert wrong == []


def test_every_construct_is_really_a_difference(found):
    alike = [
        construct.what
        for construct, values in zip(engines.CONSTRUCTS, found, strict=True)
        if values["on duckdb"] == values["same text on spark"]
    ]
    assert alike == []


def test_the_page_says_what_was_found(found):
    assert engines.PAGE.read_text(encoding="utf-8") == engines.page(found), "run `make engines`"

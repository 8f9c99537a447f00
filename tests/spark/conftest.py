"""One cluster of two workers for all tests of Spark; skipped where there is no Java or no PySpark."""

import importlib.util

import pytest

import cluster as cluster_of

SIZE = cluster_of.Size(quick=True)


def why_not() -> str | None:
    """What is missing here to run Spark."""
    if importlib.util.find_spec("pyspark") is None or importlib.util.find_spec("pyhive") is None:
        return "Spark is not installed here (make test-spark)"
    return cluster_of.java_problem()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A running cluster."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with cluster_of.running(tmp_path_factory.mktemp("cluster"), size=SIZE) as cluster:
        yield cluster

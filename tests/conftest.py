"""Fixtures and Hypothesis profiles shared by all tests."""

import importlib.util
import os

import hypothesis
import pytest

pytest_plugins = ["pytester"]

# Benchmarks belong to `nox -s bench`, which installs pytest-benchmark.
collect_ignore = [] if importlib.util.find_spec("pytest_benchmark") else ["benchmarks"]

# Streams are keyed and never drawn, so a profile decides how many cases are tried, not which luck they have.
hypothesis.settings.register_profile("dev", max_examples=25, deadline=None)
hypothesis.settings.register_profile("ci", max_examples=50, deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("nightly", max_examples=500, deadline=None)
hypothesis.settings.load_profile(os.environ.get("VARLAW_PROFILE", "ci" if os.environ.get("CI") else "dev"))


@pytest.fixture(autouse=True)
def _own_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that a test puts to use are out of use after it."""
    for name in ("_VARLAW_SUBJECTS", "_VARLAW_DEVIATIONS"):
        monkeypatch.setenv(name, "")

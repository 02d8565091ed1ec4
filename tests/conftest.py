"""Fixtures and Hypothesis profiles shared by all tests."""

import importlib.util
import os
from pathlib import Path

import hypothesis
import pytest

pytest_plugins = ["pytester"]

# Benchmarks belong to `nox -s bench`, which installs pytest-benchmark.
collect_ignore = [] if importlib.util.find_spec("pytest_benchmark") else ["benchmarks"]

# What takes long is left out of the two minutes unless `--all` is given, as CI does, or a file or test is named.
_LIST = Path(__file__).with_name("thorough.txt").read_text(encoding="utf-8")
THOROUGH = frozenset(f"tests/{line}" for line in _LIST.splitlines() if line and not line.startswith("#"))

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
    monkeypatch.setattr("varlaw.subjects.sources._MODULES", [])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="also the files that take long, as CI does")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, unless all of it or something by name is asked for."""
    named = [argument for argument in config.args if argument.partition("::")[0].endswith(".py")]
    if config.getoption("--all") or named or config.option.keyword or config.option.markexpr:
        return
    left = [item for item in items if item.nodeid.partition("::")[0] in THOROUGH]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item.nodeid.partition("::")[0] not in THOROUGH]

"""The plugin in real pytest runs: fixture, marker, options, header, summary, JUnit, xdist, and no weight."""

import subprocess
import sys

import pytest

_TESTS = """
import numpy as np
import pytest
from varlaw import Normal

def draw(shape, seed):
    return np.random.default_rng(seed).normal(0, 0.02, shape)

def test_right(law):
    law(draw, Normal(0.02), shape=(64, 64))

@pytest.mark.varlaw(policy="pr")
def test_marked(law):
    assert law.check(draw, Normal(0.02), shape=(64, 64)).delta == 0.05

def test_wrong(law):
    law(draw, Normal(0.03), shape=(64, 64))
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(_TESTS)
    return pytester


def test_fixture_header_and_summary(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--strict-markers", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "varlaw: policy nightly, salt pinned",
            "std x0.6681 of Normal(0.03)",
            "VIOLATES: std expected 0.03, observed*",
            "*= varlaw =*",
            "2 CONFORMS, 1 VIOLATES; chance of any false alarm at most 3e-12",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_salt_and_policy_from_the_command_line(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--varlaw-policy", "pr", "--varlaw-salt", "tonight", "-k", "right")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["varlaw: policy pr, salt tonight"])
    assert project.runpytest_subprocess("--varlaw-policy", "weekly", "-k", "right").ret != 0


def test_xdist_gives_the_same_summary(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("-n", "2")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["2 CONFORMS, 1 VIOLATES; *"])


def test_junit_carries_the_numbers(project: pytest.Pytester) -> None:
    project.runpytest_subprocess("--junitxml=out.xml", "-k", "right")
    xml = (project.path / "out.xml").read_text()
    assert '<property name="varlaw.1.outcome" value="CONFORMS"' in xml
    assert '<property name="varlaw.1.ratio"' in xml


def test_the_plugin_loads_nothing_heavy() -> None:
    code = (
        "import pytest, sys; before = set(sys.modules); import varlaw.pytest_plugin; print(*set(sys.modules) - before)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) == {"varlaw", "varlaw.pytest_plugin"}


def test_the_run_of_a_project_that_knows_nothing_of_varlaw_ends_as_without_it(pytester: pytest.Pytester) -> None:
    """Whatever other plugins and tests keep among the properties of a test, the summary neither fails nor counts it."""
    pytester.makeconftest(
        """
        import types

        ODD = [
            "abc", 5, None, (), ("a",), ("a", "b", "c"), (5, "x"), ("x", 5), (None, None), ["varlaw.1.outcome", []],
            ("varlaw.1.alpha", "0.5"), ("varlaw.2.alpha", "much"), ("varlaw.2.outcome", 3), ("varlaw", "y"),
            ("varlaw.3.outcome", "a"), ("varlaw.4.outcome", "a"), ("varlaw.4.alpha", "1-e"), ("varlaw.x.outcome", "a"),
        ]

        def pytest_runtest_makereport(item, call):
            item.user_properties.extend(ODD if call.when == "call" else [])

        def pytest_terminal_summary(terminalreporter):
            of = types.SimpleNamespace
            terminalreporter.stats["odd"] = [of(), of(when="call"), of(when="call", user_properties=7)]
        """
    )
    pytester.makepyfile("def test_one(record_property): record_property(5, 'x')")
    for options in ((), ("-n", "1")):
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)
        result.assert_outcomes(passed=1)
        assert result.ret == 0
        assert "= varlaw =" not in result.stdout.str()
        assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()

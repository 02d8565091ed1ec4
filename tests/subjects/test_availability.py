"""A framework that cannot run is named in the records: not applicable, or an error where somebody asked for it."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from varlaw.claims.verdict import Outcome
from varlaw.reports import schema
from varlaw.subjects import availability
from varlaw.subjects.subject import Framework, Gain
from varlaw.verify import coverage, plan, run


@pytest.fixture(autouse=True)
def _only_keras_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(availability, "find_spec", lambda name: name if name == "keras" else None)


def _gone(name: str) -> Callable[[], str]:
    def version() -> str:
        msg = f"No module named {name!r}"
        raise ModuleNotFoundError(msg, name=name)

    return version


def _half_way() -> str:
    msg = "undefined symbol:\n  cudaFoo"
    raise OSError(msg)


def _subject(name: str, version: Callable[[], str], devices: tuple[str, ...] = ("cpu",)) -> Gain:
    framework = Framework(name=name, version=version, devices=lambda: devices)
    return Gain(name=f"{name}.gain", framework=framework, op="gain", apply=lambda _: 1.0, documented={"linear": "1"})


@pytest.mark.parametrize(
    ("subject", "targets", "error", "said"),
    [
        (_subject("jax", _gone("jax")), ["*"], False, "jax is not installed (No module named 'jax')"),
        (_subject("jax", _gone("jax")), ["jax.*"], True, "jax is not installed (No module named 'jax')"),
        (_subject("flax", _gone("jax")), ["*"], False, "flax is not installed (No module named 'flax')"),
        (_subject("varlaw.torch", _gone("torch")), ["varlaw.*"], False, "varlaw.torch is not installed"),
        (_subject("keras", _gone("tensorflow")), ["*"], True, "keras cannot be imported (ModuleNotFoundError: No mod"),
        (_subject("jax", _half_way), ["*"], True, "jax cannot be imported (OSError: undefined symbol: cudaFoo)"),
        (_subject("jax", lambda: "1", ("tpu",)), ["*"], False, "jax has no device cpu, only tpu"),
        (
            _subject("jax", lambda: "1", ()),
            ["jax"],
            True,
            "jax has no device cpu here (a compiler or a driver is missing)",
        ),
        (_subject("jax", lambda: "1", ("tpu",)), ["jax"], True, "jax has no device cpu, only tpu"),
    ],
)
def test_an_absence_is_told_with_its_reason(subject: Gain, targets: list[str], error: bool, said: str) -> None:
    present, (absence,) = availability.available([subject], "cpu", targets)
    assert present == []
    assert absence.reason.startswith(said)
    record = coverage.unavailable(absence, "cpu")
    assert record.outcome is (Outcome.ERROR if error else Outcome.NOT_APPLICABLE)


def test_the_others_still_run_and_the_absence_is_in_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = plan.select(["varlaw.numpy.he_normal"])
    rows = [_subject("jax", _gone("jax")), *ours]
    monkeypatch.setattr(plan, "select", lambda targets: rows)
    request = plan.Request(targets=("jax.*", "varlaw.numpy.he_normal"), dtypes=("float32",))
    done = run.execute(plan.plan(request))
    states = {v.state for v in done.verdicts}
    assert {"conforms", "error"} <= states
    assert run.exit_code(done) == 3
    again = schema.decode(schema.encode(done), where="here")
    assert again.verdicts[-1].subject == "jax"


def test_a_layer_that_the_version_does_not_have_is_told_from_a_faulty_row() -> None:
    def error_of(module: object, name: str) -> Exception:
        try:
            getattr(module, name)
        except AttributeError as error:
            return error
        raise AssertionError(name)

    subject = _subject("math", lambda: "3.11")
    named = replace(subject, name="math.DotNorm(fast=False)")
    assert availability.missing(error_of(math, "DotNorm"), named) == "math 3.11 has no math.DotNorm"
    assert availability.missing(error_of(math, "dot_norm"), named) == ""
    assert availability.missing(error_of(math.pi, "DotNorm"), named) == ""
    assert availability.missing(ValueError("DotNorm"), named) == ""

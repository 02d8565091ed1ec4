"""Baselines: other draws are no change, a planted one is found, and a file that was tampered with is refused."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from varlaw.commands import changes
from varlaw.identify import specimens
from varlaw.identify.baseline.diff import Change, compare
from varlaw.identify.baseline.record import record
from varlaw.identify.baseline.records import SCHEMA, Baseline, decode, encode
from varlaw.identify.baseline.sound import BaselineError
from varlaw.subjects import registry
from varlaw.subjects.subject import Clipper, Framework, Norm, Sampler, Subject, Tensor
from varlaw.theory.variates import TruncatedNormal

Floats = NDArray[np.float64]
Tensors = Mapping[str, Callable[[np.random.Generator, int, int], Any]]

_FRAMEWORK = Framework(name="tests", version=lambda: "1", devices=lambda: ("cpu",))


def _truncated(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    from scipy.special import ndtr, ndtri

    drawn: Floats = 0.02 * ndtri(ndtr(-2.0) + rng.random(shape) * (ndtr(2.0) - ndtr(-2.0)))
    return drawn


LAWS: Tensors = {
    "normal": lambda rng, i, o: rng.normal(0, 1 / math.sqrt(i), (o, i)),
    "uniform": lambda rng, i, o: rng.uniform(-1 / math.sqrt(i), 1 / math.sqrt(i), (o, i)),
    "truncated": lambda rng, i, o: _truncated(rng, (o, i)),
    "shifted": lambda rng, i, o: rng.normal(1, 0.02, (o, i)),
    "range": lambda rng, i, o: rng.random((o, i)),
    "zeros": lambda rng, i, o: np.zeros(o),
    "half": lambda rng, i, o: np.full(o, 0.5),
    "signs": lambda rng, i, o: rng.choice([-1.0, 1.0], (o, i)),
    "sparse": lambda rng, i, o: rng.normal(0, 1, (o, i)) * (rng.random((o, i)) < 0.7),
    "laplace": lambda rng, i, o: rng.laplace(0, 1, (o, i)),
    "rank one": lambda rng, i, o: rng.normal(0, 1, (o, 1)) * rng.normal(0, 1, (1, i)),
    "packed": lambda rng, i, o: np.concatenate([rng.normal(0, 0.02, (o, i)), rng.normal(0, 0.03, (o, i))]),
    "ramp": lambda rng, i, o: np.arange(o, dtype=float),
}


def _layer(laws: Tensors) -> Sampler:
    def draws(case: Mapping[str, Any], dtype: str, device: str, seed: int, count: int) -> Iterator[dict[str, Any]]:
        rng = np.random.default_rng(seed)
        for _ in range(count):
            yield {n: np.float32(f(rng, case["in_features"], case["out_features"])) for n, f in laws.items()}

    rows = tuple(Tensor(name=name, documented="Normal(1)") for name in laws)
    return Sampler(name="tests.layer", framework=_FRAMEWORK, op="linear", tensors=rows, draws=draws)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Baseline]:
    """Record subjects of our own under a salt, from fewer entries than usual."""
    monkeypatch.setattr(specimens, "_ENTRIES", 8000)

    def run(*subjects: Subject, salt: str = "a") -> Baseline:
        monkeypatch.setattr(registry, "select", lambda targets: list(subjects))
        monkeypatch.setattr(registry, "named", lambda name: {s.name: s for s in subjects}.get(name))
        return decode(encode(record(["tests"], salt)), where="here")

    return run


def test_twenty_salts_of_one_version_show_no_change(recorded: Callable[..., Baseline]) -> None:
    first, *others = [recorded(_layer(LAWS), salt=f"salt{i}") for i in range(21)]
    assert [change for other in others for change in compare(first, other).changes] == []


_PLANTED: dict[str, tuple[str, Callable[[np.random.Generator, int, int], Any], float | None]] = {
    "normal 5 % up": ("normal", lambda rng, i, o: rng.normal(0, 1.05 / math.sqrt(i), (o, i)), 1.05),
    "normal 5 % down": ("normal", lambda rng, i, o: rng.normal(0, 0.95 / math.sqrt(i), (o, i)), 0.95),
    "uniform 5 % up": ("uniform", lambda rng, i, o: rng.uniform(-1, 1, (o, i)) * 1.05 / math.sqrt(i), 1.05),
    "truncated 5 % up": ("truncated", lambda rng, i, o: 1.05 * LAWS["truncated"](rng, i, o), 1.05),
    "same std, another family": (
        "uniform", lambda rng, i, o: rng.normal(0, 1 / math.sqrt(3 * i), (o, i)), None
    ),
    "same std, not cut": ("truncated", lambda rng, i, o: rng.normal(0, TruncatedNormal(0.02).std, (o, i)), None),
    "another mean": ("shifted", lambda rng, i, o: rng.normal(1.01, 0.02, (o, i)), None),
    "another range": ("range", lambda rng, i, o: 0.05 + rng.random((o, i)), None),
    "another constant": ("half", lambda rng, i, o: np.full(o, 0.501), None),
    "zeros drawn": ("zeros", lambda rng, i, o: rng.normal(0, 1e-3, o), None),
    "signs scaled": ("signs", lambda rng, i, o: 1.001 * LAWS["signs"](rng, i, o), None),
    "more zeros": ("sparse", lambda rng, i, o: rng.normal(0, 1, (o, i)) * (rng.random((o, i)) < 0.65), None),
    "unknown law 20 % up": ("laplace", lambda rng, i, o: 1.2 * LAWS["laplace"](rng, i, o), 1.2),
    "one block of two": (
        "packed",
        lambda rng, i, o: np.concatenate([rng.normal(0, 0.02, (o, i)), rng.normal(0, 0.02, (o, i))]),
        None,
    ),
    "another table": ("ramp", lambda rng, i, o: 2 * np.arange(o, dtype=float), 2.0),
}  # fmt: skip


@pytest.mark.parametrize("name", _PLANTED)
def test_a_planted_change_is_found_and_nothing_else(name: str, recorded: Callable[..., Baseline]) -> None:
    tensor, fill, ratio = _PLANTED[name]
    # Untouched tensors keep their own streams: the changed one may take more or fewer random numbers.
    kept = {n: f for n, f in LAWS.items() if n in (tensor, "half", "zeros", "normal")}
    old, new = recorded(_layer(kept)), recorded(_layer({**kept, tensor: fill}), salt="b")
    (change,) = compare(old, new).changes
    assert (change.kind, change.name) == ("moved", f"tests.layer.{tensor}")
    if ratio:
        assert change.ratio is not None
        assert change.interval is not None
        assert change.interval[0] <= ratio <= change.interval[1]


def test_what_came_and_went_is_said(recorded: Callable[..., Baseline]) -> None:
    few = {n: LAWS[n] for n in ("normal", "zeros")}
    changes = compare(recorded(_layer(few)), recorded(_layer({"normal": few["normal"], "half": LAWS["half"]}))).changes
    assert [(c.kind, c.name) for c in changes] == [("vanished", "tests.layer.zeros"), ("appeared", "tests.layer.half")]


def test_a_row_that_varlaw_gained_is_no_change_of_the_framework(recorded: Callable[..., Baseline]) -> None:
    first = _layer({"normal": LAWS["normal"]})
    second = dataclasses.replace(_layer({"half": LAWS["half"]}), name="tests.other")
    old, new = recorded(first), recorded(first, second)
    found = compare(old, new)
    assert (found.changes, found.unseen) == ([], ["tests.other"])
    assert "1 subject had a row in one of them only" in changes.counts(found)
    before_the_field = msgspec.structs.replace(old, looked=[])
    assert decode(encode(before_the_field), where="here").looked == []
    assert [c.kind for c in compare(before_the_field, new).changes] == ["appeared"]


def _broken(case: Mapping[str, Any], dtype: str, device: str, seed: int, count: int) -> Iterator[dict[str, Any]]:
    msg = "no kernel\nfor this"
    raise RuntimeError(msg)
    yield {}


def test_a_layer_that_cannot_be_built_is_recorded_and_the_others_still_run(recorded: Callable[..., Baseline]) -> None:
    sound = _layer({"zeros": LAWS["zeros"]})
    broken = Sampler(
        name="tests.broken",
        framework=_FRAMEWORK,
        op="linear",
        tensors=(Tensor(name="w", documented="Normal(1)"),),
        draws=_broken,
    )
    old, new = recorded(sound), recorded(sound, broken)
    (failed,) = new.failed
    assert (failed.subject, failed.error) == ("tests.broken", "RuntimeError: no kernel for this")
    assert [one.name for one in new.tensors] == ["tests.layer.zeros"]
    assert compare(old, new).changes == []
    with pytest.raises(BaselineError, match="nothing of 'tests' could be recorded: RuntimeError: no kernel for this"):
        recorded(broken)


# -- constants ---------------------------------------------------------------------------------------------------------


def _batch_norm(eps: float, momentum: float, ddof: int, scale: float = 1.0) -> Norm:
    def run(x: Floats, eps: float, momentum: float) -> Mapping[str, Floats]:
        mean, variance = x.mean(axis=(0, 2)), x.var(axis=(0, 2))
        y = scale * (x - mean[None, :, None]) / np.sqrt(variance + eps)[None, :, None]
        moving = (1 - momentum) + momentum * x.var(axis=(0, 2), ddof=ddof)
        return {"output": y, "running_mean": momentum * mean, "running_var": moving}

    return Norm(
        name="tests.norm", framework=_FRAMEWORK, op="batch_norm",
        apply=lambda x, case, dtype, device: run(x, case["eps"], case["momentum"]),
        default=lambda x, case, dtype, device: run(x, eps, momentum),
    )  # fmt: skip


def test_eps_momentum_and_the_running_variance_are_measured(recorded: Callable[..., Baseline]) -> None:
    facts = {f.name: f.value for f in recorded(_batch_norm(1e-6, 0.01, ddof=1, scale=0.5)).facts}
    assert facts["default.eps"] == pytest.approx(1e-6, rel=1e-4)
    assert facts["default.weight of a new batch"] == pytest.approx(0.01)
    assert facts["default.scale"] == pytest.approx(0.5, rel=1e-4)
    assert facts["running variance"] == "unbiased"
    assert facts["momentum"] == "weight of the new batch"


@pytest.mark.parametrize(
    ("new", "name"),
    [
        (_batch_norm(1.05e-5, 0.1, 1), "default.eps"),
        (_batch_norm(1e-5, 0.105, 1), "default.weight of a new batch"),
        (_batch_norm(1e-5, 0.1, 1, scale=1.05), "default.scale"),
    ],
)
def test_a_constant_that_changed_is_named(new: Norm, name: str, recorded: Callable[..., Baseline]) -> None:
    changes = compare(recorded(_batch_norm(1e-5, 0.1, 1)), recorded(new, salt="b")).changes
    assert f"tests.norm: {name}" in {c.name for c in changes if c.kind == "constant"}
    assert {c.name.partition(": ")[2].removeprefix("default.") for c in changes} <= {
        "eps",
        "eps / eps given",
        "scale",
    } | {name.removeprefix("default.")}


def test_biased_and_unbiased_are_told_apart(recorded: Callable[..., Baseline]) -> None:
    changes = compare(recorded(_batch_norm(1e-5, 0.1, 1)), recorded(_batch_norm(1e-5, 0.1, 0))).changes
    assert {(c.before, c.after) for c in changes} == {("unbiased", "biased")}


def test_the_eps_of_clipping_is_measured(recorded: Callable[..., Baseline]) -> None:
    def apply(grads: Any, limit: float, dtype: str, device: str) -> tuple[list[Floats], float]:
        norm = float(np.linalg.norm(np.concatenate(grads)))
        return [g * min(1.0, limit / (norm + 1e-6)) for g in grads], norm

    clipper = Clipper(name="tests.clip", framework=_FRAMEWORK, op="clip_norm", apply=apply)
    facts = {f.name: f.value for f in recorded(clipper).facts}
    assert facts["eps added to the norm"] == pytest.approx(1e-6, rel=1e-3)
    assert facts["reports the norm"] == "yes"


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_file_reads_back_and_is_the_same_bytes_again(recorded: Callable[..., Baseline]) -> None:
    data = encode(recorded(_layer(LAWS)))
    assert encode(decode(data, "here")) == data


@pytest.mark.parametrize(
    ("tampered", "said"),
    [
        (lambda text: text.replace("Constant(0.5)", "Constant(0.6)"), "changed after it was recorded"),
        (lambda text: text[: len(text) // 2], "is not JSON, or was cut off"),
        (lambda text: text.replace(SCHEMA, "varlaw.baseline/2"), "has the schema 'varlaw.baseline/2', but should have"),
        (lambda text: "[]", "has the schema None"),
        (lambda text: text.replace('"salt": "a"', '"salt": 1'), "does not follow varlaw.baseline/1"),
        (lambda text: "", "is not JSON, or was cut off"),
    ],
)
def test_a_file_that_was_tampered_with_is_refused_in_one_line(
    tampered: Callable[[str], str], said: str, recorded: Callable[..., Baseline]
) -> None:
    text = encode(recorded(_layer({"half": LAWS["half"]}))).decode()
    with pytest.raises(BaselineError, match=said.replace("(", r"\(")) as caught:
        decode(tampered(text).encode(), where="old.json")
    assert str(caught.value).startswith("old.json ")
    assert "\n" not in str(caught.value)


def test_baselines_of_two_frameworks_are_refused(recorded: Callable[..., Baseline]) -> None:
    one = recorded(_layer({"half": LAWS["half"]}))
    other = msgspec.structs.replace(one, versions={"others": "1"})
    with pytest.raises(BaselineError, match="different frameworks: tests and others"):
        compare(one, other)


def test_ours_do_not_change_and_a_change_names_its_claims() -> None:
    old, new = (
        decode(encode(record(["varlaw.numpy.he_normal", "varlaw.numpy.he_uniform"], salt)), "here")
        for salt in ("a", "b")
    )
    assert compare(old, new).changes == []
    tensors = [
        msgspec.structs.replace(t, cases=[msgspec.structs.replace(c, unit=2 * c.unit, low=2 * c.low, high=2 * c.high)
                                          for c in t.cases])
        for t in new.tensors
    ]  # fmt: skip
    changes: list[Change] = compare(old, msgspec.structs.replace(new, tensors=tensors)).changes
    assert [round(c.ratio or 0, 1) for c in changes] == [2.0, 2.0]
    assert "init.documented (he_uniform.variance)" in changes[1].touches

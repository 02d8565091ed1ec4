"""Broken initialisers through record and diff: every one is a change, and other draws of the sound one never are."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from varlaw.identify import specimens
from varlaw.identify.baseline.diff import Diff, compare
from varlaw.identify.baseline.record import record
from varlaw.identify.baseline.records import Baseline, decode, encode
from varlaw.subjects import registry
from varlaw.subjects.subject import Framework, Sampler, Tensor

Floats = NDArray[np.float64]
Rng = np.random.Generator
Fill = Callable[[Rng, int, int], Any]  # (generator, outputs, inputs) -> weight

_FRAMEWORK = Framework(name="tests", version=lambda: "1", devices=lambda: ("cpu",))
_CALLS = itertools.count()
_PRIVATE = np.random.default_rng(0)


def _bound(inputs: int) -> float:
    return 1 / math.sqrt(inputs)


def sound(rng: Rng, o: int, i: int) -> Floats:
    return rng.uniform(-_bound(i), _bound(i), (o, i))


def _normal(rng: Rng, o: int, i: int) -> Floats:
    return rng.normal(0, _bound(i) / math.sqrt(3), (o, i))


def _changed(rng: Rng, o: int, i: int, change: Callable[[Floats], Any]) -> Floats:
    """The sound weight after `change`, in place or returned."""
    w = sound(rng, o, i)
    found = change(w)
    return w if found is None else found


def _put(w: Floats, place: Any, value: Any) -> None:
    w[place] = value


def _halves(w: Floats, sign: float) -> None:
    h = len(w) // 2
    w[h : 2 * h] = sign * w[:h]


def _symmetric(w: Floats) -> None:
    n = min(w.shape)
    w[:n, :n] = np.triu(w[:n, :n]) + np.triu(w[:n, :n], 1).T


def _chained(rng: Rng, o: int, i: int, axis: int) -> Floats:
    """A uniform law whose neighbours along an axis are correlated by 0.3."""
    from scipy.special import ndtr

    z = np.moveaxis(rng.normal(0, 1, (o, i)), axis, 0)
    for k in range(1, len(z)):
        z[k] = 0.3 * z[k - 1] + math.sqrt(1 - 0.09) * z[k]
    return _bound(i) * (2 * np.moveaxis(ndtr(z), 0, axis) - 1)


def _qr(rng: Rng, o: int, i: int) -> Floats:
    q = np.linalg.qr(rng.normal(0, 1, (max(o, i), min(o, i))))[0]
    return q if o >= i else q.T


def _grid(rng: Rng, o: int, i: int, steps: int) -> Floats:
    return _bound(i) * (2 * rng.integers(0, steps, (o, i)) / (steps - 1) - 1)


def _checkerboard(o: int, i: int) -> Floats:
    return (-1.0) ** (np.arange(o)[:, None] + np.arange(i)[None])


BROKEN: dict[str, Fill] = {
    # another family
    "Cauchy": lambda r, o, i: _bound(i) * r.standard_cauchy((o, i)),
    "normal of the same std": _normal,
    "normal of the same bound": lambda r, o, i: r.normal(0, _bound(i), (o, i)),
    "Student t": lambda r, o, i: _bound(i) / 3 * r.standard_t(3, (o, i)),
    "Laplace": lambda r, o, i: r.laplace(0, _bound(i) / math.sqrt(6), (o, i)),
    "signs": lambda r, o, i: r.choice([-_bound(i), _bound(i)], (o, i)),
    "three values": lambda r, o, i: r.choice([-_bound(i), 0.0, _bound(i)], (o, i)),
    "triangle": lambda r, o, i: _bound(i) * (r.random((o, i)) - r.random((o, i))),
    "arcsine": lambda r, o, i: _bound(i) * np.sin(2 * np.pi * r.random((o, i))),
    "exponential": lambda r, o, i: r.exponential(_bound(i), (o, i)),
    "clipped": lambda r, o, i: np.clip(r.normal(0, _bound(i), (o, i)), -_bound(i), _bound(i)),
    "mixture": lambda r, o, i: _normal(r, o, i) * np.where(r.random((o, i)) < 0.1, 5, 1),
    # another scale or middle
    "fans swapped": lambda r, o, i: r.uniform(-_bound(o), _bound(o), (o, i)),
    "a gain": lambda r, o, i: math.sqrt(2) * sound(r, o, i),
    "2 % up": lambda r, o, i: 1.02 * sound(r, o, i),
    "a mean": lambda r, o, i: sound(r, o, i) + 0.1 * _bound(i),
    "magnitudes": lambda r, o, i: np.abs(sound(r, o, i)),
    "zero": lambda r, o, i: np.zeros((o, i)),
    "one": lambda r, o, i: np.ones((o, i)),
    "subnormal": lambda r, o, i: 1e-42 * sound(r, o, i),
    "vast": lambda r, o, i: 1e37 * sound(r, o, i),
    # not finite
    "NaN in a third of the instances": lambda r, o, i: sound(r, o, i) * (np.nan if r.random() < 0.33 else 1.0),
    "one NaN": lambda r, o, i: _changed(r, o, i, lambda w: _put(w, (0, 0), np.nan)),
    "one inf": lambda r, o, i: _changed(r, o, i, lambda w: _put(w, (-1, -1), np.inf)),
    "all NaN": lambda r, o, i: np.full((o, i), np.nan),
    "all inf": lambda r, o, i: np.full((o, i), -np.inf),
    # entries that hang together
    "constant rows": lambda r, o, i: np.repeat(r.uniform(-_bound(i), _bound(i), (o, 1)), i, axis=1),
    "constant columns": lambda r, o, i: np.repeat(r.uniform(-_bound(i), _bound(i), (1, i)), o, axis=0),
    "tied rows": lambda r, o, i: _changed(r, o, i, lambda w: _halves(w, 1)),
    "opposite rows": lambda r, o, i: _changed(r, o, i, lambda w: _halves(w, -1)),
    "tied columns": lambda r, o, i: _changed(r, o, i, lambda w: _halves(w.T, 1)),
    "symmetric": lambda r, o, i: _changed(r, o, i, _symmetric),
    "rank one": lambda r, o, i: r.normal(0, 1, (o, 1)) * r.normal(0, 1, (1, i)) * _bound(i) / math.sqrt(3),
    "correlated along rows": lambda r, o, i: _chained(r, o, i, 1),
    "correlated along columns": lambda r, o, i: _chained(r, o, i, 0),
    "a checkerboard of means": lambda r, o, i: sound(r, o, i) + 0.1 * _bound(i) * _checkerboard(o, i),
    "rows of two scales": lambda r, o, i: sound(r, o, i) * (1 + 0.1 * (-1.0) ** np.arange(o)[:, None]),
    "sorted rows": lambda r, o, i: np.sort(sound(r, o, i), axis=1),
    "sorted columns": lambda r, o, i: np.sort(sound(r, o, i), axis=0),
    "rows without a mean": lambda r, o, i: _changed(r, o, i, lambda w: w - w.mean(axis=1, keepdims=True)),
    "a norm of its own": lambda r, o, i: _changed(
        r, o, i, lambda w: w * _bound(i) / math.sqrt(3) / np.sqrt((w**2).mean())
    ),
    "the same quantiles": lambda r, o, i: _bound(i) * r.permutation(np.linspace(-1, 1, o * i)).reshape(o, i),
    "orthogonal without signs": _qr,
    # values
    "8 bits": lambda r, o, i: _grid(r, o, i, 256),
    "12 bits": lambda r, o, i: _grid(r, o, i, 4096),
    "float16": lambda r, o, i: np.float64(np.float16(sound(r, o, i))),
    "spikes": lambda r, o, i: np.where(r.random((o, i)) < 1e-3, 10 * _bound(i), sound(r, o, i)),
    "zeros": lambda r, o, i: np.where(r.random((o, i)) < 0.02, 0.0, sound(r, o, i)),
    "sparse": lambda r, o, i: np.where(r.random((o, i)) < 0.9, 0.0, sound(r, o, i)),
    # seeds and cases
    "one seed": lambda r, o, i: sound(np.random.default_rng(0), o, i),
    "a stream of its own": lambda r, o, i: sound(_PRIVATE, o, i),
    "no seed": lambda r, o, i: sound(np.random.default_rng(), o, i),
    "every other instance": lambda r, o, i: (_normal if next(_CALLS) % 2 else sound)(r, o, i),
    "tall ones only": lambda r, o, i: (1.2 if o > 2 * i else 1.0) * sound(r, o, i),
    "one input only": lambda r, o, i: np.zeros((o, i)) if i == 1 else sound(r, o, i),
}


def _layer(fill: Fill, bias: Callable[[Rng, Floats], Any] | None = None) -> Sampler:
    def draws(case: Mapping[str, Any], dtype: str, device: str, seed: int, count: int) -> Iterator[dict[str, Any]]:
        rng = np.random.default_rng(seed)
        for _ in range(count):
            w = fill(rng, case["out_features"], case["in_features"])
            b = rng.uniform(-0.5, 0.5, len(w)) if bias is None else bias(rng, w)
            yield {"weight": np.float32(w), "bias": np.float32(b)}

    rows = tuple(Tensor(name=name, documented="Normal(1)") for name in ("weight", "bias"))
    return Sampler(name="tests.layer", framework=_FRAMEWORK, op="linear", tensors=rows, draws=draws)


def _record(sampler: Sampler, salt: str) -> Baseline:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(specimens, "_ENTRIES", 8000)
        patched.setattr(registry, "select", lambda targets: [sampler])
        return decode(encode(record(["tests"], salt)), where="here")


def _diff(old: Baseline, new: Baseline) -> Diff:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(registry, "named", lambda name: None)
        return compare(old, new)


@pytest.fixture(scope="module")
def old() -> Baseline:
    return _record(_layer(sound), "old")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", BROKEN)
def test_every_broken_initialiser_is_a_change(name: str, old: Baseline) -> None:
    new = _record(_layer(BROKEN[name]), "new")
    assert "tests.layer.weight" in {c.name for c in _diff(old, new).changes if c.kind == "moved"}
    back = {c.name for c in _diff(new, old).changes if c.kind == "moved"}
    assert "tests.layer.weight" in back, "and back"


def test_a_bias_that_is_a_column_of_the_weight_is_a_change(old: Baseline) -> None:
    (change,) = _diff(old, _record(_layer(sound, lambda rng, w: w[:, 0]), "new")).changes
    assert change.name == "tests.layer.bias"
    uniform = _record(_layer(sound, lambda rng, w: sound(rng, len(w), w.shape[1])[:, 0]), "old")
    (change,) = _diff(uniform, _record(_layer(sound, lambda rng, w: w[:, 0]), "new")).changes
    assert any(why.startswith("numbers that another tensor of the same instance holds") for why in change.why)


def test_other_draws_of_the_sound_one_are_no_change(old: Baseline) -> None:
    for salt in range(8):
        found = _diff(old, _record(_layer(sound), f"salt{salt}"))
        assert (found.changes, found.open) == ([], [])


# Laws of a framework that is as it was: known and unknown, with entries that depend on each other and without.
TWINS: dict[str, Fill] = {
    name: BROKEN[name]
    for name in (
        "Cauchy", "Student t", "signs", "three values", "clipped", "mixture", "a mean", "constant rows", "tied columns",
        "rank one", "correlated along rows", "sorted rows", "a norm of its own", "orthogonal without signs", "8 bits",
        "float16", "spikes", "sparse", "one seed", "all NaN", "one NaN", "subnormal", "the same quantiles",
    )
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", TWINS)
def test_a_law_that_stays_what_it_was_is_no_change_whatever_it_is(name: str) -> None:
    first, second = [_record(_layer(TWINS[name]), salt) for salt in "ab"]
    assert _diff(first, second).changes == []


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Cauchy", "Student t"),
        ("Student t", "Laplace"),
        ("constant rows", "constant columns"),
        ("sorted rows", "sorted columns"),
        ("rank one", "constant rows"),
        ("three values", "8 bits"),
        ("correlated along rows", "correlated along columns"),
        ("one seed", "no seed"),
    ],
)
def test_from_one_law_without_a_name_to_another_is_a_change(before: str, after: str) -> None:
    found = _diff(_record(_layer(BROKEN[before]), "a"), _record(_layer(BROKEN[after]), "b"))
    assert "tests.layer.weight" in {c.name for c in found.changes}


def test_what_cannot_be_compared_is_never_no_change() -> None:
    from varlaw.commands.changes import counts

    nothing = _record(_layer(BROKEN["all NaN"]), "a")
    found = _diff(nothing, _record(_layer(BROKEN["all NaN"]), "b"))
    assert [(one.name, one.reason) for one in found.open] == [("tests.layer.weight", "no entry is finite in either")]
    assert "no change" not in counts(found)
    assert "none changed that could be compared, 1 open" in counts(found)


@pytest.mark.parametrize("name", ["all NaN", "one NaN", "all inf"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_no_longer_finite_is_said(name: str, old: Baseline) -> None:
    (change,) = _diff(old, _record(_layer(BROKEN[name]), "new")).changes
    assert any(why.startswith("not finite: ") for why in change.why)


def test_a_stream_of_its_own_is_named(old: Baseline) -> None:
    changes = _diff(old, _record(_layer(BROKEN["a stream of its own"]), "new")).changes
    assert "the same seed no longer gives the same numbers" in changes[0].why


def test_a_padding_row_that_is_no_longer_zero_is_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    old, again = (record("torch.nn.Embedding(padding_idx)", salt) for salt in ("old", "again"))
    assert not _diff(old, again).changes
    monkeypatch.setattr(torch.nn.Embedding, "_fill_padding_idx_with_zero", lambda layer: None)
    (change,) = _diff(old, record("torch.nn.Embedding(padding_idx)", "new")).changes
    assert change.name.endswith("padding")

"""Constants of what is no tensor, by what they do: eps by its effect on a tiny variance, momentum by one step."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from varlaw.claims.domains import CASES
from varlaw.claims.norms.normalisation import rows_of
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.streams import Key
from varlaw.identify.baseline.records import Fact
from varlaw.subjects.subject import Adapter, Clipper, Dropout, Floats, Gain, Loss, Norm, Subject

_DTYPE = "float32"  # the one that every framework has
_UNIT = 2.0**-24
_VISIBLE = 1e-3  # a smaller scale hides the eps behind it
_CLEAR = 0.9  # an eps is read off where it takes a tenth of the second moment, at least
_P = 0.3


def measured(subject: Subject, key: Key) -> Iterator[Fact]:
    """The facts of one subject; nothing for what `identify` looks at."""
    match subject:
        case Norm():
            found = _norm(subject, key)
        case Clipper():
            found = _clipper(subject)
        case Gain():
            found = ((f"gain.{name}", subject.apply(name), 1e-6) for name in subject.documented)
        case Dropout():
            found = _dropout(subject, key)
        case Loss():
            logits, labels = np.zeros((8, 10)), np.arange(8)
            loss = float(np.mean(subject.apply(logits, labels, "mean", _DTYPE, "cpu")))
            found = iter([("loss.zero_logits", loss, 10 * _UNIT * math.log(10))])
        case Adapter():
            found = _adapter(subject, key)
        case _:
            return
    for name, value, error in found:
        if isinstance(value, str) or (math.isfinite(value) and math.isfinite(error)):
            yield Fact(subject=subject.name, name=name, value=value, error=error)
        else:
            yield Fact(subject=subject.name, name=name, value="not finite")


def _case(subject: Norm | Adapter) -> Mapping[str, Any]:
    usual = CASES[subject.op].enumerate(Key("", "facts", ""), 0)
    return (subject.cases("norm.second_moment", usual, _DTYPE) if subject.cases else usual)[0]


Found = Iterator[tuple[str, float | str, float]]

# -- norms -------------------------------------------------------------------------------------------------------------


def _norm(subject: Norm, key: Key) -> Found:
    """Of the call: whether eps and momentum arrive; of the default, where a row has one: all that it starts with."""
    case = dict(_case(subject)) | {"batch": 8, "channels": 4, "length": 64, "groups": 2}
    rng = key.generator()
    z = rng.standard_normal((8, 4, 64))

    def given(x: Floats) -> Mapping[str, Floats]:
        return subject.apply(x, case, _DTYPE, "cpu")

    eps, error = _eps(given, subject.op, z, case, starts=(_near(case["eps"]),))
    yield "eps / eps given", eps / case["eps"], error / case["eps"]
    yield from _statistics(given, z, "", case["momentum"])
    if subject.default is None:
        return
    default = subject.default

    def built(x: Floats) -> Mapping[str, Floats]:
        return default(x, case, _DTYPE, "cpu")

    wide = rows_of(built(1e3 * z)["output"], subject.op, case)
    scale = _scale(wide, rows_of(z, subject.op, case), subject.op)
    yield "default.scale", scale, 1e-4
    if subject.op != "rms_norm":
        yield "default.shift", float(wide.mean()), 1e-4
    if abs(scale) > _VISIBLE:
        eps, error = _eps(built, subject.op, z, case, starts=tuple(10.0**-k for k in range(1, 9)), scale=scale)
        yield "default.eps", eps, error
    yield from _statistics(built, z, "default.", None)


def _scale(y: Floats, z: Floats, op: str) -> float:
    """What the norm multiplies by: the regression of its output on the input as normalised in float64."""
    centred = z - z.mean(axis=1, keepdims=True) if op != "rms_norm" else z
    unit = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True))
    return float((y * unit).mean())


def _rounded(x: Floats) -> Floats:
    return FORMATS[_DTYPE].round_all(x)


def _near(eps: float) -> float:
    return math.sqrt(eps)


def _eps(
    apply: object, op: str, z: Floats, case: Mapping[str, object], starts: Sequence[float], scale: float = 1.0
) -> tuple[float, float]:
    """The eps for which the second moment v/(v + eps) is what it is, with its error; inputs of ever smaller std."""
    assert callable(apply)
    for std in starts:
        given = _rounded(std * z)
        x, y = rows_of(given, op, case), rows_of(apply(given)["output"], op, case)
        v = (x**2).mean(axis=1) - (x.mean(axis=1) ** 2 if op != "rms_norm" else 0.0)
        m = (y**2).mean(axis=1) - (y.mean(axis=1) ** 2 if op != "rms_norm" else 0.0)
        m /= scale**2
        if not (np.isfinite(m) & (m > 0)).all():
            return math.nan, 0.0  # no second moment of a norm, whatever the median of the others says
        eps = float(np.median(v / m - v))
        error = float(np.median(v / m)) * 64 * _UNIT
        if float(np.median(m)) < _CLEAR:
            return eps, error
    return (eps, error) if eps > error else (0.0, error)


def _statistics(apply: object, z: Floats, prefix: str, momentum: float | None) -> Found:
    """After one step from (0, 1): the weight of the new batch, its convention, and which variance is averaged."""
    assert callable(apply)
    x = _rounded(3 + 2 * z)
    results = apply(x)
    if "running_mean" not in results:
        return
    mean, variance = x.mean(axis=(0, 2)), x.var(axis=(0, 2))
    weight = float(np.median(results["running_mean"] / mean))
    yield f"{prefix}weight of a new batch", weight, 1e-5
    if momentum is not None:
        yield f"{prefix}momentum", _convention(weight, momentum), 0.0
    n = x[:, 0].size
    ratio = float(np.median((results["running_var"] - (1 - weight)) / (weight * variance)))
    names = {"biased": 1.0, "unbiased": n / (n - 1)}
    closest = min(names, key=lambda name: abs(names[name] - ratio))
    close = abs(names[closest] - ratio) < 0.25 / n
    yield f"{prefix}running variance", closest if close else f"{ratio:.4g} of the biased one", 0.0


def _convention(weight: float, momentum: float) -> str:
    if math.isclose(weight, momentum, rel_tol=1e-4):
        return "weight of the new batch"
    return "weight of the old average" if math.isclose(weight, 1 - momentum, rel_tol=1e-4) else "neither"


# -- the others --------------------------------------------------------------------------------------------------------


def _clipper(subject: Clipper) -> Found:
    """The number added to the norm before it divides, and whether a norm is returned."""
    norm, limit = 2e-5, 1e-5
    grads = [_rounded(np.array([0.6 * norm, 0.8 * norm]))]
    clipped, reported = subject.apply(grads, limit, _DTYPE, "cpu")
    after = float(np.linalg.norm(clipped[0]))
    if subject.op != "clip_value":
        error = 64 * _UNIT * norm
        eps = limit * norm / after - norm
        yield "eps added to the norm", eps if abs(eps) > error else 0.0, error
        yield "reports the norm", "yes" if reported is not None else "no", 0.0
    else:
        yield "largest entry / limit", float(np.abs(clipped[0]).max()) / limit, 64 * _UNIT


def _dropout(subject: Dropout, key: Key) -> Found:
    x = np.ones((512, 32, 4))
    y = subject.apply(x, _P, _DTYPE, "cpu", key.seed)
    values, counts = np.unique(y, return_counts=True)
    if len(values) > 8:
        yield "std of the output", float(y.std()), 6 * float(y.std()) / math.sqrt(512)
        return
    yield "values at p = 0.3", " ".join(f"{v:.5g}" for v in values), 0.0
    units = {"dropout": x.size, "alpha_dropout": x.size, "drop_path": 512}.get(subject.op, 512 * 32)
    yield "share of the smaller value", float(counts[0] / counts.sum()), 6 * math.sqrt(_P * (1 - _P) / units)


def _adapter(subject: Adapter, key: Key) -> Found:
    case = _case(subject)
    without, adapted = subject.apply(case, _DTYPE, "cpu", key.seed)
    largest = float(np.abs(without - adapted).max() / np.abs(without).max())
    yield "largest change at the start", largest if largest > 64 * _UNIT else 0.0, 64 * _UNIT

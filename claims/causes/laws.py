"""A fit told as a cause: which law entries follow in place of the right one, and what that has to do with it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from varlaw.claims.causes import relations
from varlaw.claims.causes.entries import Fit
from varlaw.claims.causes.families import Floats
from varlaw.claims.causes.words import law_text, number, of_values, share
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform, UniformRange

_SHIFT = 4.5  # standard errors from which a mean is another one


@dataclass(frozen=True)
class Entries:
    """What entries follow: in words, or "" where that is the law or no usual mistake; `facts` are said in any case."""

    likely: str
    facts: tuple[str, ...]
    log_ratio: float | None
    same_family: bool
    plain: bool  # of normal or uniform numbers, cut or not


LAWFUL = Entries("", (), None, same_family=True, plain=True)


def told(fit: Fit, x: Floats, law: Any, shape: Sequence[int], names: Mapping[str, Any]) -> Entries:
    """A fit in words."""
    facts = [_strays(fit)] if fit.strays else []
    kind = (_same_kind(fit, law), fit.shape.name in ("normal", "uniform") or math.isfinite(fit.shape.cut))
    shift = _swapped(fit, x, law) or _shift(fit, x, law)
    if fit.of_logs or fit.shape.positive or not _same_kind(fit, law) or not math.isfinite(fit.std):
        likely = "; ".join(filter(None, (_family(fit, x, law, shape, names), shift if _two_sided(fit) else "")))
        return Entries(likely, tuple(facts), _gain(fit, x, law), *kind)
    ratio = fit.std / law.std
    same = _same_std(fit, law)
    if same and not shift:
        return Entries("", tuple(facts), None, *kind)
    if same:
        return Entries(f"{_text(fit, x, law)}: {shift}", tuple(facts), _gain(fit, x, law), *kind)
    fitted = _text(fit, x, law)
    related = "" if shift else _related(fit, law, shape, names)
    if related:
        return Entries(f"{fitted}, std x{number(ratio)}: {related}", tuple(facts), _gain(fit, x, law), *kind)
    plain = f"std is {number(ratio)} times the law's" + ("" if shift else "; no usual mistake gives that")
    known = facts if shift.endswith("swapped") else [*facts, plain]
    return Entries(f"{fitted}: {shift}" if shift else "", tuple(known), _gain(fit, x, law), *kind)


def undescribed(x: Floats, law: Any, unit: float) -> str:
    """What is unlike the law where no usual family is borne: limits, mean, sides, tails."""
    z, n = (x - law.mean) / law.std, x.size
    slack = (1e-6 + unit) * law.bound
    beyond = int(((x < law.support[0] - slack) | (x > law.support[1] + slack)).sum()) if slack < math.inf else 0
    mean, width, above = float(z.mean()), float(z.std()), float((z > 0).mean())
    skewness, kurtosis = (float(((z - mean) ** power).mean()) / width**power for power in (3, 4))
    reach = _SHIFT / math.sqrt(n)
    table = {
        f"{of_values(beyond, n)} lie beyond the law's limits, up to {number(float(np.abs(x).max()))}": beyond > 0,
        f"mean {number(float(x.mean()))}": abs(mean) > reach,
        f"std x{number(width)}": abs(width - 1) > reach * math.sqrt((kurtosis - 1) / 4),
        f"{100 * above:.3g} % above the mean": abs(above - float(law.survival(law.mean))) > reach / 2,
        f"skewness {skewness:.2g}": abs(skewness) > 4 * reach and law.support[0] == -law.support[1],
        f"kurtosis {kurtosis:.3g}, the law's {law.kurtosis:.3g}": abs(kurtosis / law.kurtosis - 1) > 0.03,
    }
    told = [words for words, unlike in table.items() if unlike]
    return f"no usual family: {'; '.join(told)}" if told else ""


def _same_kind(fit: Fit, law: Any) -> bool:
    name = {Normal: "normal", Uniform: "uniform", UniformRange: "uniform"}.get(type(law))
    if name:
        return fit.shape.name == name
    if fit.shape.name == "as the law's":
        return True
    return isinstance(law, TruncatedNormal) and law.low == -law.high and abs(fit.shape.cut - law.high) < 1e-3 * law.high


def _two_sided(fit: Fit) -> bool:
    return not fit.of_logs and not fit.shape.positive and math.isfinite(fit.std)


def _related(fit: Fit, law: Any, shape: Sequence[int], names: Mapping[str, Any]) -> str:
    drawn = relations.parameters(fit.shape.name, fit.shape.cut)
    return relations.named(fit.std, fit.error, fit.std / law.std, law, drawn, shape, names)


def _swapped(fit: Fit, x: Floats, law: Any) -> str:
    """Whether the draws have the law's std as their mean, and its mean as their std."""
    mean, error = _mean(fit, x, law)
    std = float(x.std())
    other = law.mean > 0 and abs(math.log(law.mean / law.std)) > max(fit.error, 1e-3)
    swapped = other and abs(mean - law.std) < _SHIFT * error and abs(math.log(std / law.mean)) <= max(fit.error, 1e-3)
    return f"mean {number(law.mean)} and std {number(law.std)} swapped" if swapped else ""


def _shift(fit: Fit, x: Floats, law: Any) -> str:
    """A mean that is not the law's, in words."""
    mean, error = _mean(fit, x, law)
    if mean == law.mean:
        return ""
    if isinstance(law, TruncatedNormal) and law.mean:
        return ""  # its mean is that of its cut
    if law.mean and abs(mean) < _SHIFT * error:
        return f"the mean is 0: the law's {number(law.mean)} is missing"
    if law.mean and abs(mean + law.mean) < _SHIFT * error:
        return f"the mean is {mean:.3g}: the law's {number(law.mean)} with the other sign"
    return f"the mean is {mean:.3g}, {(mean - law.mean) / law.std:.2g} std from the law's {number(law.mean)}"


def _mean(fit: Fit, x: Floats, law: Any) -> tuple[float, float]:
    """The centre of the draws, the law's where they bear it, and its standard error."""
    mean, error = fit.centre if _two_sided(fit) else float(x.mean()), float(x.std()) / math.sqrt(x.size)
    return (float(law.mean) if abs(mean - law.mean) < _SHIFT * error else mean), error


# -- other families ----------------------------------------------------------------------------------------------------


def _family(fit: Fit, x: Floats, law: Any, shape: Sequence[int], names: Mapping[str, Any]) -> str:
    """Another family, with its own scale and what that is of the law's."""
    if fit.of_logs:
        return f"{_logs(fit)} in place of {law.family}: all values are positive"
    if fit.shape.positive:
        return _one_sided(fit, law)
    head = f"{_name(fit)} in place of {_law_name(law)}: {_text(fit, x, law)}"
    if not math.isfinite(fit.std):
        return f"{head}, which has no finite std"
    if _same_std(fit, law):
        return f"{head}, of the same std"
    ratio = fit.std / law.std
    related = _related(fit, law, shape, names)
    return f"{head}, std x{number(ratio)}" + (f": {related}" if related else "")


def _name(fit: Fit) -> str:
    if fit.shape.name == "mixture":
        return (
            "normal with spikes" if fit.shape.wide[0] < 0.02 else "a mixture of narrow and wide entries, heavy tails,"
        )
    return fit.shape.name


def _law_name(law: Any) -> str:
    if isinstance(law, TruncatedNormal):
        return f"normal cut at {number(law.high)} sigmas" if law.high == -law.low else "truncated normal"
    return str(law.family)


def _logs(fit: Fit) -> str:
    if fit.shape.name == "normal":
        return f"log-normal (logs of mean {number(fit.centre)} and std {number(fit.scale)})"
    low, high = (math.exp(fit.centre + sign * fit.scale) for sign in (-1, 1))
    return f"log-uniform from {number(low)} to {number(high)}"


def _one_sided(fit: Fit, law: Any) -> str:
    none = "no value is negative" if fit.sign > 0 else "no value is positive"
    minus = "" if fit.sign > 0 else "minus "
    if fit.shape.name == "uniform from 0 on":
        ends = sorted((0.0, fit.sign * fit.scale))
        half = isinstance(law, Uniform) and abs(fit.scale / law.bound - 1) < 0.01
        what = "one side of the law's range only" if half else none
        lawful = f"where the law has the mean {number(law.mean)}"
        return f"uniform from {number(ends[0])} to {number(ends[1])}, {lawful}: {what}"
    return f"{minus}{fit.shape.name}, of scale {number(fit.scale)}, in place of {_law_name(law)}: {none}"


def _text(fit: Fit, x: Floats, law: Any) -> str:
    """The fitted law, as it can be pasted where varlaw has it; at the law's own std where the draws bear it."""
    name, (centre, error) = fit.shape.name, _mean(fit, x, law)
    centre = 0.0 if abs(centre) < _SHIFT * error else float(f"{centre:.3g}")
    scale = law.std / fit.shape.std if _same_std(fit, law) else fit.scale
    if 3 < fit.shape.cut < math.inf and abs(fit.scale / law.std - 1) < 0.01:
        scale = law.std  # as the parent's, from which so far out it can hardly be told
    if name == "normal":
        return f"Normal({number(scale)}{f', mean={number(centre)}' if centre else ''})"
    if name == "uniform":
        ends = f"{number(centre - scale)}, {number(centre + scale)}"
        return f"UniformRange({ends})" if centre else f"Uniform({number(scale)})"
    if math.isfinite(fit.shape.cut) and not centre:
        cut = float(f"{fit.shape.cut:.3g}")
        return law_text(TruncatedNormal(float(f"{scale:.4g}"), -cut, cut))
    if name == "mixture":
        return _mixture(fit)
    return f"std {number(scale * fit.shape.std)}" if math.isfinite(fit.std) else f"scale {number(fit.scale)}"


def _same_std(fit: Fit, law: Any) -> bool:
    return math.isfinite(fit.std) and abs(math.log(fit.std / law.std)) <= max(fit.error, 1e-3)


def _mixture(fit: Fit) -> str:
    portion, times = fit.shape.wide
    return f"{100 * portion:.3g} % of the entries are {number(times)} times as wide as the others"


def _strays(fit: Fit) -> str:
    count = share(fit.strays, fit.n + fit.strays)
    far = number(fit.furthest)
    return f"{count} values are spikes (outliers), up to {far} from the middle, the rest is {fit.shape.name}"


def _gain(fit: Fit, x: Floats, law: Any) -> float | None:
    """Log likelihood of the draws under the fit over that under the law; None where one of them is impossible."""
    if fit.strays or fit.of_logs or not hasattr(law, "logpdf"):
        return None
    with np.errstate(divide="ignore"):
        gain = fit.score + fit.shape.price - float(np.asarray(law.logpdf(x)).sum())
    return gain if math.isfinite(gain) else None

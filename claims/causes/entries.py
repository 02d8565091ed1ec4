"""The law that single entries follow in place of the right one: family, scale and centre, by likelihood."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from varlaw.claims.causes import families
from varlaw.claims.causes.families import Floats, Shape
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform, UniformRange

_CENTRE = 5.0  # nats for a centre that is not the law's
_SIGMAS = 3.5  # of an interval of 99.95 %
_OWN = 6.0  # nats by which the law's own family is preferred
_LAWFUL = 9.0  # nats by which another family may be likelier than the law
_RANKED = 1 << 13  # draws by which families are ranked
_TRIED = 4  # families whose fit is looked at, best first
_FAR = 8.0  # robust sigmas from which an entry is a stray
_STRAYS = 0.02  # largest share of them


@dataclass(frozen=True)
class Fit:
    """A family with the centre and scale that suit the draws; `of_logs` and `sign` say what was fitted."""

    shape: Shape
    centre: float
    scale: float
    score: float
    n: int
    sign: float = 1.0
    of_logs: bool = False
    fitted: bool = False  # the centre
    strays: int = 0
    unit: float = 0.0
    furthest: float = 0.0

    @property
    def std(self) -> float:
        return self.scale * self.shape.std

    @property
    def error(self) -> float:
        """Relative error of the scale, in an interval of 99.95 %."""
        if math.isfinite(self.shape.bound) and self.shape.name != "triangular (the sum of two uniforms)":
            edge = float(np.exp(self.shape.logpdf(np.array([self.shape.bound * (1 - 1e-9)])))[0]) * self.shape.bound
            return min(9 / (self.n * max(edge, 1e-9)), 0.5) + 1e-6 + self.unit
        return _SIGMAS / math.sqrt(self.n) * (0.75 if self.shape.name == "normal" else 1.3) + self.unit**2

    def uniform(self, x: Floats) -> Floats:
        """The distribution function of draws, uniform if the fit is right."""
        y = np.log(x) if self.of_logs else x
        u: Floats = np.asarray(self.shape.cdf((self.sign * y - self.centre) / self.scale), dtype=np.float64)
        return u


def lawful(x: Floats, law: Any, unit: float, fit: Fit | None) -> bool:
    """Whether the draws bear the law itself, and no family suits them much better."""
    with np.errstate(divide="ignore"):
        loglik = float(np.asarray(law.logpdf(x)).sum())
    beyond = np.abs(x - law.mean).max() > max(abs(end - law.mean) for end in law.support) * (1 + 2 * unit + 1e-6)
    close = not beyond and (fit is None or loglik > fit.score + fit.shape.price - _LAWFUL)
    return close and families.misfit(np.asarray(law.cdf(x)), unit) < families.REFUSED


def best(x: Floats, law: Any, unit: float) -> Fit | None:
    """The likeliest family that the draws, known to a relative `unit`, bear; None where none is borne."""
    found = _borne(x, law, unit) or (_but_strays(x, law, unit) if x.size >= 64 else None)
    return found and replace(found, unit=unit)


def _but_strays(x: Floats, law: Any, unit: float) -> Fit | None:
    """The same without values that are far out, told apart."""
    middle = float(np.median(x))
    sizes = np.abs(x - middle)
    far = sizes > _FAR * float(np.median(sizes)) / 0.6745
    count = int(far.sum())
    found = _borne(x[~far], law, unit) if 0 < count <= max(1, _STRAYS * x.size) else None
    return found and replace(found, strays=count, furthest=float(sizes[far].max()))


def _borne(x: Floats, law: Any, unit: float) -> Fit | None:
    own = {Normal: "normal", Uniform: "uniform", UniformRange: "uniform"}.get(type(law), "")

    def worth(fit: Fit) -> float:
        return -fit.score - (_OWN if own and fit.shape.name.startswith(own) else 0.0)

    few = sorted(_fits(x[:_RANKED], law), key=worth)[:_TRIED]
    closer = sorted((_refined(_again(fit, x), x) for fit in few), key=worth) if x.size > _RANKED else few
    return next((fit for fit in closer if families.misfit(fit.uniform(x), unit) < families.REFUSED), None)


def _again(fit: Fit, x: Floats) -> Fit:
    """The same family, with centre and scale of all draws."""
    y = np.log(x) if fit.of_logs else fit.sign * x
    centre = _centre_of(fit, y) if fit.fitted else fit.centre
    if fit.shape.name == "mixture":
        fit = replace(fit, shape=families.mixture(y - centre))
    scale = max(fit.shape.scale(y - centre), 1e-300)
    score = fit.shape.loglik(y - centre, scale) - fit.shape.price - (_CENTRE if fit.fitted else 0.0)
    score -= float(y.sum()) if fit.of_logs else 0.0
    return replace(fit, centre=centre, scale=scale, score=score, n=x.size)


def _centre_of(fit: Fit, y: Floats) -> float:
    if math.isfinite(fit.shape.bound):
        return float(y.min() / 2 + y.max() / 2)
    return float(np.median(y) if math.isinf(fit.shape.std) else y.mean())


def _fits(x: Floats, law: Any) -> Iterator[Fit]:
    yield from _two_sided(x, law)
    for sign in (1.0, -1.0):
        if (sign * x >= 0).all():
            yield from (_fit(sign * x, 0.0, shape, sign=sign) for shape in families.one_sided())
    if (x > 0).all():
        logs, jacobian = np.log(x), float(np.log(x).sum())
        for shape in (families.normal(), families.uniform()):
            centre = float(logs.mean()) if shape.name == "normal" else float(logs.min() + logs.max()) / 2
            fit = _fit(logs, centre, shape)
            yield replace(fit, score=fit.score - jacobian - _CENTRE, of_logs=True, fitted=True)


def _centres(x: Floats, law: Any) -> list[tuple[float, bool]]:
    """The law's mean and, where draws are off it, their own mean, median and middle, which bounded families have."""
    low, high, mean, median = float(x.min()), float(x.max()), float(x.mean()), float(np.median(x))
    quarter = float(np.median(np.abs(x - median))) / math.sqrt(x.size)
    found = [(float(law.mean), False)]
    found += [(c, False) for c in (mean, median) if abs(c - law.mean) > 4 * quarter]
    middle = low / 2 + high / 2
    return found + ([(middle, True)] if abs(middle - law.mean) > 1e-3 * (high - low) else [])


def _two_sided(x: Floats, law: Any) -> Iterator[Fit]:
    for centre, bounded in _centres(x, law):
        y, price = x - centre, 0.0 if centre == law.mean else _CENTRE
        if not y.any():
            continue
        for shape in (*families.symmetric(), *_cuts(y, law)):
            if not bounded or math.isfinite(shape.bound):
                fit = _fit(y, 0.0, shape)
                yield replace(fit, centre=centre, score=fit.score - price, fitted=price > 0)
        if float((y**4).mean()) > 3.5 * float((y**2).mean()) ** 2:
            fit = _fit(y, 0.0, families.mixture(y))
            yield replace(fit, centre=centre, score=fit.score - price, fitted=price > 0)
    if isinstance(law, TruncatedNormal):  # perhaps not symmetric
        unit = TruncatedNormal(1.0, law.low, law.high)
        own = Shape("as the law's", unit.logpdf, unit.cdf,
                    law.std / law.parent_std, lambda v: float(np.abs(v).max()) / (law.bound / law.parent_std), 0.0,
                    law.bound / law.parent_std, cut=law.high if law.low == -law.high else math.inf)  # fmt: skip
        yield replace(_fit(x - law.parent_mean, 0.0, own), centre=law.parent_mean)


def _cuts(y: Floats, law: Any) -> Iterator[Shape]:
    """Cut normal laws: at a usual number of sigmas, at the law's, and at the one that the draws suggest."""
    free = families.cut_of(y)
    if free is not None and free < 5:
        own = law.high if isinstance(law, TruncatedNormal) else math.inf
        yield families.truncated(free, 16.0)
        usual = {2.0: 5.0, 3.0: 7.0, 1.0: 9.0, 1.5: 9.0, 2.5: 9.0, 3.5: 9.0, 4.0: 9.0} | {own: 0.0}
        yield from (families.truncated(cut, price) for cut, price in usual.items() if abs(cut / free - 1) < 0.1)


def _fit(y: Floats, centre: float, shape: Shape, sign: float = 1.0) -> Fit:
    z = y - centre
    scale = max(shape.scale(z), 1e-300)
    return Fit(shape, centre, scale, shape.loglik(z, scale) - shape.price, y.size, sign)


def _refined(fit: Fit, x: Floats) -> Fit:
    """The scale of largest likelihood near the first guess, where that was no maximum of it."""
    if math.isfinite(fit.shape.bound) or fit.of_logs or fit.shape.name in ("normal", "mixture"):
        return fit
    z, steps = fit.sign * x - fit.centre, np.linspace(-0.04, 0.04, 5)
    logs = [fit.shape.loglik(z, fit.scale * math.exp(step)) for step in steps]
    a, b, _ = np.polyfit(steps, logs, 2)
    return replace(fit, scale=fit.scale * math.exp(min(max(-b / (2 * a), -0.05), 0.05))) if a < 0 else fit

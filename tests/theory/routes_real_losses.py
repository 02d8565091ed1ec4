"""Second routes of losses of real numbers: logarithms of probabilities, sums over classes, integrals of slopes."""

import numpy as np
from scipy.integrate import quad

from .routes import Case, route

Z = (-3.0, 0.0, 0.5, 7.0)


def _probability(z: float, y: float, weight: float) -> float:
    p = 1 / (1 + np.exp(-z))
    return float(-weight * y * np.log(p) - (1 - y) * np.log(1 - p))


@route("loss.binary_logits")
def _binary(rng: np.random.Generator) -> list[Case]:
    return [Case({"z": z, "y": y, "weight": 3.0}, _probability(z, y, 3.0)) for z in Z for y in (0.0, 0.25, 1.0)]


@route("loss.binary_logits_slope")
def _slope(rng: np.random.Generator) -> list[Case]:
    """The label subtracted from the mean of what is drawn: E weight(x) (p - x) over x = y, in two terms."""
    p = {z: 1 / (1 + np.exp(-z)) for z in Z}
    return [
        Case({"z": z, "y": y, "weight": 2.0}, y * 2.0 * (p[z] - 1) + (1 - y) * (p[z] - 0))
        for z in Z
        for y in (0.0, 0.25)
    ]


@route("loss.divergence")
def _divergence(rng: np.random.Generator) -> list[Case]:
    q = np.array([0.2, 0.7])
    pairs = [np.array([t, 1 - t]) for t in (0.25, 0.5, 0.75)]
    given = {"first": float(np.log(q[0])), "second": float(np.log(q[1]))}
    return [
        *(Case({"t": float(p[0]), **given}, float(np.sum(p * np.log(p / q)))) for p in pairs),
        Case({"t": 0.0, **given}, -given["second"]),
    ]


@route("loss.huber")
def _huber(rng: np.random.Generator) -> list[Case]:
    return [Case({"d": d, "delta": 1.5}, quad(lambda x: min(x, 1.5), 0, abs(d))[0]) for d in (-4.0, 0.5, 1.5)]


@route("loss.gaussian")
def _gaussian(rng: np.random.Generator) -> list[Case]:
    from scipy.stats import norm

    full = [
        Case({"d": d, "variance": v, "whole": 1.0}, float(-norm(0, v**0.5).logpdf(d)))
        for d, v in ((1.5, 0.25), (-3.0, 4.0))
    ]
    return [*full, Case({"d": 2.0, "variance": 4.0, "whole": 0.0}, float(np.log(2.0)) + 0.5)]


@route("loss.poisson_log")
def _poisson(rng: np.random.Generator) -> list[Case]:
    from scipy.stats import poisson

    def least(z: float, k: int) -> float:
        """What Stirling's formula misses of ln k! is Binet's second integral."""
        binet = 2 * quad(lambda t: np.arctan(t / k) / np.expm1(2 * np.pi * t), 0, 20)[0]  # beyond, 1e-54
        return float(-poisson(np.exp(z)).logpmf(k) - binet)

    kept = [Case({"z": z, "count": float(k), "whole": 1.0}, least(z, k)) for z, k in ((0.5, 3), (-1.0, 7))]
    return [*kept, Case({"z": 0.5, "count": 2.0, "whole": 0.0}, float(np.exp(0.5)) - 1.0)]


@route("loss.smooth_l1")
def _smooth(rng: np.random.Generator) -> list[Case]:
    def integrated(d: float, beta: float) -> float:
        return float(quad(lambda x: min(x / beta, 1.0), 0, abs(d), points=[min(beta, abs(d))])[0])

    return [
        *(Case({"d": d, "beta": 0.5}, integrated(d, 0.5)) for d in (-4.0, 0.25)),
        Case({"d": 3.0, "beta": 0.0}, 3.0),
    ]


@route("vectors.self_cosine")
def _cosine(rng: np.random.Generator) -> list[Case]:
    x = rng.standard_normal(5)
    return [Case({}, float(x @ x / np.linalg.norm(x) ** 2))]

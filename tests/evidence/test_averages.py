"""A mean decided without a family: alpha, beta and the interval on draws of many shapes, and what is refused."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from varlaw.evidence.averages import Mean, Numbers, decide, pairs
from varlaw.evidence.budget import POLICIES, Policy
from varlaw.evidence.decide import SamplerError
from varlaw.evidence.streams import Key

PR = POLICIES["pr"]
# Unit means, of kurtosis 30 at most: a square, an exponential, a coin, a uniform, two points far apart.
DRAWS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "square": lambda rng, n: rng.standard_normal(n) ** 2,
    "exponential": lambda rng, n: rng.exponential(size=n),
    "coin": lambda rng, n: 2.0 * (rng.random(n) < 0.5),
    "uniform": lambda rng, n: 2 * rng.random(n),
    "rare": lambda rng, n: 20.0 * (rng.random(n) < 0.05),
}


def source(name: str, factor: float = 1.0) -> Numbers:
    return lambda seed, count: factor * DRAWS[name](np.random.default_rng(seed), count)


@pytest.mark.parametrize("name", DRAWS)
def test_the_law_conforms_and_what_is_off_by_the_error_violates(name: str) -> None:
    law = Mean(1.0, error=0.1)
    for salt in range(5):
        lawful, off, below = (decide(law, source(name, f), PR, Key(f"{salt}", name)) for f in (1.0, 1.1, 0.9))
        assert lawful.outcome == "CONFORMS"
        assert off.outcome == below.outcome == "VIOLATES"
        for found, truth in ((lawful, 1.0), (off, 1.1), (below, 0.9)):
            low, high = found.interval
            assert low < truth < high


def test_a_band_is_lawful() -> None:
    law = Mean(1.0, error=0.1, band=0.04)
    assert all(decide(law, source("uniform", f), PR, Key("band", str(f))).outcome == "CONFORMS" for f in (0.98, 1.02))
    assert decide(law, source("uniform", 1.12), PR, Key("band", "off")).outcome == "VIOLATES"


def test_false_alarms_keep_to_alpha_where_alpha_is_large_enough_to_see() -> None:
    """300 lawful decisions at alpha 0.2, against the limit that three standard deviations leave."""
    loose = Policy("loose", delta=0.05, beta=0.3, alpha=0.2)
    outcomes = [decide(Mean(1.0, 0.1), source("rare"), loose, Key("alarms", str(k))).outcome for k in range(300)]
    limit = 300 * loose.alpha + 3 * math.sqrt(300 * loose.alpha)
    assert outcomes.count("VIOLATES") <= limit


def test_false_conforms_keep_to_beta_where_beta_is_large_enough_to_see() -> None:
    loose = Policy("loose", delta=0.05, beta=0.3, alpha=1e-12)
    outcomes = [decide(Mean(1.0, 0.1), source("square", 1.1), loose, Key("beta", str(k))).outcome for k in range(300)]
    assert outcomes.count("CONFORMS") <= 300 * loose.beta + 3 * math.sqrt(300 * loose.beta)


def test_the_pilot_is_as_long_as_its_bound_asks() -> None:
    assert math.exp(-pairs(30.0, 1e-12) * (1 - 1 / 3) ** 2 / 33) <= 0.5e-12
    assert pairs(100.0, 1e-12) > pairs(30.0, 1e-12)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda seed, count: np.where(np.arange(count) < 64, 0.0, np.nan), "not finite"),
        (lambda seed, count: np.random.default_rng(0).random(count), "ignores its seed"),
        (lambda seed, count: np.random.default_rng().random(count), "gives other values"),
        (lambda seed, count: np.ones((count, 2)), "shape"),
    ],
)
def test_what_no_evidence_can_come_from_is_refused(draw: Numbers, message: str) -> None:
    with pytest.raises(SamplerError, match=message):
        decide(Mean(1.0, 0.1), draw, PR, Key("bad", message))


def test_a_band_as_large_as_the_error_is_refused() -> None:
    with pytest.raises(ValueError, match=r"band=0\.1, but should be >= 0 and less than the error"):
        decide(Mean(1.0, 0.1, 0.1), source("uniform"), PR, Key("band", "all"))

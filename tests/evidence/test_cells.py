"""The cells that a record keeps of a histogram: all numbers seen, in their places, and the shape of a wrong law."""

import math

import msgspec
import numpy as np

from varlaw.claims.verdict import Verdict
from varlaw.evidence.battery import Battery
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.decide import decide
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.streams import Key
from varlaw.theory.variates import Normal, Uniform


def cells(law: object, x: np.ndarray) -> tuple[int, ...]:
    battery = Battery(law, FORMATS["float64"], x.size)
    battery.update([x], np.random.default_rng(0))
    return battery.cells()


def test_every_number_is_in_its_cell() -> None:
    assert Battery(Normal(1.0), FORMATS["float64"], 10).cells() == ()
    z = np.array([-9.0, -3.76, -3.74, -0.1, 0.1, 0.24, 0.26, 3.74, 3.76, 9.0])
    found = cells(Normal(2.0), 2 * z)
    assert len(found) == 32
    assert sum(found) == z.size
    assert [found[k] for k in (0, 1, 15, 16, 17, 30, 31)] == [2, 1, 1, 2, 1, 1, 2]


def test_a_lawful_sampler_fills_them_as_the_density_says_and_another_one_does_not() -> None:
    edges = np.arange(-3.75, 3.76, 0.25)
    shares = np.diff([0.0, *(0.5 * (1 + math.erf(e / math.sqrt(2))) for e in edges), 1.0])
    rng, n = np.random.default_rng(7), 200_000
    lawful = cells(Uniform(2.0), rng.uniform(-2, 2, n))
    wrong = cells(Normal(1.0), rng.uniform(-math.sqrt(3), math.sqrt(3), n))
    chi = [float(((np.array(c) - n * shares) ** 2 / (n * shares)).sum()) for c in (lawful, wrong)]
    assert chi[0] < 31 + 8 * math.sqrt(62)  # eight standard deviations of chi-square with 31 degrees of freedom
    assert chi[1] > 1000


def test_a_decision_and_its_record_keep_them() -> None:
    def draw(seed: int, count: int) -> object:
        return (np.random.default_rng([seed, i]).normal(size=(64, 16)) for i in range(count))

    found = decide(Normal(1.0), draw, POLICIES["pr"], Key("salt", "cells"))  # type: ignore[arg-type]
    assert 0 < sum(found.cells) <= found.state.n
    assert decide(Normal(1.0), draw, POLICIES["pr"], Key("salt", "cells"), shape=False).cells == ()  # type: ignore[arg-type]
    assert {f.name: f.default for f in msgspec.structs.fields(Verdict)}["cells"] is msgspec.UNSET

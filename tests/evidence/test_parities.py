"""Equations between signs: fair coins fulfil none for long, products of any others are found."""

import itertools
import math

import numpy as np
import pytest

from varlaw.evidence.battery import Battery
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.parities import Equations
from varlaw.evidence.streams import Key
from varlaw.theory.variates import Normal

ALARM = math.log(1e12) + math.log(87)


@pytest.mark.parametrize(("places", "samples"), [(2, 5), (3, 4)])
def test_the_mean_of_the_wealth_is_one_exactly(places: int, samples: int) -> None:
    wealth = []
    for bits in itertools.product((False, True), repeat=places * samples):
        equations = Equations()
        equations.update(np.array(bits).reshape(samples, places))
        wealth.append(math.exp(equations.log_e))
    assert math.fsum(wealth) / len(wealth) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("tied", [(3, 17, 40), (0, 5, 9, 30, 47)], ids=["three columns", "five"])
@pytest.mark.parametrize("turned", [False, True], ids=["columns", "rows"])
def test_a_sign_that_is_the_product_of_any_others_is_found(tied: tuple[int, ...], turned: bool) -> None:
    """The entries of any two of the columns are independent, and follow their law."""
    for broken in (False, True):
        rng = Key("tests", f"parities {tied} {turned}").generator()
        battery = Battery(Normal(1.0), FORMATS["float32"], 100_000)
        x = rng.standard_normal((12, 48, 48))
        if broken:
            last, *others = tied
            x[:, :, last] = np.abs(x[:, :, last]) * -np.sign(x[:, :, others]).prod(axis=2)
        battery.update(list(x.transpose(0, 2, 1) if turned else x), rng)
        assert (battery.violation() > math.log(1e12)) is broken
        if broken:
            assert battery.strongest()[0] == f"signs tied, {'rows' if turned else 'columns'}"
        else:
            assert max(v for k, v in battery.processes().items() if k.startswith("signs tied")) < ALARM

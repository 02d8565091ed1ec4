"""How a decision spends its risk: every share of alpha, of beta, and every weight of an average of e-values.

An average of e-values whose weights add up to 1 is an e-value again, and events of risks that add up to alpha happen,
any of them, with a risk of at most alpha. So the promise of a policy is kept as long as each table adds up to 1, which
a test asks of all of them; no other module has a share of its own, but that the battery's processes all weigh the same.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np


def _table(**shares: float) -> Mapping[str, float]:
    return MappingProxyType(shares)


# Shares of alpha and beta between the sequential tests and the exact ones at the caps of scale and mean. A quarter of
# beta makes the cap of a normal law's scale 2 % higher, and what a pass pays for is the sequential share.
SCALE_ALPHA = _table(sequential=1 / 2, terminal=9 / 20, mean=1 / 20)
SCALE_BETA = _table(sequential=3 / 4, terminal=1 / 4)
CENTRE_BETA = _table(sequential=3 / 4, terminal=1 / 4)  # of beta^0.2, which is the mean's
RATE_ALPHA = _table(sequential=1 / 2, terminal=1 / 2)
RATE_BETA = _table(sequential=1 / 2, terminal=1 / 2)

# Shares of a mean of unknown family between the pilot, whose bound on the variance may fail, and the bets after it.
MEAN_ALPHA = _table(pilot=1 / 2, bets=1 / 2)

# Shares of a decision on orthogonal matrices between its views.
HAAR_ALPHA = _table(diagonal=1 / 3, entries=1 / 3, determinants=1 / 3)
HAAR_BETA = _table(diagonal=1 / 2, entries=1 / 2)

# Shares of a distribution function between the numbers up to each value and the mean of F(x).
CURVE_ALPHA = _table(shares=1 / 2, mean=1 / 2)

# Weights of e-values that are averaged: 0.8 costs the scale 0.2 nats, 0.9 costs the dedicated test 0.1.
NORMAL = _table(std=0.8, mean=0.1, largest=0.1)
BOUNDED = _table(std=0.25, mean=0.25, largest=0.5)
SHAPE = _table(dedicated=0.9, battery=0.1)

TABLES = (
    SCALE_ALPHA, SCALE_BETA, CENTRE_BETA, RATE_ALPHA, RATE_BETA, MEAN_ALPHA, HAAR_ALPHA, HAAR_BETA, CURVE_ALPHA,
    NORMAL, BOUNDED, SHAPE,
)  # fmt: skip


def averaged(weights: Mapping[str, float], **logs: float) -> float:
    """The log of the weighted average of e-values that are given by their logs, in nats; every weight needs one.

    >>> round(averaged(SHAPE, dedicated=0.0, battery=0.0), 12) == 0
    True
    """
    assert logs.keys() == weights.keys()
    return float(np.logaddexp.reduce([math.log(weights[name]) + log for name, log in logs.items()]))


def threshold(risk: float, share: float) -> float:
    """The log e-value, in nats, at which something is refuted with a share of the risk.

    >>> round(threshold(0.5, 0.25), 3)
    2.079
    """
    return -math.log(share * risk)

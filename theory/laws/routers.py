"""Routers of mixtures of experts as they start: what their auxiliary losses are before anything is learnt.

>>> from varlaw.theory.laws.routers import ENTRIES
>>> {law.name: law for law in ENTRIES}["router.balanced_loss"].value(top_k=1)
1.0
"""

import functools

import numpy as np

from varlaw.theory.domain import Domain, at_least
from varlaw.theory.law import Kind, Law

_exact = functools.partial(
    Law, kind=Kind.EXACT, statistic="the loss itself, against a rounding bound",
    unmeasured="torch has no router: the losses of transformers are held to it",
)  # fmt: skip

ENTRIES: tuple[Law, ...] = (
    _exact(
        name="router.balanced_loss",
        title="The load-balancing loss of balanced routing",
        quantity="experts * sum(share of tokens * mean probability)",
        formula="top_k",
        domain=Domain(top_k=at_least(1, typical=(1, 8))),
        rule=lambda top_k: top_k,
        hypotheses=(
            "every expert has the same mean probability",
            "the share of an expert counts each of its tokens: shares add up to top_k; the coefficient is 1",
        ),
        derivation="All mean probabilities are 1/experts, so experts * (1/experts) * sum of shares, whatever they are.",
        source="Fedus et al. 2021, arXiv:2101.03961, equation 4; for top_k = 1",
        not_to_confuse="1 for every top_k, which holds where the shares are divided by top_k",
    ),
    _exact(
        name="router.z_loss",
        title="The router's z-loss at equal logits",
        quantity="mean over tokens of logsumexp(logits)^2",
        formula="(shift + log(experts))**2",
        domain=Domain(experts=at_least(1, typical=(2, 256)), shift=at_least(-1e3, whole=False, typical=(-5.0, 5.0))),
        rule=lambda experts, shift: np.square(shift + np.log(experts)),
        hypotheses=("all logits are `shift`", "the coefficient is 1"),
        derivation="logsumexp of equal logits is shift + log(experts): a start at 0 does not have a loss of 0.",
        source="Zoph et al. 2022, arXiv:2202.08906, equation 5",
    ),
)

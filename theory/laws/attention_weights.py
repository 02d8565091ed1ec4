"""What scaled dot-product attention makes of given logits: each weight, under scales, biases, soft caps and masks.

These laws hold for every input; how large logits are at initialisation stands in `attention`.
"""

import functools

import numpy as np

from varlaw.theory.domain import Domain, Interval, above, at_least
from varlaw.theory.law import Kind, Law

_D = at_least(1, typical=(1, 1024))
_SCALE = Interval(low=0.0, high=10.0, typical=(0.05, 2.0))
_LOGIT = Interval(low=-300.0, high=300.0, typical=(-5.0, 5.0))
_weight_law = functools.partial(
    Law, kind=Kind.EXACT, hypotheses=("scaled dot-product attention: softmax over the keys that a query may see",),
    source="Vaswani et al. 2017, arXiv:1706.03762", statistic="the weights, which values of one-hot vectors show",
)  # fmt: skip
ENTRIES: tuple[Law, ...] = (
    _weight_law(
        name="attention.weight_ratio",
        title="Weights of two keys differ by the exponential of their scaled logits",
        quantity="weight of a key / weight of the first one",
        formula="exp((mpf(logit) - first) / sqrt(d))",
        domain=Domain(logit=_LOGIT, first=_LOGIT, d=_D),
        rule=lambda logit, first, d: np.exp((logit - first) / np.sqrt(d)),
        derivation="The softmax's denominator is common to both; no mask of a third key changes the ratio.",
        not_to_confuse="exp(logit - first): the logits are divided by sqrt(d), once",
    ),
    _weight_law(
        name="attention.weight_ratio_chosen",
        title="Weights under a scale of one's own and a bias that is added",
        quantity="weight of a key / weight of the first one",
        formula="exp(scale * (mpf(logit) - first) + bias)",
        domain=Domain(logit=_LOGIT, first=_LOGIT, scale=_SCALE, bias=_LOGIT),
        rule=lambda logit, first, scale, bias: np.exp(scale * (logit - first) + bias),
        hypotheses=("bias: that of the key less that of the first one, added after the scale",),
        derivation="The softmax of scale q.k + bias; its denominator is common to both keys.",
        not_to_confuse="exp(scale * (logit - first + bias)): a bias is not scaled",
    ),
    _weight_law(
        name="attention.weight_ratio_capped",
        title="Weights behind a soft cap of the logits",
        quantity="weight of a key / weight of the first one",
        formula="exp(cap * (tanh(scale * mpf(logit) / cap) - tanh(scale * mpf(first) / cap)))",
        domain=Domain(logit=_LOGIT, first=_LOGIT, scale=_SCALE, cap=above(0, typical=(1.0, 50.0))),
        rule=lambda logit, first, scale, cap: np.exp(
            cap * (np.tanh(scale * logit / cap) - np.tanh(scale * first / cap))
        ),
        hypotheses=("logits become cap tanh(scale q.k / cap), scaled before they are capped",),
        derivation="No two logits differ by more than 2 cap, so that no ratio exceeds e^(2 cap).",
        source="Gemma Team 2024, arXiv:2408.00118",
        not_to_confuse="clipping at cap: the cap bends logits of every size, and none stands still",
    ),
    _weight_law(
        name="attention.blind_weight",
        title="A query that may see no key is given nothing",
        quantity="weight of each key of a query whose keys are all masked",
        formula="0",
        rule=lambda: 0.0,
        derivation="What is masked weighs nothing; the softmax of nothing is an empty sum, not 0/0 and not 1/n.",
        not_to_confuse="1/n, which a large finite number in place of -inf leaves: a mean of what may not be seen",
    ),
    _weight_law(
        name="attention.weight_sum",
        title="Weights of a query add up to one",
        quantity="sum of weights over keys",
        formula="1",
        rule=lambda: 1.0,
        derivation="The softmax.",
    ),
    _weight_law(
        name="attention.masked_weight",
        title="What a query may not see weighs nothing",
        quantity="weight of a masked or a later key",
        formula="0",
        rule=lambda: 0.0,
        derivation="exp(-inf) = 0: exactly, not only nearly.",
    ),
)

"""Adapters and new tokens: what a LoRA pair and a grown vocabulary do at their first step.

>>> from varlaw.theory.laws.adapters import ENTRIES
>>> laws = {law.name: law for law in ENTRIES}
>>> laws["lora.second_moment"].value(alpha=8, rank=4, out_features=2, variance_a=1.0, variance_b=0.5)
16.0
"""

import functools
import math
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, above, at_least
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.scaled import product

_RANK = at_least(1, typical=(1, 256))
_ALPHA = above(0, typical=(1.0, 64.0))
_WIDTH = at_least(1, typical=(1, 16384))
_VARIANCE = at_least(0, whole=False, typical=(1e-6, 1.0))
_TOKENS = at_least(1, typical=(1, 1e5))
_LOGITS = Interval(low=-1e300, high=1e300, typical=(-10.0, 10.0))
_LORA = "h = W x + s B A x, A of shape (rank, in), B of shape (out, rank)"
_HU = "Hu et al. 2021, arXiv:2106.09685"
_HEWITT = "Hewitt 2021, Initializing New Word Embeddings for Pretrained Language Models; derived"
_PAIR = Domain(alpha=_ALPHA, rank=_RANK, out_features=_WIDTH, variance_a=_VARIANCE, variance_b=_VARIANCE)
_VECTOR = "logits: the old logits along the last axis"


def _lora(alpha: Any, rank: Any, out_features: Any, variance_a: Any, variance_b: Any) -> Any:
    return product(alpha, alpha, out_features, variance_a, variance_b, over=rank)


def _rslora(alpha: Any, rank: Any, out_features: Any, variance_a: Any, variance_b: Any) -> Any:
    return _lora(alpha, 1.0, out_features, variance_a, variance_b) * np.ones_like(rank)


def _log_odds(logits: Any, new_logit: Any) -> Any:
    """new_logit - ln sum exp(logits), along the last axis."""
    z = np.atleast_1d(logits)
    top = z.max(axis=-1)
    return new_logit - top - np.log(np.sum(np.exp(z - top[..., None]), axis=-1))


def _mean_logit(logits: Any) -> Any:
    """Summed without rounding, since logits of both signs cancel."""
    z = np.atleast_1d(logits)
    return np.apply_along_axis(math.fsum, -1, z) / z.shape[-1]


def _mean_kl(logits: Any, count: Any) -> Any:
    z = np.atleast_1d(logits)
    return np.log1p(count * np.exp(_log_odds(z, np.mean(z, axis=-1))))


def _zero_share(logits: Any, count: Any) -> Any:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-_log_odds(logits, 0.0)) / count)


_adapter_law = functools.partial(Law, kind=Kind.IN_EXPECTATION)
_ADAPTERS = (
    _adapter_law(
        name="lora.initial_change",
        title="LoRA with B = 0 leaves the output untouched",
        quantity="max |h - W x|",
        formula="0",
        kind=Kind.EXACT,
        rule=lambda: 0.0,
        hypotheses=(_LORA, "B = 0, A finite"),
        derivation="s 0 A x = 0.",
        source=_HU,
        statistic="max |h - W x|, which must be 0",
    ),
    _adapter_law(
        name="lora.gradient_a",
        title="LoRA with B = 0: the gradient of A is zero at the first step, that of B is not",
        quantity="max |dL/dA| at step 0",
        formula="0",
        kind=Kind.EXACT,
        rule=lambda: 0.0,
        hypotheses=(_LORA, "B = 0", "A not zero: with A = B = 0 neither ever moves (zeros.two_gates_gradient)"),
        derivation="dL/dA = s B^T g x^T = 0, and dL/dB = s g (A x)^T with g = dL/dh.",
        statistic="max |gradient of A|, which must be 0",
        not_to_confuse="an adapter that cannot learn: B moves at once, and A from the second step on",
    ),
    _adapter_law(
        name="lora.gradient_b",
        title="Size of LoRA's first gradient",
        quantity="E|dL/dB|^2 / (|dL/dh|^2 |x|^2)",
        formula="(alpha / rank)**2 * rank * variance_a",
        domain=Domain(alpha=_ALPHA, rank=_RANK, variance_a=_VARIANCE),
        rule=lambda alpha, rank, variance_a: product(alpha, alpha, variance_a, over=rank),
        hypotheses=(_LORA, "s = alpha / rank", "entries of A iid with mean zero", "one sample, g and x fixed"),
        derivation="|g (A x)^T|^2 = |g|^2 |A x|^2 and E|A x|^2 = rank variance_a |x|^2.",
        statistic="mean of |dL/dB|^2 over fresh A",
    ),
    _adapter_law(
        name="lora.second_moment",
        title="LoRA's alpha / rank lets the update fade as 1 / rank",
        quantity="E|s B A x|^2 / |x|^2",
        formula="(alpha / rank)**2 * rank * out_features * variance_a * variance_b",
        domain=_PAIR,
        rule=_lora,
        hypotheses=(
            _LORA,
            "s = alpha / rank",
            "entries of A and B iid, independent, mean zero (B as some training left it)",
        ),
        derivation="The linear law twice: E|A x|^2 = rank variance_a |x|^2, E|B y|^2 = out_features variance_b |y|^2.",
        statistic="mean of |s B A x|^2 over fresh A and B",
        not_to_confuse="a rank-invariant update: that is lora.rank_stable_second_moment",
    ),
    _adapter_law(
        name="lora.rank_stable_second_moment",
        title="rsLoRA's alpha / sqrt(rank) keeps the update the same at every rank",
        quantity="E|s B A x|^2 / |x|^2",
        formula="alpha**2 * out_features * variance_a * variance_b",
        domain=_PAIR,
        rule=_rslora,
        hypotheses=(_LORA, "s = alpha / sqrt(rank)", "entries of A and B iid, independent, mean zero"),
        derivation="As lora.second_moment with alpha^2 / rank in place of (alpha / rank)^2.",
        source="derived; Kalajdzievski 2023, arXiv:2312.03732",
        statistic="mean of |s B A x|^2 over fresh A and B",
    ),
    _adapter_law(
        name="lora.rank",
        title="An adapter's change has at most its rank",
        quantity="rank of s B A",
        formula="min(rank, out_features, in_features)",
        kind=Kind.BOUND,
        domain=Domain(rank=_RANK, out_features=_WIDTH, in_features=_WIDTH),
        rule=lambda rank, out_features, in_features: np.minimum(np.minimum(rank, out_features), in_features),
        hypotheses=(_LORA,),
        derivation="rank(BA) <= min(rank B, rank A).",
        statistic="numerical rank of the change",
    ),
)

_tokens_law_law = functools.partial(Law, kind=Kind.EXACT, source=_HEWITT)
_TOKENS_LAWS = (
    _tokens_law_law(
        name="new_tokens.mean_logit",
        title="A token at the mean embedding has the mean logit, whatever the input",
        quantity="logit of the new token",
        formula="fsum(logits) / len(logits)",
        domain=Domain(logits=_LOGITS),
        rule=_mean_logit,
        hypotheses=(_VECTOR, "the new output embedding is the mean of the old ones, bias included"),
        derivation="<mean of e_i, h> = mean of <e_i, h>. It lies at or below the largest old logit.",
        statistic="logit of the new token against the mean of the old ones, within a rounding bound",
        not_to_confuse="the largest logit, or 0, which is the logit of a row of zeros",
    ),
    _tokens_law_law(
        name="new_tokens.mean_kl",
        title="New tokens at the mean embedding: how far the model moves",
        quantity="KL(old || new) of the next-token law, nats",
        formula="log(1 + count * exp(fsum(logits) / len(logits)) / fsum([exp(z) for z in logits]))",
        domain=Domain(logits=_LOGITS, count=_TOKENS),
        rule=_mean_kl,
        hypotheses=(_VECTOR, "count new output embeddings, each the mean of the old ones, bias included"),
        derivation="A new logit is the mean of the old ones; old probabilities are divided by 1 + count e^mean / Z.",
        statistic="KL divergence, against a rounding bound",
    ),
    _tokens_law_law(
        name="new_tokens.mean_kl_bound",
        title="New tokens at the mean embedding cost at most ln(1 + k/n)",
        quantity="KL(old || new) of the next-token law, nats",
        formula="log(1 + count / vocabulary)",
        kind=Kind.BOUND,
        domain=Domain(count=_TOKENS, vocabulary=_TOKENS),
        rule=lambda count, vocabulary: np.log1p(count / vocabulary),
        hypotheses=("count new tokens at the mean of vocabulary old ones, bias included",),
        derivation="e^mean <= mean of e^z (Jensen), so Z' <= Z (1 + k/n); equality when all old logits are equal.",
        statistic="KL divergence",
    ),
    _tokens_law_law(
        name="new_tokens.zero_share",
        title="New tokens at zero take the lead wherever the old logits are negative",
        quantity="probability that goes to the new tokens",
        formula="count / (count + fsum([exp(z) for z in logits]))",
        domain=Domain(logits=_LOGITS, count=_TOKENS),
        rule=_zero_share,
        hypotheses=(_VECTOR, "count new output embeddings and biases at (or near) zero, so that their logits are 0"),
        derivation="Each new logit adds e^0 = 1 to the sum.",
        statistic="sum of the new probabilities, against a rounding bound",
        not_to_confuse="a share of about k / n, which holds for logits around zero only",
    ),
)

ENTRIES: tuple[Law, ...] = (*_ADAPTERS, *_TOKENS_LAWS)

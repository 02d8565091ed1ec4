"""Gradient clipping: what each rule does to one gradient, exactly, and to a Gaussian one, on average.

Clipping by global norm is the projection on a ball and by value the projection on a box; a projection can be repeated
without effect and never moves two points apart. The variant with eps in the denominator is no projection: it lands
below the limit, shrinks some gradients that were inside, and shrinks again each time it is repeated.

>>> from varlaw.theory.laws.clipping import ENTRIES
>>> {law.name: law for law in ENTRIES}["clip.factor"].value(norm=4.0, limit=1.0)
0.25
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, above, at_least, between
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.chi import chi_head, chi_log_tails, chi_mean, chi_tail
from varlaw.theory.numerics.scaled import product

_NORM = at_least(0, whole=False, typical=(1e-10, 1e10))
_LIMIT = at_least(0, whole=False, typical=(1e-8, 1e3))
_EPS = at_least(0, whole=False, typical=(1e-12, 1e-3))
_ANY = Interval(typical=(-10.0, 10.0))


def _norm(norm: Any, limit: Any) -> Any:
    return np.minimum(norm, limit)


def _factor(norm: Any, limit: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(norm <= limit, 1.0, limit / norm)


def _factor_eps(norm: Any, limit: Any, eps: Any) -> Any:
    with np.errstate(over="ignore"):
        return _factor(norm + eps, limit)


def _norm_eps(norm: Any, limit: Any, eps: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(norm + eps <= limit, norm, limit / (1 + eps / norm) * (norm > 0))


def _eps_slope(norm: Any, limit: Any, eps: Any) -> Any:
    far = norm + eps
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # not far <= limit: an eps below the ulp of the norm still clips
        return np.where(np.isfinite(norm) & (eps <= limit - norm), 1.0, (limit / far) * (eps / far))


def _value(x: Any, limit: Any) -> Any:
    return np.clip(x, -limit, limit)


def _adaptive_factor(weight_norm: Any, gradient_norm: Any, ratio: Any, floor: Any) -> Any:
    share = product(ratio, np.maximum(weight_norm, floor), over=np.where(gradient_norm > 0, gradient_norm, 1.0))
    return np.where(gradient_norm > 0, np.minimum(share, 1.0), 1.0)


_rule_law = functools.partial(Law, kind=Kind.EXACT)
_RULES = (
    _rule_law(
        name="clip.norm",
        title="Clipping by global norm: the norm becomes min(norm, limit)",
        quantity="norm of the clipped gradient",
        formula="min(norm, limit)",
        domain=Domain(norm=_NORM, limit=_LIMIT),
        rule=_norm,
        hypotheses=("norm: Euclidean norm over all parameters together", "no eps", "finite entries"),
        derivation=(
            "clip(g) = g min(1, c/|g|) is the Euclidean projection on the ball of radius c: direction kept, identity "
            "inside, idempotent, |clip(a) - clip(b)| <= |a - b|. The norm of all parts together is the root of the sum "
            "of their squares."
        ),
        source="derived; Pascanu et al. 2013, arXiv:1211.5063",
        statistic="norm of the result, against a rounding bound",
        not_to_confuse="clip.norm_eps, what torch.nn.utils.clip_grad_norm_ does",
    ),
    _rule_law(
        name="clip.factor",
        title="The factor of clipping by global norm",
        quantity="factor on every entry",
        formula="limit / norm if norm > limit else 1",
        domain=Domain(norm=_NORM, limit=_LIMIT),
        rule=_factor,
        hypotheses=("no eps", "finite entries"),
        derivation="min(1, c/|g|); 1 at g = 0, where every factor gives the same result.",
        statistic="entry ratio clipped / given, against a rounding bound",
    ),
    _rule_law(
        name="clip.factor_eps",
        title="The factor of the eps variant (torch): min(1, limit / (norm + eps))",
        quantity="factor on every entry",
        formula="limit / (norm + eps) if norm + eps > limit else 1",
        kind=Kind.CONVENTION,
        domain=Domain(norm=_NORM, limit=_LIMIT, eps=_EPS),
        rule=_factor_eps,
        hypotheses=("torch.nn.utils.clip_grad_norm_ has eps = 1e-6 and no way to change it", "finite entries"),
        derivation=(
            "Below 1 already for norm > limit - eps, so gradients inside the ball shrink; the result norm "
            "limit*norm/(norm+eps) is below limit; repeating it shrinks again, down to max(limit - eps, 0). Still "
            "1-Lipschitz: the radial slope is limit*eps/(norm+eps)^2 <= min(eps/limit, limit/eps) where it is active."
        ),
        source="torch.nn.utils.clip_grad_norm_; derived",
        statistic="entry ratio clipped / given, against a rounding bound",
        not_to_confuse="clip.factor: at limit = 1e-6 the two differ by up to one half",
    ),
    _rule_law(
        name="clip.norm_eps",
        title="The norm left by the eps variant",
        quantity="norm of the clipped gradient",
        formula="limit * norm / (norm + eps) if norm + eps > limit else norm",
        domain=Domain(norm=_NORM, limit=_LIMIT, eps=_EPS),
        rule=_norm_eps,
        hypotheses=("factor min(1, limit / (norm + eps))", "finite entries"),
        derivation="norm times clip.factor_eps.",
        statistic="norm of the result, against a rounding bound",
        not_to_confuse="limit",
    ),
    _rule_law(
        name="clip.eps_slope",
        title="The eps variant is 1-Lipschitz although it is no projection",
        quantity="d(norm of the clipped gradient) / d(norm), where it clips",
        formula="limit * eps / (norm + eps)**2 if norm + eps > limit else 1",
        domain=Domain(norm=_NORM, limit=_LIMIT, eps=_EPS),
        rule=_eps_slope,
        hypotheses=("factor min(1, limit / (norm + eps))", "along the direction of the gradient"),
        derivation="Derivative of limit r / (r + eps); at most min(eps / limit, limit / eps) where r + eps > limit.",
        statistic="difference quotient of the norm",
    ),
    _rule_law(
        name="clip.normalised_norm",
        title="Normalising is not clipping: every gradient ends on the sphere",
        quantity="norm of limit g / |g|",
        formula="limit if norm > 0 else 0",
        domain=Domain(norm=_NORM, limit=_LIMIT),
        rule=lambda norm, limit: np.where(norm > 0, limit, 0.0),
        hypotheses=("the gradient is rescaled whatever its norm",),
        derivation="Discontinuous at 0 and not 1-Lipschitz: two tiny opposite gradients end 2 limit apart.",
        statistic="norm of the result, against a rounding bound",
        not_to_confuse="clip.norm, which leaves small gradients alone",
    ),
    _rule_law(
        name="clip.value",
        title="Clipping by value: every entry goes to the nearest point of [-limit, limit]",
        quantity="clipped entry",
        formula="max(-limit, min(limit, x))",
        domain=Domain(x=_ANY, limit=_LIMIT),
        rule=_value,
        hypotheses=("entry by entry",),
        derivation=(
            "The projection on a box: idempotent and 1-Lipschitz, but the direction changes unless all entries are cut "
            "alike."
        ),
        statistic="entry by entry, exactly",
        not_to_confuse="clipping by norm, which keeps the direction",
    ),
    _rule_law(
        name="clip.per_parameter",
        title="Clipping each parameter's norm: every parameter ends at min(norm, limit)",
        quantity="norm of one clipped parameter",
        formula="min(norm, limit)",
        domain=Domain(norm=_NORM, limit=_LIMIT),
        rule=_norm,
        hypotheses=("norm: Euclidean norm of one parameter", "no eps", "finite entries"),
        derivation=(
            "The projection on a product of balls: idempotent and 1-Lipschitz; the direction of the whole changes."
        ),
        source="derived; Keras clipnorm",
        statistic="norm of each parameter's result, against a rounding bound",
        not_to_confuse="clip.norm: the norm of all parameters together may reach limit * sqrt(parameters)",
    ),
    _rule_law(
        name="clip.per_parameter_global",
        title="Clipping each parameter leaves a global norm of up to limit * sqrt(parameters)",
        quantity="largest possible global norm of the result",
        formula="limit * sqrt(parameters)",
        kind=Kind.BOUND,
        domain=Domain(parameters=at_least(1, typical=(1, 1e4)), limit=_LIMIT),
        rule=lambda parameters, limit: limit * np.sqrt(parameters),
        hypotheses=("each parameter clipped to norm <= limit",),
        derivation="sum over parameters of at most limit^2; reached when every parameter is clipped.",
        statistic="global norm of the result",
    ),
    _rule_law(
        name="clip.adaptive_factor",
        title="Adaptive gradient clipping: each unit's gradient is held to a ratio of its weights",
        quantity="factor on the gradient of one unit",
        formula=(
            "ratio * max(weight_norm, floor) / gradient_norm if gradient_norm > ratio * max(weight_norm, floor) else 1"
        ),
        kind=Kind.CONVENTION,
        domain=Domain(
            weight_norm=_NORM,
            gradient_norm=_NORM,
            ratio=at_least(0, whole=False, typical=(1e-3, 1.0)),
            floor=at_least(0, whole=False, typical=(1e-6, 1e-2)),
        ),
        rule=_adaptive_factor,
        hypotheses=("norms per unit: over the fan_in of one output", "floor = 1e-3 in the paper", "finite entries"),
        derivation=(
            "For fixed weights the projection on a product of balls of radii ratio * max(|W_i|, floor). The floor is "
            "what lets units that start at zero move."
        ),
        source="Brock et al. 2021, arXiv:2102.06171",
        statistic="per-unit ratio clipped / given, against a rounding bound",
    ),
)

_GAUSSIAN = Domain(
    n=Interval(low=1, high=1e15, whole=True, typical=(1, 1e6)),
    limit=at_least(0, whole=False, typical=(0.5, 1.5e3)),
)
_NORMAL = ("gradient ~ N(0, sigma^2 I_n)", "limit in units of sigma", "no eps")


def _with_atom(inside: Any, atom: Any, limit: Any) -> Any:
    """The part inside the ball plus the part on it; at limit = inf nothing is on it."""
    return np.where(np.isinf(limit), inside, inside + atom)


def _coefficient_mean(n: Any, limit: Any) -> Any:
    with np.errstate(invalid="ignore", over="ignore"):
        atom = limit * chi_tail(np.maximum(n - 1, 1), limit) / chi_mean(np.maximum(n - 1, 1))
        return _with_atom(chi_head(n, limit), np.where(n > 1, atom, _single_atom(limit)), limit)


def _single_atom(limit: Any) -> Any:
    """n = 1: t E1(t^2/2) / sqrt(2 pi), which tends to 0 with t."""
    from scipy.special import exp1

    t = np.clip(limit, 5e-324, 1e150)
    near = np.log(2.0) - np.euler_gamma - 2 * np.log(t)  # E1(x) = -ln x - euler + x: t^2 may underflow
    integral = np.where(t < 1e-8, near, exp1(np.maximum(t, 1e-8) ** 2 / 2))
    return np.where(limit > 0, limit * integral / np.sqrt(2 * np.pi), 0.0)


def _second_moment(n: Any, limit: Any) -> Any:
    with np.errstate(invalid="ignore", over="ignore"):
        # limit^2 may overflow where nothing is left outside
        atom = limit * (limit * chi_tail(n, limit))
        return _with_atom(n * chi_head(n + 2, limit), atom, limit)


def _norm_mean(n: Any, limit: Any) -> Any:
    with np.errstate(invalid="ignore", over="ignore"):
        return _with_atom(chi_mean(n) * chi_head(n + 1, limit), limit * chi_tail(n, limit), limit)


_expectation_law = functools.partial(Law, kind=Kind.IN_EXPECTATION, hypotheses=_NORMAL, domain=_GAUSSIAN)
_EXPECTATIONS = (
    _expectation_law(
        name="clip.probability",
        title="How often a Gaussian gradient is clipped",
        quantity="P(|g| > limit)",
        formula="gammainc(n / 2, limit**2 / 2, inf) / gamma(n / 2)",
        rule=lambda n, limit: chi_tail(n, limit),
        derivation=(
            "|g|^2 / sigma^2 ~ chi^2(n), whose tail is the regularised upper incomplete gamma function Q(n/2, t^2/2)."
        ),
        statistic="share of clipped gradients over fresh draws",
    ),
    _expectation_law(
        name="clip.log_probability",
        title="How often a Gaussian gradient is clipped, as a logarithm",
        quantity="ln P(|g| > limit)",
        formula="log(gammainc(n / 2, limit**2 / 2, inf) / gamma(n / 2))",
        rule=lambda n, limit: chi_log_tails(n, limit).log_tail,
        derivation="The logarithm of clip.probability, which underflows from about 38 standard deviations of |g| on.",
        statistic="share of clipped gradients over fresh draws",
    ),
    _expectation_law(
        name="clip.coefficient_mean",
        title="Mean factor of clipping a Gaussian gradient",
        quantity="E[min(1, limit / |g|)]",
        formula=(
            "(gammainc(n / 2, 0, limit**2 / 2) + limit / sqrt(2) * gammainc((n - 1) / 2, limit**2 / 2, inf)) "
            "/ gamma(n / 2)"
        ),
        rule=_coefficient_mean,
        derivation=(
            "1 inside, t/r outside, and r^(n-1) e^(-r^2/2) / r is the density of one dimension fewer up to its "
            "constant; at n = 1 the second term is t E1(t^2/2) / sqrt(2 pi). By symmetry E clip(g) . g-direction "
            "shrinks by the same factor about the mean 0."
        ),
        statistic="mean factor over fresh draws",
    ),
    _expectation_law(
        name="clip.second_moment",
        title="Second moment of a clipped Gaussian gradient",
        quantity="E|clip(g)|^2 / sigma^2",
        formula=(
            "n * gammainc(n / 2 + 1, 0, limit**2 / 2) / gamma(n / 2 + 1) "
            "+ limit**2 * gammainc(n / 2, limit**2 / 2, inf) / gamma(n / 2)"
        ),
        rule=_second_moment,
        derivation="r^2 inside (two dimensions more, E r^2 = n), limit^2 outside.",
        statistic="mean of |clip(g)|^2 over fresh draws",
    ),
    _expectation_law(
        name="clip.norm_mean",
        title="Mean norm of a clipped Gaussian gradient",
        quantity="E|clip(g)| / sigma",
        formula=(
            "(sqrt(2) * gammainc((n + 1) / 2, 0, limit**2 / 2) + limit * gammainc(n / 2, limit**2 / 2, inf)) "
            "/ gamma(n / 2)"
        ),
        rule=_norm_mean,
        derivation="r inside (one dimension more), limit outside.",
        statistic="mean of |clip(g)| over fresh draws",
    ),
    _expectation_law(
        name="clip.two_point_mean",
        title="Clipping biases a gradient whose noise is not symmetric",
        quantity="E[clip(g)] of a scalar gradient with two values",
        formula="share * max(-limit, min(limit, high)) + (1 - share) * max(-limit, min(limit, low))",
        domain=Domain(high=_ANY, low=_ANY, share=between(0.0, 1.0), limit=_LIMIT),
        rule=lambda high, low, share, limit: share * _value(high, limit) + (1 - share) * _value(low, limit),
        hypotheses=("g = high with probability share, else low",),
        derivation="The mean of the two clipped values; clip(E g) is another number unless neither is clipped.",
        source="derived; Chen et al. 2020, arXiv:2006.15429",
        statistic="mean of clip(g) over draws",
        precision="where the two terms cancel: absolute error 2 ulp of the larger one",
        not_to_confuse="clip(E[g])",
    ),
)

_simplex = functools.partial(
    Law, kind=Kind.EXACT, source="Martins & Astudillo 2016, arXiv:1602.02068, section 2.2",
    statistic="each number, against a rounding bound",
    unmeasured="torch has no projection on the simplex: that of optax and Keras's sparsemax are held to it",
)  # fmt: skip

_SIMPLEX: tuple[Law, ...] = (
    _simplex(
        name="simplex.sum",
        title="Sum of a projection on the simplex, which sparsemax is",
        quantity="sum of the projection of x",
        formula="scale",
        domain=Domain(scale=above(0, typical=(0.1, 10.0))),
        hypotheses=("the projection is on what is not negative and adds up to scale",),
        rule=lambda scale: scale,
        derivation="The nearest point of the set whose entries are not negative and add up to scale is in the set.",
    ),
    _simplex(
        name="simplex.entry",
        title="Entries of a projection on the simplex, which sparsemax is",
        quantity="entry of the projection of x",
        formula="max(x - threshold, 0)",
        domain=Domain(x=_ANY, threshold=_ANY),
        rule=lambda x, threshold: np.maximum(x - threshold, 0.0),
        hypotheses=("threshold is the number with which the entries add up to scale",),
        derivation="Lagrange: what is left of x is x - threshold, or 0 where that would be negative.",
        not_to_confuse="softmax, which leaves no entry at 0",
    ),
)

ENTRIES: tuple[Law, ...] = (*_RULES, *_EXPECTATIONS, *_SIMPLEX)

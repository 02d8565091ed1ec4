"""Gradient clipping: what each rule does to one gradient, exactly.

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

from varlaw.theory.domain import Domain, Interval, at_least
from varlaw.theory.law import Kind, Law
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
ENTRIES: tuple[Law, ...] = (
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

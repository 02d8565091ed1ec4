"""A fit told as a reading: the formula in words, its rival, and whether the draws accept it."""

import math
from typing import Any

from varlaw.identify import notation
from varlaw.identify.formulas import Fit, Formula, Unit
from varlaw.identify.records import Reading

_CERTAIN = 1e6  # nats beyond which a number says nothing more


def named(family: str, unit: Unit, fit: Fit, *, sign: str = "", note: str = "") -> Reading:
    """The reading of a family whose law is its name over one formula."""
    best = fit.formula
    formula = sign + notation.root(best.constant, best.product)
    if not fit.accepted:
        return Reading(family=family, unit=unit.name, reason=no_formula(fit), fit_p=fit.p_value)
    law = f"{family.capitalize()}({formula})"
    return Reading(family=family, law=law, note=note, **evidence(fit, formula))


def no_formula(fit: Fit) -> str:
    """Why a fit that the draws refuse gives no formula."""
    formula = notation.root(fit.formula.constant, fit.formula.product)
    return f"no formula tried gives the scale of every case; the nearest is {formula} (p {fit.p_value:.1g})"


def evidence(fit: Fit, formula: str) -> dict[str, Any]:
    """The fields of a reading that come from a fit."""
    return {
        "unit": fit.formula.unit.name,
        "formula": formula,
        "constant": fit.formula.constant.value,
        "interval": fit.interval,
        "lead": None if math.isinf(fit.lead) else min(fit.lead, _CERTAIN),
        "runner_up": root(fit.runner_up) if fit.runner_up else "",
        "same": list(dict.fromkeys(t for t in map(root, fit.same) if t != formula))[:4],
        "fit_p": fit.p_value,
    }


def root(formula: Formula) -> str:
    """The formula of the scale itself, as people write it."""
    return notation.root(formula.constant, formula.product)

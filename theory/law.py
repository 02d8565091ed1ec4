"""A law is data: what should be true, under which hypotheses, how exactly, and who said so.

Nothing here computes a law. `Law.value` checks the arguments against the law's `Domain` and hands them to the one
function that states it.

Vocabulary: *quantity* (what the number is), *kind* (how exactly the law holds).
"""

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, listed
from varlaw.theory.notebook import law_as_html


class Kind(enum.Enum):
    """How exactly a law holds."""

    EXACT = "exact"  # at finite size, for every realisation: the quantity is no mean, variance or probability
    IN_EXPECTATION = "exact in expectation"  # so is a mean, variance or probability under the stated distribution
    ASYMPTOTIC = "asymptotic"  # the law states the order of its error
    BOUND = "bound"
    CONVENTION = "convention"  # a paper's or framework's definition: only conformity can be tested


_NO_PARAMETERS = Domain()


@dataclass(frozen=True, kw_only=True)
class Law:
    """One law: a quantity, the formula it obeys, when, how exactly, why, and how to see it.

    `formula` is ASCII Python over the parameters; a test evaluates it against `rule`, which computes the same number
    stably everywhere in `domain`, elementwise over float64 arrays.

    name: group and name, "he_normal.variance".
    title: in a few words.
    quantity: what the number is of, "Var[w]".
    formula, domain, rule: see above.
    kind: how exactly it holds.
    hypotheses: what must be so.
    derivation: why, in a line or two.
    source: where it stands first; "derived" where it stands nowhere.
    statistic: the statistic of draws that verifies it.
    error: order of the error of an asymptotic law.
    precision: a corner of the domain where fewer digits are to be had, and how many.
    not_to_confuse: what people write in its place.
    unmeasured: why no run on torch and on varlaw's own functions puts it to the test.
    """

    name: str
    title: str
    quantity: str
    formula: str
    kind: Kind
    domain: Domain = _NO_PARAMETERS
    rule: Callable[..., Any] = field(repr=False)
    hypotheses: tuple[str, ...]
    derivation: str
    source: str = "derived"
    statistic: str
    error: str = ""
    precision: str = ""
    not_to_confuse: str = ""
    unmeasured: str = ""

    def value(self, **params: Any) -> Any:
        """The law's number: a float for scalars, a float64 array of the broadcast shape for arrays.

        What exceeds float64 is inf, what falls below it is 0 or loses digits, and a pole is inf, all without a warning.
        Raises `TypeError` for unknown or missing parameters and `ValueError` outside the domain or where the law has
        no value, such as 0 * inf, in one line: NaN is never returned.

        params: the law's parameters, numbers or arrays that broadcast.
        """
        params = {**self.domain.defaults, **params}
        self.domain.check(params, where=self.name)
        try:
            with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="raise"):
                result = np.asarray(self.rule(**self.domain.as_floats(params)))
        except FloatingPointError:
            result = np.asarray(math.nan)
        if np.any(np.isnan(result)):
            msg = f"{listed(params)}, but the law has no value there [{self.name}]"
            raise ValueError(msg)
        return result[()].item() if result.ndim == 0 else result

    def __repr__(self) -> str:
        return f"<Law {self.name}: {self.quantity} = {self.formula}>"

    def __str__(self) -> str:
        """What it says, how exactly, when, from where, and what it is not: a line each."""
        rows = {"holds": self.kind.value, "assumes": "; ".join(self.hypotheses), "not": self.not_to_confuse}
        rows |= {"because": self.derivation, "source": self.source}
        said = "".join(f"\n  {word:9}{text}" for word, text in rows.items() if text)
        return f"{self.title} ({self.name}): {self.quantity} = {self.formula}{said}"

    def _repr_html_(self) -> str:
        return law_as_html(self)

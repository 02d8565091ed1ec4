"""Named wrong laws: which of them explains the draws best, from the sums alone."""

import math
from collections.abc import Mapping

from varlaw.evidence.state import State
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform, UniformRange, Variate

_SIGMAS = 6.2  # of a mean square


def log_likelihood(law: Variate, state: State, unit: float) -> float:
    """Log density of all draws of `state` (its z in units of `unit`) under `law`, in nats; -inf outside the support.

    Full densities, so that laws of different families compare.
    """
    if state.peak > law.bound * (1 + 2.0**-7):  # the coarsest format may round a lawful limit up by this much
        return -math.inf
    if isinstance(law, Uniform | UniformRange):
        low, high = law.support
        return -state.n * math.log(high - low)
    assert isinstance(law, Normal | TruncatedNormal)
    parent, log_mass = (law.std, 0.0) if isinstance(law, Normal) else (law.parent_std, law.log_mass)
    mean = (law.mean if isinstance(law, Normal) else law.parent_mean) / unit
    squares = (state.squares - 2 * mean * state.total + state.n * mean**2) * (unit / parent) ** 2
    return -state.n * (math.log(parent * math.sqrt(2 * math.pi)) + log_mass) - squares / 2


def most_likely(law: Variate, mutants: Mapping[str, Variate], state: State) -> tuple[str | None, float | None]:
    """The mutant with the largest log likelihood ratio against `law`, and that ratio; (None, None) when none gains.

    Only a mutant that the draws bear explains them: the least bad of a list is no explanation.
    """
    lawful = log_likelihood(law, state, law.std)
    if lawful == -math.inf:
        # Outside the lawful support every ratio is infinite; the ratio against the closest lawful density, the one
        # whose limit is the maximum seen, still ranks the mutants and stays printable.
        lawful = log_likelihood(law.scaled(state.peak / law.bound), state, law.std)
    gains = {
        name: log_likelihood(m, state, law.std) - lawful for name, m in mutants.items() if _borne(m, state, law.std)
    }
    name = max(gains, key=gains.__getitem__, default=None)
    return (name, gains[name]) if name is not None and gains[name] > 0 else (None, None)


def _borne(law: Variate, state: State, unit: float) -> bool:
    """Whether the mean square of the draws is one that `law` may show, but for a risk of about 1e-9."""
    lawful = (law.std / unit) ** 2 + (law.mean / unit) ** 2
    return abs(state.squares / state.n - lawful) <= _SIGMAS * lawful * math.sqrt((law.kurtosis - 1) / state.n)


def separation(law: Variate, mutant: Variate) -> float:
    """Nats of evidence that one draw of `mutant` gives against `law`, on average: KL(mutant || law).

    Analytic: it depends on the two laws alone, so a search may follow it to where a test has power, and has then not
    looked at any draw. Infinite where the mutant goes where the law does not.

    >>> round(separation(Normal(1.0), Normal(2.0)) - (1.5 - math.log(2)), 12)
    0.0
    """
    if mutant.bound > law.bound:
        return math.inf
    drawn = State(n=1, squares=mutant.second_moment / law.std**2)
    return max(0.0, log_likelihood(mutant, drawn, law.std) - log_likelihood(law, drawn, law.std))

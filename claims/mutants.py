"""Named wrong laws: the mistakes that a claim on a weight's scale must be told apart from, and that it names."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from varlaw.evidence.grid import moved
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform, UniformRange, Variate


def wrong_laws(law: Variate, names: Mapping[str, Any]) -> dict[str, Variate]:
    """Wrong laws by name for a weight that should follow `law`; `names` holds the case and its fans.

    >>> wrong_laws(Normal(0.5), {"fan_in": 4.0, "fan_out": 16.0})["fan_out taken for fan_in"]
    Normal(std=0.25, mean=0.0)
    """
    wrong: dict[str, Variate] = {name: law.scaled(factor) for name, factor in _factors(names) if factor != 1}
    if isinstance(law, Uniform):
        wrong["normal in place of uniform"] = Normal(law.std)
        wrong["bound taken for the std"] = Normal(law.bound)
    if isinstance(law, Normal):
        wrong["uniform in place of normal"] = moved(Uniform.with_std(law.std), law.mean)
        wrong["std taken for the bound"] = moved(Uniform(law.std), law.mean)
        wrong["truncated at two sigmas, std not corrected"] = TruncatedNormal(law.std, mean=law.mean)
    if isinstance(law, TruncatedNormal):
        wrong["not truncated"] = Normal(law.parent_std, law.parent_mean)
        wrong["truncation corrected where it should not be"] = law.scaled(law.parent_std / law.std)
    return {**wrong, **_elsewhere(law)}


def _elsewhere(law: Variate) -> dict[str, Variate]:
    """Mistakes in where a law lies: its mean, its ends."""
    match law:
        case Normal() if law.mean:
            return {"mean forgotten": Normal(law.std), "mean and std swapped": Normal(abs(law.mean), law.std)}
        case UniformRange():
            return {
                "as wide, but about 0": Uniform((law.high - law.low) / 2),
                "the upper end for both": Uniform(law.bound),
            }
        case TruncatedNormal() if law.parent_mean or law.low != -law.high:
            other = {"cut on the other side": TruncatedNormal(law.parent_std, -law.high, -law.low, law.parent_mean)}
            return {"mean forgotten": TruncatedNormal(law.parent_std, law.low, law.high), **other}
    return {}


def _other_fans(
    words: str, prefix: str, fan_in: float, fan_out: float, names: Mapping[str, Any]
) -> Iterator[tuple[str, float]]:
    """The same rule by other fans: each by itself, and their mean."""
    other_in, other_out = names.get(f"{prefix}fan_in"), names.get(f"{prefix}fan_out")
    if other_in and other_out:
        yield f"fan_in is {other_in:g}, {words}: {fan_in:g}", math.sqrt(fan_in / other_in)
        yield f"fan_out is {other_out:g}, {words}: {fan_out:g}", math.sqrt(fan_out / other_out)
        mean, other = (fan_in + fan_out) / 2, (other_in + other_out) / 2
        yield f"the mean fan is {other:g}, {words}: {mean:g}", math.sqrt(mean / other)


def _factors(names: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    fan_in, fan_out = names.get("fan_in"), names.get("fan_out")
    if fan_in and fan_out:
        yield "fan_out taken for fan_in", math.sqrt(fan_in / fan_out)
        yield "fan_in taken for fan_out", math.sqrt(fan_out / fan_in)
        yield "mean fan taken for fan_in", math.sqrt(2 * fan_in / (fan_in + fan_out))
        yield "mean fan taken for fan_out", math.sqrt(2 * fan_out / (fan_in + fan_out))
        yield from _other_fans("of the whole, not of this part", "whole_", fan_in, fan_out, names)
        yield from _other_fans("read off the shape, not counted", "shape_", fan_in, fan_out, names)
    groups = names.get("groups", 1)
    yield "groups counted that do not feed the output", 1 / math.sqrt(groups)
    yield "groups forgotten", math.sqrt(groups)
    yield "gain sqrt(2) forgotten, or fan doubled", 1 / math.sqrt(2)
    yield "gain sqrt(2) too much", math.sqrt(2)
    yield "variance 1/(3 fan) in place of 1/fan", 1 / math.sqrt(3)
    yield "variance 3/fan in place of 1/fan", math.sqrt(3)
    yield "half the std", 0.5
    yield "twice the std", 2.0

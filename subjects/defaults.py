"""A norm with the constants of a case, and the same norm with those that the framework chooses."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from varlaw.subjects.subject import Case, Floats, Norm


def constants_of(case: Case, *, eps: str = "", momentum: str = "", kept: str = "") -> dict[str, Any]:
    """The case's eps and momentum under the framework's names; what the case does not name, the framework chooses.

    `momentum` is what the framework calls the weight of a new batch, `kept` what it calls that of the old average.

    >>> constants_of({"eps": 1e-5, "momentum": 0.25}, eps="epsilon", kept="decay_rate")
    {'epsilon': 1e-05, 'decay_rate': 0.75}
    >>> constants_of({"groups": 2}, eps="epsilon")
    {}
    """
    found = {eps: case["eps"]} if eps and "eps" in case else {}
    if "momentum" not in case:
        return found
    return found | ({momentum: case["momentum"]} if momentum else {}) | ({kept: 1 - case["momentum"]} if kept else {})


def with_default(row: Norm) -> Norm:
    """The row whose default is the same call in a case that names neither eps nor momentum."""

    def default(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        rest = {name: value for name, value in case.items() if name not in ("eps", "momentum")}
        return row.apply(x, rest, dtype, device)

    return replace(row, default=default)

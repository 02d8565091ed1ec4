"""What a row says of its arguments: those that a function lacks, or has at a constant, are fixed in every case."""

from collections.abc import Callable, Sequence
from typing import Any

from varlaw.subjects.subject import Case


def fixed(**constants: Any) -> Callable[[str, Sequence[Case], str], Sequence[Case]]:
    """`Asked.cases` of a row: the cases of its op with these parameters at these values, each case once.

    >>> fixed(low=-2.0, high=2.0)("", [{"low": 0.0, "high": 1.0, "std": 3.0}], "float32")
    [{'low': -2.0, 'high': 2.0, 'std': 3.0}]
    """

    def cases(claim: str, usual: Sequence[Case], dtype: str) -> Sequence[Case]:
        found: list[Case] = []
        for case in usual:
            one = {**case, **{name: value for name, value in constants.items() if name in case}}
            if one not in found:
                found.append(one)
        return found

    return cases

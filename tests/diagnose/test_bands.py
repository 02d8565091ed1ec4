"""The band of finite width around a profile: it holds what networks of many architectures measure, and no wrong law."""

import msgspec
import pytest
from scipy.stats import binom

from tests.diagnose.architectures import ARCHITECTURES
from varlaw.diagnose.foresight import Foresight, foresight
from varlaw.diagnose.records import Sight
from varlaw.diagnose.structure import Graph
from varlaw.diagnose.torch.looking import looked
from varlaw.evidence.streams import Key

OUTSIDE = 1e-3  # of an operation, by the band


def along(name: str) -> Foresight:
    build, batch = ARCHITECTURES[name]
    found = looked(build, batch(0), None, 1, None, Key("bands", name), lambda _: False)
    return foresight(found.sights[0], Graph(found.sights[0].calls), found.seconds)


def held(ahead: Foresight) -> dict[str, bool]:
    """By operation, whether its measured second moment lies within the band."""
    found = {}
    for call in ahead.sight.calls:
        _, low, high = ahead.of(call.number)
        if low is not None and high is not None and call.output is not None:
            found[f"{call.number} {call.path} {call.op}"] = low <= call.output.second <= high
    return found


def test_profiles_of_40_architectures_lie_within_their_bands() -> None:
    """One draw each: a network leaves its band somewhere with probability 1e-3 an operation at most.

    So the number of networks that do is at most binomial; a larger count than this has probability 1e-6.
    """
    seen = {name: held(along(name)) for name in ARCHITECTURES}
    assert len(seen) == 40
    assert all(len(rows) >= 3 for rows in seen.values())
    most = max(len(rows) for rows in seen.values())
    allowed = binom.isf(1e-6, len(seen), OUTSIDE * sum(map(len, seen.values())) / len(seen))
    left = {name: [row for row, inside in rows.items() if not inside] for name, rows in seen.items()}
    assert most > 60
    assert sum(map(bool, left.values())) <= allowed, {name: rows for name, rows in left.items() if rows}


@pytest.mark.parametrize("taken", ["identity", "tanh"])
def test_a_wrong_law_of_the_activation_leaves_the_band(taken: str) -> None:
    ahead = along("leaky relu, wide")
    calls = [msgspec.structs.replace(c, op=taken) if c.kind == "activation" else c for c in ahead.sight.calls]
    sight: Sight = msgspec.structs.replace(ahead.sight, calls=calls)
    rows = list(held(foresight(sight, Graph(calls), ahead.seconds)).values())
    assert rows[-4:] == [False] * 4
    assert rows[0]

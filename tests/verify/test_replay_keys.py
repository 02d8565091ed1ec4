"""A replay key names a case that a run would try; any other is refused before it costs memory."""

import json
from typing import Any

import pytest

from varlaw.claims.domains import CASES
from varlaw.evidence.streams import Key
from varlaw.verify import plan

from ..each import each

_KEYS = {
    "linear": (
        "forward.second_moment",
        {"in_features": 64, "out_features": 256},
        {"dtype": "float32", "subject": "torch.nn.Linear", "target": "torch.nn.Linear.weight"},
    ),
    "open": (
        "clip.open",
        {"entries": 10, "leaves": 3, "limit": 1.0, "norm": 0.5},
        {"subject": "varlaw.numpy.clip_by_global_norm", "target": "varlaw.numpy.clip_by_global_norm"},
    ),
}


def _key(name: str, change: dict[str, Any] | None = None, **fields: Any) -> str:
    claim, case, rest = _KEYS[name]
    case = {k: v for k, v in {**case, **(change or {})}.items() if v is not None}
    whole = {"case": case, "device": "cpu", "dtype": "float64", **rest, **fields}
    return f"v1:2026-11-22:pr:{claim}:{json.dumps(whole, sort_keys=True, separators=(',', ':'))}"


@each("op", list(CASES))
def test_a_domain_takes_its_own_cases_and_no_others(op: str) -> None:
    known = CASES[op]
    for salt in map(str, range(40)):
        for case in known.enumerate(Key(salt, "cases"), 2):
            known.check(json.loads(json.dumps(case)), where=op)
    case = json.loads(json.dumps(known.enumerate(Key("s", "cases"), 1)[-1]))
    wrong: list[Any] = [True, None, "x", -1, 0.123, 10**9, 10**400, [], {}, [10**6, 10**6]]
    changed = [{**case, name: value} for name in case for value in wrong if value != case[name]]
    floats = [{**case, n: float(v)} for n, v in case.items() if type(v) is int]
    fewer = [{k: v for k, v in case.items() if k != name} for name in case]
    for other in [*changed, *floats, *fewer, {**case, "junk": 1}]:
        with pytest.raises(ValueError, match="but should be") as caught:
            known.check(other, where=op)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 700


@pytest.mark.parametrize("name", _KEYS)
def test_a_key_of_a_lawful_case_is_taken(name: str) -> None:
    assert plan.parse_replay(_key(name))[0].claim == _KEYS[name][0]


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        (
            "linear",
            {"in_features": 30_000, "out_features": 30_000},
            "in_features=30000, but should be a whole number >=",
        ),
        ("linear", {"in_features": True}, "in_features=True, but should be"),
        ("linear", {"in_features": 16.0}, "whole numbers where sizes are meant"),
        ("linear", {"in_features": int("9" * 400)}, "but should be"),
        (
            "linear",
            {"junk": 1},
            "a case of in_features, junk, out_features, but should be of in_features, out_features",
        ),
        ("linear", {"in_features": None}, "a case of out_features, but should be of"),
        ("open", {"leaves": 1_000_000}, "leaves=1000000, but should be a whole number >= 2 and <= 8"),
        ("open", {"limit": 2.0}, "limit=2.0, but should be one of 1.0, 0.1"),
    ],
)
def test_a_key_of_any_other_case_is_refused(name: str, change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match="but should be") as caught:
        plan.parse_replay(_key(name, change))
    assert words in str(caught.value)
    assert _KEYS[name][0] in str(caught.value)


def test_fields_beside_the_case_are_known_too() -> None:
    with pytest.raises(ValueError, match="unknown field `junk`"):
        plan.parse_replay(_key("linear", junk=1))
    with pytest.raises(ValueError, match="not a replay key"):
        plan.parse_replay("v1:2026-11-22:pr:clip.open:" + "[" * 100_000)


@pytest.mark.parametrize("pool", [[], None, {}, [[]], [{}], [{"layer": "linear"}], [{}] * 1000])
def test_a_pool_holds_as_many_cases_as_a_run_pools(pool: Any) -> None:
    name = "varlaw.numpy.he_normal"
    fields = {"case": {"cases": pool}, "device": "cpu", "dtype": "float32", "subject": name, "target": name}
    with pytest.raises(ValueError, match="but should be"):
        plan.parse_replay(f"v1:s:pr:init.pooled:{json.dumps(fields)}")

"""Small frameworks: rows that conform, the boundary to each, and the numbers of every deviation once more."""

import dataclasses
import math
import warnings
from typing import Any

import numpy as np
import pytest

from varlaw.claims.domains import CASES
from varlaw.claims.tables import claims_of
from varlaw.subjects import registry
from varlaw.subjects.registry import named, select
from varlaw.subjects.subject import Sampler, Subject
from varlaw.verify import decision, deviations, plan

SALT = "small"
FRAMEWORKS = tuple(name for name, row in registry.FRAMEWORKS.items() if "test_small.py" in row.get("tests", ()))
CONFORMING = tuple(f"{name}.{row}" for name in FRAMEWORKS for row in registry.FRAMEWORKS[name]["conforms"])


def _import(name: str) -> Any:
    """The framework, where it is; importing Paddle warns of a compiler cache."""

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


def _decided(row: Subject, claim: str, dtype: str = "float32", cases: int = 2) -> list[decision.Verdict]:
    op = next(c.op for c in claims_of(row) if c.name == claim)
    tasks = [t for t in plan.tasks([row], [dtype], "cpu", SALT) if t.claim == claim]
    assert op in CASES
    return [decision.decide(t, "pr", SALT) for t in tasks[:cases]]


def _dense(framework: str) -> Sampler:
    row = named(f"{framework}.nn.Linear")
    if row is None:
        pytest.skip(f"{framework} has no row {framework}.nn.Linear")
    assert isinstance(row, Sampler)
    return row


@pytest.mark.parametrize("name", CONFORMING)
def test_what_conforms_does(name: str) -> None:
    _import(name.partition(".")[0])
    (row,) = select([name])
    targets = {c.target: c for c in reversed(claims_of(row))}
    assert name in targets, f"conforms={name!r}, but should be one of {sorted(targets)} [frameworks.toml]"
    first = targets[name]
    tasks = [t for t in plan.tasks([row], ["float32"], "cpu", SALT) if (t.claim, t.target) == (first.name, name)]
    assert {decision.decide(t, "pr", SALT).state for t in tasks[:2]} == {"conforms"}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_draws_repeat_by_seed_and_leave_the_stream_alone(framework: str) -> None:
    _import(framework)
    row = _dense(framework)
    case = {"in_features": 6, "out_features": 5}

    def drawn(seed: int, count: int) -> list[Any]:
        return [np.array(x["weight"].tolist()) for x in row.draws(case, "float32", "cpu", seed, count)]

    five, two, other = drawn(7, 5), drawn(7, 2), drawn(8, 1)
    assert all(np.array_equal(a, b) for a, b in zip(five, two, strict=False))
    assert not np.array_equal(five[0], five[1])
    assert not np.array_equal(five[0], other[0])


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_bfloat16_arrives_as_bfloat16(framework: str) -> None:
    _import(framework)
    row = _dense(framework)
    if "bfloat16" in row.unsupported:
        pytest.skip(row.unsupported["bfloat16"])
    case = {"in_features": 6, "out_features": 5}
    (x,) = (i["weight"] for i in row.draws(case, "bfloat16", "cpu", 7, 1))
    assert str(x.dtype).endswith("bfloat16")
    assert x.shape in {(5, 6), (6, 5)}


def test_tinygrad_replays_what_it_draws_by_itself() -> None:
    _import("tinygrad")
    from tinygrad import Tensor, nn

    row = named("tinygrad.nn.Linear")
    assert isinstance(row, Sampler)
    case = {"in_features": 6, "out_features": 5}
    replayed = [x["weight"] for x in row.draws(case, "float32", "cpu", 77, 4)]
    state = Tensor._seed, Tensor._device_seeds, Tensor._device_rng_counters
    Tensor.manual_seed(77)
    for x in replayed:
        layer = nn.Linear(6, 5)
        assert np.array_equal(layer.weight.numpy(), x)
        layer.bias.realize()
    Tensor._seed, Tensor._device_seeds, Tensor._device_rng_counters = state


def test_paddles_aliases_are_what_they_are_said_to_be() -> None:
    paddle = _import("paddle")
    from varlaw.subjects.paddle.names import ALIASES

    def found(name: str) -> Any:
        thing: Any = paddle
        for part in name.split(".")[1:]:
            thing = getattr(thing, part)
        return thing

    for alias, name in ALIASES.items():
        assert found(alias) is found(name), alias


# -- every deviation, measured again -----------------------------------------------------------------------------------


def _rows() -> list[Any]:
    found = [one for r in deviations.rows() if r.framework in FRAMEWORKS for one in r.each()]
    return [pytest.param(r, id=f"{r.id}-{r.subject}") for r in found]


@pytest.mark.parametrize("row", _rows())
def test_the_deviation_is_there_and_as_large_as_written(row: deviations.Row) -> None:
    """In one case at least; where a ratio is foreseen it is the number in the table, within 1 %."""
    _import(row.framework)
    if row.statistics == "drawn":
        pytest.skip("met by chance: not with every salt")
    dtype = (row.dtypes or ("float32",))[0]
    seen = []
    for task in _foreseen(row, dtype):
        verdict = decision.decide(task, "pr", SALT)
        if verdict.deviation and verdict.deviation.id == row.id:
            ratio = verdict.deviation.ratio
            seen.append(math.inf if ratio is None else ratio)
            if not row.ratio or math.isclose(seen[-1], row.measured, rel_tol=0.01, abs_tol=0):
                return
    pytest.fail(f"{row.id}: seen {seen}, written {row.measured}")


def _foreseen(row: deviations.Row, dtype: str) -> list[plan.Task]:
    rows = [s for s in select([f"{row.framework}.*"]) if dtype not in s.unsupported]
    tasks = plan.tasks(rows, [dtype], "cpu", SALT)
    there = [t for t in tasks if row.foresees(t.claim, t.target, _version(row), t.dtype)]
    if not there:
        pytest.skip(f"{dtype} is not to be had here")
    return there


def _version(row: deviations.Row) -> str:
    return next(s for s in select([f"{row.framework}.*"])).framework.version()


def test_a_row_of_another_version_is_not_met() -> None:
    row = next(r for r in deviations.rows() if r.framework == "mlx")
    assert not dataclasses.is_dataclass(row)
    assert not row.foresees(row.claim, row.subjects[0], "0.1", "float32")

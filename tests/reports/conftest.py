"""Invented runs for the reports: every state, hostile text, thousands of verdicts. No number here is a measurement."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest

from varlaw.claims.verdict import Deviation, Outcome, Run, RunInfo, Verdict

HOSTILE = "<script>alert(1)</script>"
BREAKING = "</script><!--]]>'\"&{{7*7}}\x1b[2J\u202e\x00|`\n# x"

DEVIATION = Deviation(
    id="torch.linear.sqrt5",
    reason="kaiming_uniform_(a=sqrt(5)) gives U(+-1/sqrt(fan_in)), a third of the variance that keeps the signal",
    link="https://github.com/pytorch/pytorch/issues/57109",
    ratio=0.5774,
    versions=">=1.0",
)


def make_info(**changes: Any) -> RunInfo:
    fields: dict[str, Any] = {
        "varlaw": "0.1.0",
        "versions": {"torch": "2.13.0", "numpy": "2.4.0"},
        "python": "3.11.9",
        "platform": "Linux-6.1-x86_64",
        "cpu": "Example CPU @ 2.00GHz",
        "threads": 2,
        "devices": ["cpu"],
        "dtypes": ["float32", "bfloat16"],
        "policy": "pr",
        "delta": 0.05,
        "alpha": 1e-12,
        "beta": 1e-3,
        "decisions": 312,
        "alpha_budget": 312e-12,
        "salt": "2026-11-22",
        "targets": ["torch.nn.*"],
        "wall_time": 41.25,
    }
    return RunInfo(**{**fields, **changes})


def make_verdict(**changes: Any) -> Verdict:
    fields: dict[str, Any] = {
        "claim": "init.documented",
        "law": "uniform.variance",
        "statement": "U(-1/sqrt(fan_in), 1/sqrt(fan_in))",
        "subject": "torch.nn.Linear.weight",
        "framework": "torch",
        "version": "2.13.0",
        "op": "linear",
        "dtype": "float32",
        "device": "cpu",
        "case": {"in": 64, "out": 16},
        "outcome": Outcome.CONFORMS,
        "quantity": "std",
        "expected": 0.0721688,
        "observed": 0.0721905,
        "ratio": 1.0003,
        "interval": (0.997, 1.0036),
        "samples": 4608,
        "delta": 0.05,
        "certified": 0.0123,
        "alpha": 1e-12,
        "beta": 1e-3,
        "log_evidence": -3.2,
        "replay": 'v1:2026-11-22:init.documented:{"in":64,"out":16}',
    }
    return Verdict(**{**fields, **changes})


NO_NUMBERS: dict[str, Any] = {
    "expected": None,
    "observed": None,
    "ratio": None,
    "interval": None,
    "certified": None,
    "samples": 0,
    "log_evidence": None,
}


def _documented() -> Verdict:
    """A violation that a deviation documents."""
    return make_verdict(
        claim="forward.second_moment",
        law="linear.second_moment",
        statement="second moment preserved",
        subject="torch.nn.Linear",
        outcome=Outcome.VIOLATES,
        expected=1.0,
        observed=0.5774,
        ratio=0.5774,
        interval=None,
        certified=None,
        deviation=DEVIATION,
        replay="v1:2026-11-22:forward:{}",
    )


def _violated() -> Verdict:
    """A violation whose cause is likely."""
    return make_verdict(
        claim="init.fan_in",
        law="fan.transposed",
        statement="fan_in of the layer",
        subject="torch.nn.ConvTranspose2d.weight",
        op="conv_transpose2d",
        case={"in": 2, "out": 8, "kernel": 1},
        outcome=Outcome.VIOLATES,
        expected=0.0340,
        observed=0.0170,
        ratio=0.5,
        interval=(0.498, 0.502),
        samples=2101,
        certified=None,
        log_evidence=812.4,
        likely="fan_out taken for fan_in",
        likely_log_ratio=812.0,
        replay='v1:2026-11-22:torch.conv_transpose2d.fan:{"in":2,"out":8,"kernel":1}',
    )


def _exact() -> Verdict:
    """What compares exactly."""
    return make_verdict(
        claim="clip.identity",
        law="clip.identity",
        statement="identity below the limit, bit for bit",
        subject="varlaw.numpy.clip_by_global_norm",
        framework="varlaw.numpy",
        version="0.1.0",
        interval=None,
        ratio=1.0,
        delta=2.2e-16,
        samples=1000,
    )


def _undecided_or_not_asked() -> list[Verdict]:
    """Too few draws, an error, and a claim that is not applicable."""
    return [
        make_verdict(
            subject="torch.nn.Bilinear.bias",
            outcome=Outcome.UNDECIDED,
            interval=(0.93, 1.09),
            certified=0.081,
            samples=64,
            detail="4 biases a layer",
        ),
        make_verdict(
            subject="torch.nn.LazyLinear",
            outcome=Outcome.ERROR,
            **NO_NUMBERS,
            detail="RuntimeError: cannot build <LazyLinear>",
        ),
        make_verdict(
            subject="torch.nn.Identity",
            outcome=Outcome.NOT_APPLICABLE,
            **NO_NUMBERS,
            detail="no parameters",
        ),
    ]


def every_state() -> list[Verdict]:
    """One verdict of each state, a violation in two dtypes, and an exact one."""
    violated = _violated()
    change = dataclasses.replace if dataclasses.is_dataclass(violated) else _replace
    wider = change(violated, case={"in": 64, "out": 256, "kernel": 3}, dtype="bfloat16", samples=46_012)
    narrow = make_verdict(dtype="bfloat16", case={"in": 8, "out": 16, "shape": [3, 3]})
    return [make_verdict(), narrow, _documented(), violated, wider, *_undecided_or_not_asked(), _exact()]


def _replace(verdict: Verdict, **changes: Any) -> Verdict:
    return type(verdict)(**{**{name: getattr(verdict, name) for name in verdict.__struct_fields__}, **changes})


def hostile_verdicts() -> list[Verdict]:
    """Names, details and cases that try to break out of every format."""
    texts = (HOSTILE, BREAKING, "x" * 300, "{% raw %}", "=cmd|'/C calc'!A0", "]]>", "naïve ∑ 模型")
    return [
        make_verdict(
            subject=text,
            claim=f"claim {text}",
            statement=text,
            case={text: text, "nested": {"a": [1, text]}},
            detail=text,
            likely=text,
            framework=text,
            outcome=outcome,
            deviation=Deviation(id=text, reason=text, link=f"javascript:{text}", ratio=1.0, versions=text),
            replay=f"v1:{text}",
        )
        for text in texts
        for outcome in (Outcome.VIOLATES, Outcome.CONFORMS)
    ] + [make_verdict(subject=HOSTILE, outcome=Outcome.VIOLATES, likely=HOSTILE, detail=HOSTILE, reproduction=HOSTILE)]


def many_verdicts(n: int) -> list[Verdict]:
    """`n` verdicts over `n / 10` subjects in three frameworks, with a few of each other state."""
    found = []
    dtypes = ("float32", "float16", "bfloat16", "float64")
    for k in range(n):
        layer, framework = k // 10, ("torch", "jax", "keras")[(k // 10) % 3]
        wobble = 0.004 * math.sin(k)
        odd = {7: Outcome.UNDECIDED, 400: Outcome.VIOLATES, 803: Outcome.ERROR}.get(k % 1000, Outcome.CONFORMS)
        numbers = (
            NO_NUMBERS if odd is Outcome.ERROR else {"ratio": 0.9 + wobble if odd is Outcome.VIOLATES else 1 + wobble}
        )
        found.append(
            make_verdict(
                subject=f"{framework}.nn.Layer{layer:04d}.weight",
                framework=framework,
                version="2.0",
                claim=("init.documented", "init.mean", "norm.output")[k % 3],
                dtype=dtypes[k % 4],
                outcome=odd,
                **{
                    "observed": 0.07 + wobble,
                    "interval": (0.99 + wobble, 1.01 + wobble),
                    "samples": 4000 + k,
                    **numbers,
                },
                case={"in": 16 + k % 977, "out": 8 + k % 331, "kernel": 1 + k % 5, "gain": 1.0 + k / 7919},
                detail="RuntimeError: out of memory" if odd is Outcome.ERROR else "",
                replay=f'v1:2026-11-22:{framework}.layer{layer}:{{"in":{16 + k % 977},"out":{8 + k % 331},"k":{k}}}',
            )
        )
    return found


@pytest.fixture(scope="session", name="make_verdict")
def verdict_maker() -> Callable[..., Verdict]:
    """A verdict with the fields given, the others those of a conforming one."""
    return make_verdict


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Run]:
    def make(verdicts: list[Verdict] | None = None, **changes: Any) -> Run:
        return Run(run=make_info(**changes), verdicts=every_state() if verdicts is None else verdicts)

    return make


@pytest.fixture(scope="session")
def run(make_run: Callable[..., Run]) -> Run:
    return make_run()


@pytest.fixture(scope="session")
def hostile_run(make_run: Callable[..., Run]) -> Run:
    return make_run(hostile_verdicts(), salt=HOSTILE, policy=BREAKING, versions={HOSTILE: BREAKING}, cpu=HOSTILE)


@pytest.fixture(scope="session")
def large_run(make_run: Callable[..., Run]) -> Run:
    return make_run(many_verdicts(10_000))


@pytest.fixture(scope="session")
def many_run(make_run: Callable[..., Run]) -> Run:
    return make_run(many_verdicts(1500))

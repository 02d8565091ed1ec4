"""One decision is a function of task, policy and salt; what a subject does wrong stays in its own verdict."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from varlaw.claims.claim import Finding, Trial, deterministic
from varlaw.claims.tables import claims_of
from varlaw.claims.verdict import Outcome
from varlaw.evidence.exact import compare
from varlaw.subjects.registry import named, select
from varlaw.verify import coverage, decision, deviations, plan, run, workers
from varlaw.verify.deviations import measured

SALT = "tests"


def _tasks(target: str, dtype: str = "float32") -> list[plan.Task]:
    return list(plan.tasks(select([target]), [dtype], "cpu", SALT))


def test_replay_repeats_the_verdict_bit_for_bit() -> None:
    for task in _tasks("varlaw.numpy.he_normal")[:3] + _tasks("varlaw.numpy.layer_norm")[:3]:
        verdict = decision.decide(task, "pr", SALT)
        again = decision.decide(*plan.parse_replay(verdict.replay))
        assert msgspec.json.encode(verdict) == msgspec.json.encode(again)


def test_another_salt_is_other_evidence() -> None:
    task = _tasks("varlaw.numpy.normal")[0]
    assert decision.decide(task, "pr", "a").observed != decision.decide(task, "pr", "b").observed


def test_two_workers_decide_what_one_does() -> None:
    tasks = _tasks("varlaw.numpy.*uniform")
    assert list(workers.in_order(tasks, "pr", SALT, 2)) == list(workers.in_order(tasks, "pr", SALT, 1))


def test_a_framework_lets_go_of_a_subject_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    real = named

    def watched(name: str) -> Any:
        subject = real(name)
        assert subject is not None
        return dataclasses.replace(
            subject, framework=dataclasses.replace(subject.framework, release=lambda: calls.append(name))
        )

    tasks = [*_tasks("varlaw.numpy.zeros"), *_tasks("varlaw.numpy.constant")]
    monkeypatch.setattr(workers, "named", watched)
    assert len(list(workers.in_order(tasks, "pr", SALT))) == len(tasks)
    assert calls == ["varlaw.numpy.zeros", "varlaw.numpy.constant"]


@pytest.mark.parametrize(
    "key", ["", "v1:a:pr:x", "v2:a:pr:init.documented:{}", "v1:a:pr:init.documented:{}", "v1:a:weekly:x:{}"]
)
def test_a_key_that_is_none_is_refused_in_one_line(key: str) -> None:
    with pytest.raises(ValueError, match="not a replay key") as caught:
        plan.parse_replay(key)
    assert "\n" not in str(caught.value)


def _patched(monkeypatch: pytest.MonkeyPatch, target: str, **changes: object) -> plan.Task:
    (task, *_) = _tasks(target)
    broken = dataclasses.replace(named(task.subject), **changes)  # type: ignore[type-var, arg-type]
    monkeypatch.setattr(plan, "named", lambda name: broken)
    return task


def test_a_sampler_that_raises_costs_only_its_own_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def draws(*_: object) -> object:
        msg = "no kernel\nfor this"
        raise RuntimeError(msg)

    verdict = decision.decide(_patched(monkeypatch, "varlaw.numpy.normal", draws=draws), "pr", SALT)
    assert verdict.outcome is Outcome.ERROR
    assert verdict.detail == "RuntimeError: no kernel for this"


def test_an_unsupported_dtype_is_not_applicable(monkeypatch: pytest.MonkeyPatch) -> None:
    task = _patched(monkeypatch, "varlaw.numpy.normal", unsupported={"float32": "no such kernel"})
    verdict = decision.decide(task, "pr", SALT)
    assert (verdict.outcome, verdict.detail) == (Outcome.NOT_APPLICABLE, "no such kernel")


# -- deviations are strict ---------------------------------------------------------------------------------------------


def _row(**changes: object) -> deviations.Row:
    fields = {
        "id": "planted", "claim": "init.documented", "subject": "varlaw.numpy.normal", "reason": "planted",
        "ratio": "1.5", "measured": 1.5, "versions": ">=0", "framework": "varlaw.numpy",
    }  # fmt: skip
    return msgspec.convert(fields | changes, deviations.Row)


def _planted(monkeypatch: pytest.MonkeyPatch, row: deviations.Row, scale: float = 1.0) -> list[decision.Verdict]:
    subject = named("varlaw.numpy.normal")
    assert subject is not None

    def draws(*args: object) -> object:
        return ({"": x[""] * scale} for x in subject.draws(*args))  # type: ignore[union-attr, arg-type]

    monkeypatch.setattr(deviations, "rows", lambda: (row,))
    task = _patched(monkeypatch, "varlaw.numpy.normal", draws=draws)
    return [decision.decide(task, "pr", SALT)]


def test_a_violation_of_the_foreseen_size_is_a_deviation(monkeypatch: pytest.MonkeyPatch) -> None:
    (verdict,) = _planted(monkeypatch, _row(), scale=1.5)
    assert verdict.state == "deviation"
    assert verdict.deviation is not None
    assert verdict.deviation.ratio == 1.5


def test_a_violation_of_another_size_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    (verdict,) = _planted(monkeypatch, _row(), scale=1.7)
    assert verdict.state == "VIOLATES"
    assert "foresaw the ratio 1.5" in verdict.detail


@pytest.mark.parametrize(("scale", "state"), [(1.5, "deviation"), (1.7, "VIOLATES")])
def test_a_foreseen_size_of_another_shape_needs_a_row_for_each(
    monkeypatch: pytest.MonkeyPatch, scale: float, state: str
) -> None:
    subject = named("varlaw.numpy.normal")
    assert subject is not None

    def gridded(*args: object) -> Iterator[dict[str, Any]]:
        for x in subject.draws(*args):  # type: ignore[union-attr, arg-type]
            yield {"": (scale * x[""].clip(-2.5, 2.5) / 0.99).astype(x[""].dtype)}

    grid = _row(id="grid", ratio="")
    task = _patched(monkeypatch, "varlaw.numpy.normal", draws=gridded)
    monkeypatch.setattr(deviations, "rows", lambda: (_row(), grid))
    assert decision.decide(task, "pr", SALT).state == state
    monkeypatch.setattr(deviations, "rows", lambda: (_row(),))
    assert decision.decide(task, "pr", SALT).state == "VIOLATES"


def test_an_unexpected_pass_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    (verdict,) = _planted(monkeypatch, _row())
    assert verdict.state == "VIOLATES"
    assert "is it fixed upstream?" in verdict.detail


def test_a_pass_fails_where_the_ratio_speaks_of_what_a_violation_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    (verdict,) = _planted(monkeypatch, _row(ratio="1/worst"))
    assert verdict.state == "VIOLATES"
    assert "is it fixed upstream?" in verdict.detail


def test_an_effect_too_small_to_see_is_noted_and_conforms(monkeypatch: pytest.MonkeyPatch) -> None:
    (verdict,) = _planted(monkeypatch, _row(ratio="1.0001"))
    assert verdict.state == "conforms"
    assert verdict.deviation is not None


def test_a_row_that_matches_nothing_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = _planted(monkeypatch, _row(when="scale == 77"))
    assert [row.id for row in coverage.unmatched(verdicts)] == ["planted"]


def test_each_of_several_subjects_must_be_met(monkeypatch: pytest.MonkeyPatch) -> None:
    row = _row(subject=["varlaw.numpy.normal", "varlaw.numpy.other"])
    (met,) = _planted(monkeypatch, row, scale=1.5)
    other = msgspec.structs.replace(met, subject="varlaw.numpy.other", outcome=Outcome.CONFORMS, deviation=None)
    assert met.state == "deviation"
    assert coverage.unmatched([met]) == []
    assert [one.subject for one in coverage.unmatched([met, other])] == ["varlaw.numpy.other"]


def test_a_glob_is_judged_only_where_all_that_it_speaks_of_was_on_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    row = _row(subject="varlaw.numpy.*", framework="varlaw.numpy", when="scale == 77")
    (one,) = _planted(monkeypatch, row)
    assert coverage.unmatched([one]) == []
    targets = [c.target for s in select(["varlaw.numpy.*"]) for c in claims_of(s) if c.name == one.claim]
    everything = [msgspec.structs.replace(one, subject=target) for target in targets]
    assert [row.id for row in coverage.unmatched(everything)] == ["planted"]


def test_a_dtype_of_its_own_is_not_asked_of_a_claim_that_was_tried_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a run in float16 settings are tried in float32 all the same: there a row of float32 has more to be met in."""
    row = _row(claim="norm.*", subject="varlaw.numpy.layer_norm", framework="varlaw.numpy", dtypes=["float32"])
    (one,) = _planted(monkeypatch, row)
    claims = [c for s in select(["varlaw.numpy.layer_norm"]) for c in claims_of(s) if c.name.startswith("norm.")]

    def run_in(dtype: str) -> list[decision.Verdict]:
        tried = ((c, (c.dtypes or (dtype,))[0]) for c in claims)
        return [msgspec.structs.replace(one, claim=c.name, subject=c.target, dtype=d) for c, d in tried]

    assert [row.id for row in coverage.unmatched(run_in("float32"))] == ["planted"]
    assert any(v.dtype == "float32" for v in run_in("float16"))
    assert coverage.unmatched(run_in("float16")) == []


def test_tasks_are_sent_by_subject() -> None:
    tasks = list(plan.tasks(select(["varlaw.numpy.*"]), ["float32"], "cpu", SALT))
    sent = list(workers._chunks(tasks, 8))
    assert [task for _, chunk in sent for task in chunk] == tasks
    assert [start for start, _ in sent] == [sum(len(c) for _, c in sent[:i]) for i in range(len(sent))]
    assert max(len(chunk) for _, chunk in sent) <= 16
    assert any(tasks[start].subject != tasks[start - 1].subject for start, _ in sent[1:])


def test_a_row_outside_the_run_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for changes in ({"subject": "torch.nn.Linear"}, {"versions": ">=99"}, {"dtypes": ["float16"]}):
        assert not coverage.unmatched(_planted(monkeypatch, _row(**changes)))


def test_strictness_reaches_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deviations, "rows", lambda: (_row(when="scale == 77"),))
    done = run.execute(plan.plan(plan.Request(targets=("varlaw.numpy.normal",), dtypes=("float32",))))
    assert run.exit_code(done) == 1
    assert done.verdicts[-1].claim == "deviations.strict"


# -- a row without a ratio foresees the range that was measured --------------------------------------------------------


def _sized(
    monkeypatch: pytest.MonkeyPatch, *bands: tuple[float | str, ...], dtypes: tuple[str, ...] = ("float32",)
) -> None:
    rows = {"planted": {"init.documented varlaw.numpy.normal float32": bands} if bands else {}}
    table = measured.Sizes(inputs=measured.INPUTS, versions=("1",), dtypes=dtypes, rows=rows)
    monkeypatch.setattr(measured, "sizes", lambda framework: table)


@pytest.mark.parametrize(("scale", "state"), [(1.5, "deviation"), (2.0, "VIOLATES"), (0.75, "VIOLATES")])
def test_a_violation_outside_the_range_that_was_measured_is_none(
    monkeypatch: pytest.MonkeyPatch, scale: float, state: str
) -> None:
    _sized(monkeypatch, (1.45, 1.55))
    (verdict,) = _planted(monkeypatch, _row(ratio="", measured=None), scale=scale)
    assert verdict.state == state
    if verdict.deviation:
        assert verdict.deviation.range == pytest.approx((1.35, 1.65))
    else:
        assert "foresaw 1.35 to 1.65 here" in verdict.detail


def test_a_range_speaks_of_its_cases_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    row = _row(ratio="", measured=None)
    here = measured.case_name(_tasks("varlaw.numpy.normal")[0].case)
    for cases, state in (((here,), "deviation"), (("ffff",), "VIOLATES"), (("*",), "VIOLATES")):
        _sized(monkeypatch, (1.45, 1.55, *cases))
        (verdict,) = _planted(monkeypatch, row, scale=1.5)
        assert verdict.state == state


def test_places_drawn_by_chance_speak_for_all_that_are_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for claim, state in (("init.documented", "deviation"), ("init.mean", "VIOLATES")):
        rows = {"planted": {f"{claim} * float32": ((1.45, 1.55, "*"),)}}
        table = measured.Sizes(inputs=12, versions=("1",), dtypes=("float32",), rows=rows)
        monkeypatch.setattr(measured, "sizes", lambda framework, table=table: table)
        (verdict,) = _planted(monkeypatch, _row(ratio="", measured=None), scale=1.5)
        assert verdict.state == state
    assert measured.bands("planted", "numpy", "init.grid", "any", "float32") == []
    assert measured.bands("planted", "numpy", "init.mean", "any", "float32") == [measured.Band(1.45, 1.55, ("*",))]


def test_a_claim_that_never_violated_is_not_foreseen(monkeypatch: pytest.MonkeyPatch) -> None:
    _sized(monkeypatch)
    (verdict,) = _planted(monkeypatch, _row(ratio="", measured=None), scale=1.5)
    assert verdict.state == "VIOLATES"
    assert "foresaw no violation here" in verdict.detail


def test_a_row_that_could_not_be_measured_must_violate_again(monkeypatch: pytest.MonkeyPatch) -> None:
    _sized(monkeypatch, (1.0, 1.1), dtypes=("float64",))
    (verdict,) = _planted(monkeypatch, _row(ratio="", measured=None), scale=1.5)
    assert verdict.state == "deviation"
    assert verdict.deviation is not None
    assert verdict.deviation.range is None
    assert not verdict.deviation.sized
    assert verdict.detail.startswith("size not measured: any violation of this claim is taken")


def test_a_row_may_be_recorded_in_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer inputs widen its bands; other dtypes and backends are not known."""
    apart = {"few": measured.Recording(inputs=4, dtypes=("float16",), backends=("jax",))}
    table = measured.Sizes(inputs=40, versions=("1",), dtypes=("float32",), apart=apart, rows={"few": {}, "row": {}})
    monkeypatch.setattr(measured, "sizes", lambda framework: table)
    assert measured.recorded("few", "keras", "3.1+jax", "float16")
    assert not measured.recorded("few", "keras", "3.1+torch", "float16")
    assert not measured.recorded("few", "keras", "3.1+jax", "float32")
    assert measured.recorded("row", "keras", "3.1+torch", "float32")
    assert (table.recording("few").inputs, table.recording("row").inputs) == (4, 40)


def _exact(monkeypatch: pytest.MonkeyPatch, first: float, second: float, case: dict[str, Any]) -> decision.Verdict:
    """A deterministic claim that finds one size at first and another in an independent input."""
    (task, *_) = _tasks("varlaw.numpy.normal")
    subject = named(task.subject)
    assert subject is not None
    seen = iter((first, second))

    def judge(trial: Trial) -> Finding:
        return deterministic(compare([2.0 * next(seen)], [2.0], [0.02]), quantity="norm")

    claims = [dataclasses.replace(c, judge=judge) for c in claims_of(subject) if c.name == task.claim]
    monkeypatch.setattr(plan, "claims_of", lambda subject: claims)
    monkeypatch.setattr(deviations, "rows", lambda: (_row(ratio="", measured=None),))
    return decision.decide(msgspec.structs.replace(task, case={**task.case, **case}), "pr", SALT)


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        (0.5, 0.52, "deviation"),  # both in the range
        (0.5, 1.0, "deviation"),  # the effect depends on the input
        (0.5, 0.9, "VIOLATES"),  # the second is of another size
        (0.25, 0.5, "VIOLATES"),
        (0.435, 0.5, "deviation"),  # within the rounding bound of the range
        (math.nan, math.nan, "VIOLATES"),  # NaN is in no range
        (math.inf, math.inf, "VIOLATES"),
        (-0.5, -0.5, "VIOLATES"),
    ],
)
def test_an_exact_claim_is_measured_twice_as_well(
    monkeypatch: pytest.MonkeyPatch, first: float, second: float, state: str
) -> None:
    _sized(monkeypatch, (0.48, 0.52))
    assert _exact(monkeypatch, first, second, {}).state == state


def test_what_is_not_finite_is_foreseen_by_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _sized(monkeypatch, (math.nan, math.nan), (math.inf, math.inf))
    for size, state in ((math.nan, "deviation"), (math.inf, "deviation"), (-math.inf, "VIOLATES"), (1e30, "VIOLATES")):
        assert _exact(monkeypatch, size, size, {}).state == state


def test_keyed_points_are_held_against_all_cases_together(monkeypatch: pytest.MonkeyPatch) -> None:
    _sized(monkeypatch, (0.5, 0.5, "aaaa"), (0.7, 0.7, "bbbb"))
    for size, state in ((0.6, "deviation"), (0.9, "deviation"), (0.4, "VIOLATES"), (1.2, "VIOLATES")):
        assert _exact(monkeypatch, size, size, {"scale": 0.123}).state == state
    assert _exact(monkeypatch, 0.6, 0.6, {}).state == "VIOLATES"  # a corner that no band names
    assert _exact(monkeypatch, 1.005, 1.0, {}).state == "conforms"
    assert _exact(monkeypatch, 1.018, 1.0, {}).state == "deviation"  # no more than twice its rounding bound


def test_a_corner_that_conformed_in_few_inputs_is_held_against_all_bands() -> None:
    bands, centre = [measured.Band(0.5, 0.5, ("aaaa",)), measured.Band(0.9, 0.95, ("bbbb",))], 1.0
    found = deterministic(compare([1.9], [2.0], [0.02]), quantity="norm")
    few, many = (measured.foreseen(bands, found, "cccc", inputs) for inputs in (20, measured.INPUTS))
    assert [(b.low, b.high) for b in few] == [(0.5, pytest.approx(1.05))]
    assert measured.foreseen(bands, found, "aaaa", 20) == [measured.Band(0.5, 0.5)]
    (fewer,) = measured.foreseen(bands, found, "aaaa", 8)
    assert (fewer.low, fewer.high) == (0.5, pytest.approx(1.2))
    assert [(b.low, b.high) for b in many] == [(centre - found.delta, centre + found.delta)]
    assert measured.foreseen([], found, "cccc", 8) == [measured.Band(centre, centre)]


def test_a_size_speaks_for_other_versions_but_not_for_other_backends(monkeypatch: pytest.MonkeyPatch) -> None:
    table = measured.Sizes(inputs=40, versions=("3.1+jax",), backends=("jax",), dtypes=("float32",), rows={"row": {}})
    monkeypatch.setattr(measured, "sizes", lambda framework: table)
    assert measured.recorded("row", "keras", "3.9+jax", "float32")
    assert not measured.recorded("row", "keras", "3.1+torch", "float32")
    assert not measured.recorded("row", "keras", "3.1+jax", "bfloat16")
    assert not measured.recorded("other", "keras", "3.1+jax", "float32")

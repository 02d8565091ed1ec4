"""Files of baselines: old ones stay readable, made-up numbers are refused in one line, and no text of one draws."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from varlaw.cli import cli
from varlaw.commands import changes
from varlaw.identify.baseline.diff import compare
from varlaw.identify.baseline.record import record
from varlaw.identify.baseline.records import KEPT, Baseline, Fact, decode, encode
from varlaw.identify.baseline.sound import BaselineError, check
from varlaw.identify.records import CaseStatistics, Identified, Reading
from varlaw.subjects import registry
from varlaw.subjects.subject import Framework, Model, Parameter

COMMITTED = sorted((Path(__file__).parents[2] / "reports" / "baselines").glob("*.json"))
HOSTILE = "a\x1b[2J\x1b]8;;http://x\x07|<img src=x onerror=y>\n# b `c` [d](http://x)"


@pytest.fixture(scope="module")
def sound() -> Baseline:
    return record(["varlaw.numpy.he_normal", "varlaw.numpy.zeros"], "a")


def _with(baseline: Baseline, **fields: Any) -> Baseline:
    """The same with other numbers in the first case of its first tensor."""
    first = baseline.tensors[0]
    case = msgspec.structs.replace(first.cases[0], **fields)
    one = msgspec.structs.replace(first, cases=[case, *first.cases[1:]])
    return msgspec.structs.replace(baseline, tensors=[one, *baseline.tensors[1:]])


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.name)
def test_a_committed_file_is_read_and_equals_itself(path: Path) -> None:
    found = decode(path.read_bytes(), str(path))
    assert compare(found, found).changes == []


def test_a_file_without_the_newer_numbers_is_compared_on_what_it_has_and_that_is_said(sound: Baseline) -> None:
    old_fields = {f for f in CaseStatistics.__struct_fields__ if f not in _NEW}
    bare = [
        msgspec.structs.replace(
            one, cases=[CaseStatistics(**{f: getattr(c, f) for f in old_fields}) for c in one.cases]
        )
        for one in sound.tensors
    ]
    old = decode(encode(msgspec.structs.replace(sound, tensors=bare, keeps=[])), "old.json")
    assert not any(name in encode(old) for name in (b'"keeps"', b'"ties"', b'"format"'))
    found = compare(old, sound)
    assert (found.changes, found.unkept) == ([], list(KEPT))
    assert "not compared, as one file is older" in "\n".join(str(line) for line in changes.lines(found))
    assert "not compared, as one file is older" in changes.markdown(found)
    doubled = _with(sound, **{f: 2 * getattr(sound.tensors[0].cases[0], f) for f in ("unit", "low", "high")})
    assert [c.kind for c in compare(old, doubled).changes] == ["moved"]


_NEW = ("lost", "ties", "copied", "looked", "format", "again", "depends", "even", "marks")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"unit": 1e308}, "a number of 1e+60 or more"),
        ({"unit": 0.0}, "a unit below"),
        ({"unit": -1.0}, "a unit below"),
        ({"z2": -1.0}, "below 0"),
        ({"z4": -1.0}, "below 0"),
        ({"z1": 0.0, "z2": 0.0, "z4": 0.0}, "a root mean square that its largest entry exceeds"),
        ({"z1": 1e9}, "a mean beyond"),
        ({"z4": 1.0}, "a fourth moment below"),
        ({"low": 1e59, "high": 1e58}, "a smallest entry above"),
        ({"high": 1e58}, "a root mean square that"),
        ({"low": -1e-9, "high": 1e-9}, "a root mean square beyond"),
        ({"n": -1}, "a count below 0"),
        ({"n": 10**400}, "a number of 1e+60 or more"),
        ({"ties": 10**9}, "a part that is more than the whole"),
        ({"zeros": 1.5}, "a share outside"),
        ({"spread": -1.0}, "below 0"),
        ({"marks": {"ln rms": [1e200]}}, "no plain finite numbers"),
        ({"depends": {"x": 1e200}}, "no plain finite numbers"),
        ({"case": {"x": {"y": 1}}}, "no plain finite numbers"),
    ],
)
def test_numbers_that_no_draws_give_are_refused_in_one_line(
    fields: dict[str, Any], said: str, sound: Baseline, tmp_path: Path
) -> None:
    bad, good = tmp_path / "bad.json", tmp_path / "good.json"
    bad.write_bytes(encode(_with(sound, **fields)))
    good.write_bytes(encode(sound))
    for pair in ((bad, good), (good, bad)):
        result = CliRunner().invoke(cli, ["baseline", "diff", *map(str, pair)])
        assert (result.exit_code, len(result.output.strip().splitlines())) == (2, 1), result.output
        assert said in result.output
        assert "he_normal" in result.output


def test_a_tensor_or_a_constant_that_stands_twice_is_refused(sound: Baseline) -> None:
    with pytest.raises(BaselineError, match=r"'varlaw\.numpy\.he_normal' twice"):
        decode(encode(msgspec.structs.replace(sound, tensors=[*sound.tensors, sound.tensors[0]])), "x.json")
    fact = Fact(subject="s", name="eps", value=1.0)
    with pytest.raises(BaselineError, match="'s: eps' twice"):
        decode(encode(msgspec.structs.replace(sound, facts=[fact, fact])), "x.json")


def test_a_law_of_parts_of_parts_without_end_is_refused(sound: Baseline) -> None:
    reading = sound.tensors[0].reading
    for _ in range(300):
        reading = Reading(family="piecewise", parts=[reading])
    deep = msgspec.structs.replace(sound.tensors[0], reading=reading)
    with pytest.raises(BaselineError, match="parts of parts"):
        check([deep], [], "x.json")


def test_constants_that_nothing_gives_are_refused(sound: Baseline) -> None:
    for value, error in ((1e250, 0.0), (1.0, -1.0), (1.0, 1e250)):
        facts = [Fact(subject="s", name="eps", value=value, error=error)]
        with pytest.raises(BaselineError, match="'s: eps'"):
            decode(encode(msgspec.structs.replace(sound, facts=facts)), "x.json")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[" * 100_000, "is nested too deep"),
        (b'{"schema": "\xff"}', "is not JSON"),
        (b'{"schema": ' + b'{"a":' * 500 + b"1" + b"}" * 501, "has the schema (long)"),
        (b"", "is not JSON"),
    ],
)
def test_what_is_no_baseline_is_one_line(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(data)
    result = CliRunner().invoke(cli, ["baseline", "diff", str(path), str(path)])
    assert (result.exit_code, len(result.output.strip().splitlines())) == (2, 1), result.output
    assert said in result.output


def test_infinite_evidence_is_written_as_a_number(sound: Baseline) -> None:
    first = sound.tensors[0]
    reading = msgspec.structs.replace(first.reading, fit=float("inf"), interval=(0.0, float("inf")))
    found = msgspec.structs.replace(sound, tensors=[msgspec.structs.replace(first, reading=reading)])
    again = decode(encode(found), "x").tensors[0].reading
    assert (again.fit, again.interval) == (1e300, (0.0, 1e300))


# -- texts -------------------------------------------------------------------------------------------------------------


def _hostile(sound: Baseline) -> Baseline:
    """The same with every text of a stranger's making."""

    def evil(one: Identified) -> Identified:
        reading = msgspec.structs.replace(one.reading, law=f"Normal({HOSTILE})", reason=HOSTILE, family=HOSTILE)
        return msgspec.structs.replace(one, subject=f"{HOSTILE}.{one.subject}", reading=reading, members=[HOSTILE])

    facts = [Fact(subject=HOSTILE, name=HOSTILE, value=HOSTILE)]
    tensors = [evil(one) for one in sound.tensors]
    return msgspec.structs.replace(sound, tensors=tensors, facts=facts, versions={"varlaw": HOSTILE}, looked=[])


def test_no_text_of_a_file_reaches_the_terminal_or_markdown_raw(sound: Baseline, tmp_path: Path) -> None:
    import re

    old = msgspec.structs.replace(sound, versions={"varlaw": "1"})
    evil = _hostile(sound)
    doubled = [
        msgspec.structs.replace(one, cases=[msgspec.structs.replace(c, unit=2 * c.unit, low=2 * c.low, high=2 * c.high)
                                            for c in one.cases]) for one in evil.tensors
    ]  # fmt: skip
    files = {"a": old, "b": evil, "c": msgspec.structs.replace(evil, tensors=doubled)}
    for name, baseline in files.items():
        (tmp_path / name).write_bytes(encode(baseline))
    for pair in ("ab", "ba", "bc"):
        for options in ([], ["--no-color"], ["--markdown"]):
            paths = [str(tmp_path / name) for name in pair]
            result = CliRunner().invoke(cli, ["baseline", "diff", *paths, *options])
            assert "1 open" in result.output or "vanished" in result.output, result.output
            assert "\x1b]" not in result.output
            assert "\x1b[2J" not in result.output
            assert not any(line.startswith("# b") for line in result.output.splitlines())
            if options == ["--markdown"]:
                outside = re.sub(r"(`+) ?.*? ?\1", "", result.output)  # code spans show what they hold
                assert "<img" not in outside
                assert not re.search(r"(?<!\\)\[d(?<!\\)\]", outside)


# -- roles -------------------------------------------------------------------------------------------------------------


def _model(std: float) -> Model:
    shapes = {"h.0.attn.c_proj": (32, 32), "h.1.attn.c_proj": (32, 32), "h.0.mlp.c_proj": (32, 64)}

    def draws(case: Mapping[str, Any], dtype: str, device: str, seed: int, count: int) -> Iterator[dict[str, Any]]:
        rng = np.random.default_rng(seed)
        for _ in range(count):
            yield {name: np.float32(rng.normal(0, std, shape)) for name, shape in shapes.items()}

    return Model(
        name="tests.model", framework=Framework(name="tests", version=lambda: "1", devices=lambda: ("cpu",)),
        op="model", roles=(), draws=draws,
        parameters=lambda case: {name: Parameter(role="residual", shape=shape) for name, shape in shapes.items()},
    )  # fmt: skip


def test_a_role_that_moved_names_its_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = []
    for std in (0.02, 0.01):
        model = _model(std)
        monkeypatch.setattr(registry, "select", lambda targets, model=model: [model])
        recorded.append(decode(encode(record(["tests"], "a")), "here"))
    monkeypatch.setattr(registry, "named", lambda name: None)
    found = compare(*recorded)
    (change,) = found.changes
    assert (change.name, change.parameters) == ("tests.model.residual", ["h.*.attn.c_proj", "h.*.mlp.c_proj"])
    said: list[Callable[[], str]] = [
        lambda: "\n".join(str(line) for line in changes.lines(found)), lambda: changes.markdown(found).replace("\\", "")
    ]  # fmt: skip
    assert all("parameters: h.*.attn.c_proj, h.*.mlp.c_proj" in say() for say in said)


# -- size --------------------------------------------------------------------------------------------------------------


def test_thousands_of_laws_take_a_millisecond_each_at_most(sound: Baseline) -> None:
    other = record(["varlaw.numpy.he_normal"], "b")
    first, second = (
        msgspec.structs.replace(
            b, tensors=[msgspec.structs.replace(b.tensors[0], subject=f"s{i}") for i in range(3000)]
        )
        for b in (sound, other)
    )
    data = encode(first), encode(second)
    start = time.process_time()
    found = compare(*(decode(one, "here") for one in data))
    assert (found.laws, found.changes) == (3000, [])
    assert time.process_time() - start < 3

"""Whatever a user types or feeds the command, the answer is one line and a documented code, never a fault of ours.

`VARLAW_FUZZ=5000` in the environment tries as many inputs of each kind; by default it is a hundred.
"""

import contextlib
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from varlaw.cli import main
from varlaw.commands import report
from varlaw.identify.baseline.records import SCHEMA, Baseline, _sealed  # type: ignore[attr-defined]
from varlaw.reports.site import Library

CODES = {0, 1, 2, 3, 5}
_DATA = Path(__file__).parents[1] / "reports" / "data"
_BASELINE = Path(__file__).parents[2] / "reports" / "baselines" / "optax-0.2.8.json"
_FUZZ = hypothesis.settings(
    max_examples=int(os.environ.get("VARLAW_FUZZ", "100")),
    deadline=None,
    database=None,
    derandomize="VARLAW_FUZZ" not in os.environ,
    suppress_health_check=list(hypothesis.HealthCheck),
)
LONG = "9" * 400
DEEP = "[" * 100_000


def run(*arguments: str) -> tuple[int, str, str]:
    """The code, the output and the errors of one command in this process."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as left:
        main(arguments)
    out.flush()
    err.flush()
    texts = (stream.buffer.getvalue().decode() for stream in (out, err))  # type: ignore[attr-defined]
    return int(left.value.code or 0), *texts


def answered(*arguments: str) -> tuple[int, str]:
    """The code and the error line of a command, which must be documented ones."""
    code, out, err = run(*arguments)
    assert code in CODES, (code, err)
    for text in (out, err):
        assert "a fault of varlaw" not in text, (arguments, err[-600:])
        assert "Traceback" not in text
    lines = [line for line in err.splitlines() if line.startswith("varlaw: ") and "pyproject.toml gives" not in line]
    assert len(lines) == (code in (2, 5) and "Usage:" not in out) or code in (0, 1, 3), (code, err, out)
    return code, lines[-1] if lines else ""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(report, "library", lambda: Library(laws={}))  # the catalogue's pages take seconds


# -- the mistakes that people made -------------------------------------------------------------------------------------

ZEROS = ("verify", "varlaw.numpy.zeros", "--dtype", "float32", "-q")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((*ZEROS, "--yearly-decisions", LONG), 2, "is not in the range"),
        ((*ZEROS, "--yearly-decisions", "9" * 5000), 2, "is not a valid integer"),
        (("laws", "eval", "deepnorm.encoder_alpha", f"encoder_layers={LONG}", "decoder_layers=2"), 2, "but should be"),
        (("laws", "eval", "kernel.k1", f"c=-{LONG}"), 2, "but should be"),
        (("laws", "eval", "kernel.k1", f"c=1,{LONG}"), 2, "but should be"),
        (("laws", "show", "kernel.k1", f"c={LONG}"), 2, "but should be"),
        ((*ZEROS, "--jobs", str(2**31)), 2, "is not in the range 1<=x<=1024"),
        ((*ZEROS, "--jobs", LONG), 2, "is not in the range"),
        ((*ZEROS, "--json", "n" * 300), 2, "File name too long"),
        ((*ZEROS, "--report", "n" * 300), 2, "File name too long"),
        ((*ZEROS, "--ledger", "n" * 300), 2, "File name too long"),
        ((*ZEROS, "--json", "a/" * 3000), 2, "File name too long"),
        ((*ZEROS, "--report", "-"), 2, "should be a folder"),
        ((*ZEROS, "--ledger", "-"), 2, "should be a file"),
        (("identify", "varlaw.numpy.zeros", "--json", "n" * 300), 2, "File name too long"),
        (("baseline", "record", "varlaw.numpy.zeros", "-o", "n" * 300), 2, "File name too long"),
        (("laws", "list", "-o", "n" * 300), 2, "File name too long"),
        (("report", "n" * 300, "-o", "out"), 3, "File name too long"),
        (("report", "/dev/zero", "-o", "out"), 2, "no regular file"),
        (("report", ".", "-o", "out"), 2, "a folder"),
        (("report", "--benchmarks", "/dev/zero", "-o", "out"), 2, "no regular file"),
        (("baseline", "diff", "/dev/zero", "/dev/zero"), 2, "no regular file"),
        ((*ZEROS, "--salt", ""), 2, "salt='', but should be"),
        ((*ZEROS, "--salt", "a b"), 2, "salt='a b', but should be"),
        ((*ZEROS, "--dask", ""), 2, "dask='', but should be the address"),
        (("identify", "varlaw.numpy.zeros", "--salt", ""), 2, "salt='', but should be"),
        (("baseline", "record", "varlaw.numpy.zeros", "-o", "b.json", "--salt", ""), 2, "salt='', but should be"),
        ((*ZEROS, "--device", f"cuda:{LONG}"), 3, "could not run"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(arguments: tuple[str, ...], code: int, words: str) -> None:
    got, line = answered(*arguments)
    assert got == code, line
    assert words in line
    assert not [p for p in Path().iterdir() if p.suffix != ".toml"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tool = 3", "[tool] is 3, but should be a table"),
        ("[[tool]]", "[tool] is [{}], but should be a table"),
        ("[tool]\nvarlaw = []", "[tool.varlaw] is [], but should be a table"),
        ("x = " + "[" * 5000, "cannot be read"),
        ("[tool.varlaw.verify]\nno-color = nan", "no-color = nan, but should be true or false"),
        ('[tool.varlaw.verify]\nverbose = [""]', "verbose = [''], but should be a whole number"),
        ("[tool.varlaw.verify]\njobs = true", "jobs = True, but should be a whole number"),
        ("[tool.varlaw.verify]\njobs = 1.5", "jobs = 1.5, but should be a whole number"),
        ("[tool.varlaw.verify]\njson = 5", "json = 5, but should be text without"),
        ("[tool.varlaw.verify]\ntargets = [1979-05-27]", "should be text without zero bytes, or a list of such"),
        ('[tool.varlaw.verify]\njson = "zero\\u0000byte"', "should be text without zero bytes"),
        ('[tool.varlaw.verify]\nsalt = ""', "salt='', but should be"),
    ],
)
def test_a_mistake_in_pyproject_is_one_line(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    code, line = answered("verify", "varlaw.numpy.zeros", "--dtype", "float32", "-q")
    assert code == 2
    assert words in line
    assert answered("--version")[0] == answered("verify", "--help")[0] == 0


@pytest.mark.parametrize("arguments", [ZEROS, ("laws", "eval", "clip.norm", "norm=1", "limit=1"), ("--version",)])
def test_a_folder_that_was_removed(arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert answered(*arguments)[0] == 0
    if "verify" in arguments:
        assert answered(*arguments, "--json", "run.json")[0] == 2
        assert answered(*arguments, "--report", "out")[0] == 2
        assert answered(*arguments, "--ledger", "book")[0] == 2


def _change(found: Any, place: tuple[Any, ...], value: Any) -> Any:
    for step in place[:-1]:
        found = found[step]
    found[place[-1]] = value
    return found


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("run", "alpha"), 9, "Expected `float` <= 1.0 - at `$.run.alpha`"),
        (("verdicts", 0, "alpha"), -0.1, "Expected `float` >= 0.0 - at `$.verdicts[0].alpha`"),
        (("verdicts", 1, "samples"), -5, "Expected `int` >= 0 - at `$.verdicts[1].samples`"),
        (("verdicts", 1, "samples"), 10**30, "samples"),
        (("verdicts", 1, "delta"), -0.1, "delta"),
        (("verdicts", 1, "interval"), [5, 1], "got [5.0, 1.0] - at `$.verdicts[1].interval`"),
        (("verdicts", 1, "case"), {"x": _nested(600)}, "at most 20 levels - at `$.verdicts[1].case`"),
        (("verdicts", 1, "outcome"), "GOOD", "outcome"),
        (("run", "decisions"), -1, "decisions"),
    ],
)
def test_a_mistake_in_the_records_is_one_line(place: tuple[Any, ...], value: Any, words: str) -> None:
    found = json.loads((_DATA / "run-v1.json").read_bytes())
    _change(found, place, value)
    Path("run.json").write_text(json.dumps(found), encoding="utf-8")
    code, line = answered("report", "run.json", "-o", "out")
    assert code == 3
    assert words in line
    assert not Path("out").exists()


def _benchmarks() -> dict[str, Any]:
    def row(role: str) -> dict[str, Any]:
        extra = {"pair": "clip", "size": 1024, "goal": 1.0, "role": role} if role else {}
        return {"name": "t", "group": "g", "stats": {"min": 1e-3, "q1": 2e-3, "q3": 3e-3}, "extra_info": extra}

    return {"benchmarks": [row("ours"), row("theirs"), row("")], "machine_info": {"cpu": {"brand_raw": "X"}}}


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("stats", "q3"), "0.1", "Expected `float`, got `str` - at `$.benchmarks[0].stats.q3`"),
        (("stats", "q3"), [1], "stats.q3"),
        (("stats", "min"), 0, "stats.min"),
        (("name",), 5, "name"),
        (("group",), 5, "group"),
        (("extra_info", "goal"), "fast", "goal"),
        (("extra_info", "size"), 0.5, "size"),
    ],
)
def test_a_mistake_in_benchmarks_is_one_line(place: tuple[Any, ...], value: Any, words: str) -> None:
    found = _benchmarks()
    _change(found["benchmarks"][0], place, value)
    Path("b.json").write_text(json.dumps(found), encoding="utf-8")
    code, line = answered("report", "--benchmarks", "b.json", "-o", "out")
    assert code == 3
    assert words in line


@pytest.mark.parametrize(
    "data", [DEEP.encode(), b'{"schema":"varlaw.baseline/1","varlaw":"\xff"}', b"", b"{}", b"3", b"null"]
)
def test_what_is_no_record_is_one_line(data: bytes) -> None:
    Path("x.json").write_bytes(data)
    assert answered("baseline", "diff", "x.json", "x.json")[0] == 2
    assert answered("report", "x.json", "-o", "out")[0] == 3
    assert answered("report", "--benchmarks", "x.json", "-o", "out")[0] == 3
    assert answered("report", "--benchmarks", "b.json", "--baseline", "x.json", "-o", "out")[0] == 3


@pytest.mark.parametrize(
    "options",
    [
        *({"delta": value} for value in (1e-300, 1e-30, 0, 1, -0.1, float("nan"))),
        *({name: value} for name in ("alpha", "beta") for value in (5e-324, 0, 1, float("nan"))),
        *({"salt": value} for value in ("a b", None, 5, "", "a\n")),
        *({"name": value} for value in (5, "", b"x")),
        *({"max_samples": value} for value in (0, 0.5, "x")),
    ],
)
@pytest.mark.parametrize("function", ["check", "check_network"])
def test_a_mistake_in_an_argument_is_one_line(options: dict[str, Any], function: str) -> None:
    import varlaw

    extra = {"shape": (4, 4)} if function == "check" else {}
    with pytest.raises(ValueError, match="but should be") as caught:
        getattr(varlaw, function)(lambda *_: 1 / 0, varlaw.Normal(1.0), **extra, **options)
    assert "\n" not in str(caught.value)


# -- mistakes that nobody made yet -------------------------------------------------------------------------------------

_ODD: tuple[Any, ...] = (
    *(
        "",
        "-",
        "--",
        "a b",
        LONG,
        "-1",
        "0",
        "nan",
        "1e309",
        "n" * 300,
        "\u202e\x1b[2J",
        "..",
        "/",
        "/dev/null",
        "[",
        "{}",
    ),
    *(
        "varlaw.numpy.zeros",
        "varlaw.numpy.zeros.weight",
        "v1:::::",
        ":",
        "no.such:thing",
        "float99",
        "cuda:77",
        "x=y=z",
    ),
)
_TEXT = st.one_of(
    st.sampled_from(_ODD), st.text(max_size=12).map(lambda t: t.lstrip("/").replace("*", "").replace("?", ""))
)
_VERBS: dict[str, tuple[tuple[str, ...], tuple[str, ...], int]] = {
    "verify": (
        ("varlaw.numpy.zeros", "--dtype", "float32"),
        ("--policy", "--device", "--dtype", "--salt", "--jobs", "--dask", "--ledger", "--yearly-decisions", "--json",
         "--report", "-q", "-v", "--no-color", "--nonsense"),
        1,
    ),
    "identify": (("varlaw.numpy.zeros",), ("--salt", "--json", "-v"), 1),
    "replay": ((), ("--json", "--no-color"), 1),
    "report": ((), ("-o", "--baseline", "--benchmarks", "--json", "-q"), 2),
    "laws": ((), ("list", "show", "eval", "folklore", "--json", "-o"), 4),
    "baseline": ((), ("diff", "record", "-o", "--salt", "--json", "--markdown"), 3),
    "config": ((), ("show", "--json"), 1),
}  # fmt: skip


@st.composite
def _lines(draw: st.DrawFn) -> list[str]:
    verb = draw(st.sampled_from([*_VERBS, draw(_TEXT)]))
    fixed, options, free = _VERBS.get(verb, ((), (), 2))
    given: list[str] = [verb, *fixed]
    for _ in range(draw(st.integers(0, 3))):
        given += [draw(st.sampled_from(options or ("--json",))), *draw(st.lists(_TEXT, max_size=1))]
    return given + draw(st.lists(_TEXT, max_size=free))


@_FUZZ
@hypothesis.given(_lines())
def test_any_command_line_is_answered(arguments: list[str]) -> None:
    hypothesis.assume(not any("\0" in word for word in arguments))  # no system passes them on
    answered(*arguments)


_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from([10**20, 10**400, 2**63, 1e308, -1e308, -0.0]),
    st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=6), st.sampled_from(["", "x" * 2000, "\ud800"]),
    st.sampled_from(["[]", "{}", "[[]]", '{"": {}}', "[" * 40 + "]" * 40, "[" * 700 + "]" * 700]).map(json.loads),
)  # fmt: skip


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    if len(place) > 8:
        return
    for key, inner in items:
        yield (*place, key)
        yield from _places(inner, (*place, key))


@st.composite
def _spoiled(draw: st.DrawFn, whole: Callable[[], Any], seal: Callable[[Any], Any] = lambda found: found) -> bytes:
    """A record with up to three fields changed or gone, or with its bytes cut, flipped or put before it."""
    found = whole()
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(list(_places(found))))
        with contextlib.suppress(KeyError, IndexError, TypeError):  # what holds the place is gone already
            holder = _change(found, place, draw(_SCALARS))
            if draw(st.booleans()) and draw(st.booleans()):
                del holder[place[-1]]
    data = json.dumps(seal(found)).encode()
    how = draw(st.sampled_from(["as it is"] * 6 + ["cut", "flip", "before", "nan"]))
    at = draw(st.integers(0, len(data) - 1))
    if how == "cut":
        return data[:at]
    if how == "flip":
        return data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
    if how == "nan":
        return data.replace(b"0.", b"NaN", 1)
    return data if how == "as it is" else draw(st.sampled_from([b"\xef\xbb\xbf", b"[", DEEP.encode(), b"\0"])) + data


def _run_file() -> Any:
    return json.loads((_DATA / "run-v1.json").read_bytes())


@_FUZZ
@hypothesis.given(_spoiled(_run_file))
def test_any_record_of_a_run_is_answered(data: bytes) -> None:
    Path("run.json").write_bytes(data)
    answered("report", "run.json", "-o", "out", "--json")


@_FUZZ
@hypothesis.given(_spoiled(_benchmarks))
def test_any_file_of_benchmarks_is_answered(data: bytes) -> None:
    Path("b.json").write_bytes(data)
    answered("report", "--benchmarks", "b.json", "-o", "out")


def _baseline() -> Any:
    found = json.loads(_BASELINE.read_bytes())
    return {**found, "tensors": found["tensors"][:3], "facts": found["facts"][:3]}


def _resealed(found: Any) -> Any:
    """With a checksum that fits, where what is left is of the schema: the checksum is no key."""
    import msgspec

    try:
        return msgspec.to_builtins(_sealed(msgspec.convert({**found, "schema": SCHEMA}, Baseline)))
    except Exception:
        return found


@_FUZZ
@hypothesis.given(_spoiled(_baseline, _resealed))
def test_any_baseline_is_answered(data: bytes) -> None:
    Path("old.json").write_bytes(json.dumps(_resealed(_baseline())).encode())
    Path("new.json").write_bytes(data)
    answered("baseline", "diff", "old.json", "new.json", "--json", "changes.json")
    answered("baseline", "diff", "new.json", "old.json", "--markdown")


_KEYS = (
    ("varlaw.numpy.zeros", "init.documented", {"scale": 1.0, "shape": [64, 16]}),
    ("varlaw.numpy.clip_by_global_norm", "clip.open", {"entries": 10, "leaves": 3, "limit": 1.0, "norm": 0.5}),
    ("varlaw.numpy.zeros", "init.documented", {"scale": 0.02, "shape": [15]}),
)


@st.composite
def _keys(draw: st.DrawFn) -> str:
    name, claim, case = draw(st.sampled_from(_KEYS))
    fields = {"case": case, "device": "cpu", "dtype": "float32", "subject": name, "target": name}
    data = draw(_spoiled(lambda: json.loads(json.dumps(fields)))).decode("utf-8", "surrogateescape")
    head = draw(st.sampled_from(["v1"] * 6 + ["v2"])), draw(st.sampled_from(["s"] * 6 + ["", "a b", "\ud800"]))
    return ":".join([*head, draw(st.sampled_from(["pr"] * 6 + ["weekly"])), claim, data])


@_FUZZ
@hypothesis.given(_keys())
def test_any_replay_key_is_answered(key: str) -> None:
    answered("replay", key)


_NUMBERS = st.one_of(
    st.sampled_from([LONG, f"-{LONG}", "0", "-0.0", "1", "0.5", "nan", "inf", "-inf", "1e308", "5e-324", "1e-160"]),
    st.sampled_from(["3,4", "1e400,2", ",", "1,,2", "True", "1_0", "x", "\u0663"]),
    st.sampled_from(["gelu", "relu", "leaky_relu:-1", "elu:1e400"]),
    st.floats(allow_nan=False).map(repr), st.integers(-(2**70), 2**70).map(str), st.integers(1, 40).map(str),
)  # fmt: skip


@st.composite
def _cases(draw: st.DrawFn) -> list[str]:
    from varlaw.theory.catalogue import LAWS

    law = LAWS[draw(st.sampled_from(sorted(LAWS)))]
    names = [n for n in law.domain.ranges if draw(st.integers(0, 9))]
    return [law.name, *(f"{name}={draw(_NUMBERS)}" for name in names)]


@_FUZZ
@hypothesis.given(_cases())
def test_any_case_of_a_law_is_answered(words: list[str]) -> None:
    answered("laws", "eval", *words)
    answered("laws", "show", *words, "--json")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The ledger of a small run."""
    path = tmp_path_factory.mktemp("ledger") / "book"
    assert run(*ZEROS, "--ledger", str(path))[0] == 0
    return path.read_bytes()


@_FUZZ
@hypothesis.given(st.data())
def test_any_ledger_is_answered(ledger: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(ledger) - 1))
    odd = data.draw(
        st.sampled_from([b"", b"\n", b"\xff", b"{", DEEP.encode(), b"9" * 400, b'"crc":"00000000"', b"null\n"])
    )
    Path("book").write_bytes(ledger[:at] + odd + ledger[at + data.draw(st.integers(0, 40)) :])
    code, _ = answered(*ZEROS, "--ledger", "book")
    assert code in (0, 2)


_TOML = st.recursive(
    st.one_of(
        st.booleans().map(lambda b: str(b).lower()), st.integers(-(2**70), 2**70).map(str),
        st.sampled_from(["nan", "inf", "1e400", "1979-05-27", "3.5", "2"]),
        st.sampled_from(['""', '"x"', '"\\u0000"', '"' + "n" * 300 + '"']),
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda rows: f"[{', '.join(rows)}]")
    | st.lists(inner, max_size=2).map(lambda rows: "{" + ", ".join(f"k{k} = {v}" for k, v in enumerate(rows)) + "}"),
    max_leaves=6,
)  # fmt: skip
_WORDS = (
    *("policy", "device", "dtype", "salt", "json", "report", "ledger", "dask", "yearly-decisions", "quiet", "verbose"),
    *("no-color", "targets", "json_file", "nonsense"),
)


@st.composite
def _projects(draw: st.DrawFn) -> str:
    place = draw(
        st.sampled_from(["tool.varlaw.verify"] * 6 + ["tool", "tool.varlaw", "tool.varlaw.laws", "tool.varlaw.x"])
    )
    names = draw(st.lists(st.sampled_from(_WORDS), unique=True, max_size=3))
    body = "\n".join(f"{name} = {draw(_TOML)}" for name in names)
    return f"[{place}]\n{body}\n" + draw(st.sampled_from([""] * 8 + ["[", "x = 1\nx = 2", "\ud800"]))


@_FUZZ
@hypothesis.given(_projects())
def test_any_pyproject_is_answered(text: str) -> None:
    Path("pyproject.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    answered("config", "show", "--json")
    answered("verify", "varlaw.numpy.zeros", "--dtype", "float32", "--jobs", "1")
    answered("laws", "eval", "clip.norm", "norm=1", "limit=1")

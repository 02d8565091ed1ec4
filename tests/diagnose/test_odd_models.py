"""Models that no table foresees: they are seen as far as they can be, refused in one line, and never broken."""

import contextlib
import dataclasses
import io
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import varlaw
from tests.diagnose.models import batch, classify, dense, he
from varlaw import check_model
from varlaw.cli import main

X = batch("vector")


class Of(nn.Module):
    """A module whose forward pass is a function of itself and x, with a linear map to begin with."""

    def __init__(self, forward):
        super().__init__()
        self.first, self.head, self.body = nn.Linear(32, 16), nn.Linear(16, 10), forward

    def forward(self, x):
        return self.head(self.body(self.first(x)))


def _spectrum(h):
    return torch.fft.irfft(torch.fft.rfft(h), n=16)


ODD = {
    "in place": Of(lambda h: h.add_(1.0).relu_()),
    "complex": Of(_spectrum),
    "tuples": Of(lambda h: h.max(dim=1, keepdim=True)[0].expand(-1, 16)),
    "nothing returned": Of(lambda h: (torch.cuda.is_available(), h)[1]),
    "checkpoint": Of(lambda h: torch.utils.checkpoint.checkpoint(torch.tanh, h, use_reentrant=False)),
    "autocast": Of(lambda h: torch.autocast("cpu", torch.bfloat16)(torch.tanh)(h)),
    "vmap": Of(lambda h: torch.vmap(torch.tanh)(h)),
    "functional": Of(
        lambda h: torch.func.functional_call(nn.Linear(16, 16, bias=False), {"weight": torch.eye(16)}, (h,))
    ),
    "bfloat16": nn.Sequential(nn.Linear(32, 16), nn.GELU(), nn.Linear(16, 10)).to(torch.bfloat16),
    "integer parameter": Of(torch.tanh),
    "hooks of others": Of(torch.tanh),
    "shared module": (lambda layer: nn.Sequential(nn.Linear(32, 16), layer, nn.Tanh(), layer, nn.Linear(16, 10)))(
        nn.Linear(16, 16)
    ),
    "evaluated": nn.Sequential(nn.Linear(32, 16), nn.BatchNorm1d(16), nn.Linear(16, 10)).eval(),
}
ODD["integer parameter"].count = nn.Parameter(torch.ones(3, dtype=torch.int64), requires_grad=False)
ODD["hooks of others"].first.register_forward_hook(lambda m, i, o: o * 1.0)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.filterwarnings("ignore")
def test_an_odd_model_is_seen(name):
    model = ODD[name]
    x = X.to(torch.bfloat16) if name == "bfloat16" else X
    report = check_model(model, x, classify)
    assert report.ok, report
    assert report.record.loss is not None


def test_modules_without_parameters_have_nothing_to_find():
    report = check_model(nn.ReLU(), X)
    assert (report.ok, report.record.numbers) == (True, 0)


@pytest.mark.filterwarnings("ignore")
def test_quantised_layers_are_not_said_to_conform():
    model = torch.ao.quantization.quantize_dynamic(dense(2, he), {nn.Linear})
    report = check_model(model, X)
    assert report.ok
    assert "linear" not in {row.op for row in report.record.rows}


def test_a_model_that_fails_leaves_no_hooks():
    def fail(h):
        msg = "no"
        raise RuntimeError(msg)

    model = Of(fail)
    with pytest.raises(ValueError, match="the model fails on the batch: RuntimeError: no"):
        check_model(model, X)
    model.body = torch.tanh
    assert check_model(model, X).ok


def test_two_processes_see_a_sharded_model_whole():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    script = Path(__file__).with_name("two_ranks.py")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), port], capture_output=True, text=True, timeout=300
    )
    lines = sorted(line for line in done.stdout.splitlines() if line.startswith("rank"))
    ranks = [f"rank {r} broken {b}: {['2.weight'] if b else []} []" for r in (0, 1) for b in (False, True)]
    assert lines == ranks, done.stderr


def test_a_batch_that_raises_is_named():
    def broken(seed):
        raise RuntimeError("\n".join(("no data", f"of {seed}")))

    with pytest.raises(ValueError, match=r"broken raises RuntimeError: no data of"):
        check_model(lambda: nn.Linear(32, 10), broken)


class Odd(nn.Module):
    """A linear map, and a forward pass and further members that a test gives it."""

    def __init__(self, forward, **members):
        super().__init__()
        self.layer, self.body = nn.Linear(32, 10), forward
        for name, member in members.items():
            setattr(self, name, member)

    def forward(self, x):
        return self.body(self, x)


@dataclasses.dataclass
class Output:
    logits: torch.Tensor


def test_complex_maps_are_held_against_their_law():
    def build():
        weight = nn.Parameter(torch.randn(10, 64, dtype=torch.cfloat))
        return Odd(lambda m, x: (m.layer(x).to(torch.cfloat) @ m.weight).abs(), weight=weight)

    report = check_model(build, X)
    row = next(row for row in report.record.rows if "weight" in row.parameters)
    assert row.low < row.second < row.high
    assert report.ok, report


def test_weights_given_for_a_model_are_refused_in_one_line():
    with pytest.raises(TypeError, match=r"^build=OrderedDict, but should be"):
        check_model(nn.Linear(32, 10).state_dict(), X)


REFUSED = {
    "a complex loss": (lambda: Odd(lambda m, x: m.layer(x)), X, lambda m, x: m(x).mean() * 1j, "a complex number"),
    "an empty batch": (lambda: Odd(lambda m, x: m.layer(x)), X[:0], None, "should hold numbers"),
    "a loss of a list": (lambda: Odd(lambda m, x: m.layer(x)), X, lambda m, x: [m(x).mean()], "returns list"),
    "a build that raises": (lambda: 1 / 0, X, None, "ZeroDivisionError"),
    "a build of a tensor": (lambda: X, X, None, "returns Tensor"),
    "an in-place leaf": (lambda: Odd(lambda m, x: m.layer.weight.add_(1).sum()), X, None, "leaf Variable"),
    "an endless call": (lambda: Odd(lambda m, x: m(x)), X, None, "RecursionError"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore:global module forward hook")
def test_what_cannot_be_seen_is_refused_in_one_line(name):
    build, given, loss, says = REFUSED[name]
    with pytest.raises(ValueError, match=says) as caught:
        check_model(build, given, loss, redraws=2)
    assert "\n" not in str(caught.value)
    assert "[check_model]" in str(caught.value)


QUIET = {
    "a scripted model": lambda: torch.jit.script(nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 10))),
    "a sparse parameter": lambda: Odd(
        lambda m, x: torch.sparse.mm(m.mix, m.layer(x)), mix=nn.Parameter(torch.eye(64).to_sparse())
    ),
    "a parameter taken away": lambda: Odd(lambda m, x: (m.layer(x), delattr(m.layer, "bias"))[0]),
    "an output in a dataclass": lambda: Odd(lambda m, x: Output(m.layer(x))),
    "a number": lambda: Odd(lambda m, x: float(m.layer(x).sum())),
    "nothing": lambda: Odd(lambda m, x: None),
    "a scale by hand": lambda: Odd(lambda m, x: m.layer(x) * -0.5 + 1.0),
}


@pytest.mark.parametrize("name", QUIET)
@pytest.mark.filterwarnings("ignore")
def test_what_can_be_seen_in_part_alarms_nobody(name):
    report = check_model(QUIET[name], X, redraws=2)
    assert report.ok, report
    report.json()


def test_what_returns_no_tensor_says_that_gradients_were_not_seen():
    report = check_model(lambda: Odd(lambda m, x: None), X, redraws=1)
    assert any("returns NoneType" in reason for reason in report.record.blind)


def test_nan_that_was_written_is_not_memory_that_was_not():
    def build():
        return Odd(lambda m, x: m.layer(x) * m.scale, scale=nn.Parameter(torch.full((10,), float("nan"))))

    report = check_model(build, X, redraws=2)
    assert [(f.where, f.says) for f in report.findings if f.signal == "init.uninitialised"] == [
        (("scale",), "all of it is not finite")
    ]


def test_lengths_of_their_own():
    rows = torch.nested.nested_tensor([torch.randn(3, 32), torch.randn(5, 32)], layout=torch.jagged)
    report = check_model(lambda: nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 10)), rows, redraws=2)
    assert report.ok, report
    assert report.json()


def test_a_model_is_put_back_where_it_was():
    model = nn.Linear(32, 10)
    check_model(model, X, device="cpu")
    assert model.weight.device == torch.device("cpu")


def _two() -> torch.nn.Module:
    return torch.nn.Linear(4, 2)


def _exits(*given: Any) -> Any:
    raise SystemExit(0)


def _loss(model: Any, x: Any) -> Any:
    return model(x).square().mean()


ONES = torch.ones(8, 4)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: varlaw.check_model(_exits, ONES), "build fails: SystemExit: 0"),
        (lambda: varlaw.check_model(_two, _exits), "batch=_exits raises SystemExit: 0"),
        (lambda: varlaw.advise(_two, ONES, _exits), r"loss\(model, batch\) fails on the batch: SystemExit: 0"),
        (lambda: varlaw.check_model(_two, ONES, name=3j), "name=3j, but should be text"),  # type: ignore[arg-type]
        (lambda: varlaw.check_model(_two, ONES, device=()), r"device=\(\), but should be text"),  # type: ignore[arg-type]
        (lambda: varlaw.check_model(_two, ONES, policy=[]), r"policy=\[\], but should be one of"),  # type: ignore[arg-type]
        (lambda: varlaw.advise(_two, ONES, attempt=2), "attempt=2, but should be True or False"),  # type: ignore[arg-type]
        (lambda: varlaw.advise(_two, ONES, steps=0), "steps=0, but should be a whole number"),
        (lambda: varlaw.advise(_two, ONES, rate=True), "rate=True, but should be a number > 0"),
        (lambda: varlaw.check_widths(_two, ONES, widths=3), "widths=3, but should be three"),  # type: ignore[arg-type]
        (lambda: varlaw.check_widths(_two, ONES, widths=(1, 2, 3), law={}), "law={}, but should be"),  # type: ignore[arg-type]
        (lambda: varlaw.watch(_two(), None, salt=3), "salt=int, but should be letters"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_said_in_one_line_before_the_run(call: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.fixture
def _mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import torch\ndef make(): return torch.nn.Linear(4, 2)\ndef batch(seed): return torch.ones(8, 4)\n"
    (tmp_path / "myodd.py").write_text(f"{text}def leaves(): raise SystemExit(0)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "myodd", raising=False)


@pytest.mark.usefixtures("_mine")
@pytest.mark.parametrize("verb", ["check", "advise"])
def test_the_command_loses_no_result_and_takes_no_code_of_others(verb: str) -> None:
    code, out, err = _run(verb, "myodd:leaves", "--batch", "myodd:batch")
    assert (code, out, err.count("\n")) == (2, "", 1)
    code, plain, _ = _run(verb, "myodd:make", "--batch", "myodd:batch")
    failed, out, err = _run(verb, "myodd:make", "--batch", "myodd:batch", "--json", "myodd.py/x.json")
    assert (failed, err.count("\n"), out) == (3, 1, plain)
    again, out, err = _run(verb, "myodd:make", "--batch", "myodd:batch", "--json", "-")
    assert (again, err) == (code, plain)
    assert json.loads(out)


@pytest.mark.usefixtures("_mine")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("advise {} --steps 5", "--steps is of the short runs, but should be given with --try"),
        ("advise {} --json a.py --apply ./a.py", "a.py is named twice, but should take one result"),
        ("check {} --optimizer myodd:make", "--optimizer is of --widths, but should be given with it"),
        ("check {} --widths 8,16,32 --report out", "--report is of one model, but should be given without --widths"),
        ("check {} --json - --report -", "- is named twice, but should take one result"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(words: str, says: str) -> None:
    code, out, err = _run(*words.format("myodd:make --batch myodd:batch").split())
    assert (code, out, err) == (2, "", f"varlaw: {says}\n")


def _run(*arguments: str) -> tuple[int, str, str]:
    """The code, the output and the errors of one command in this process."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as left:
        main(arguments)
    out.flush()
    err.flush()
    texts = (stream.buffer.getvalue().decode() for stream in (out, err))  # type: ignore[attr-defined]
    return int(left.value.code or 0), *texts

"""Advice: what is wrong by initial values is fixed by the recipe, sound models are left alone, roles are kept."""

import functools
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from tests.diagnose.mistakes import MORE, low_rank
from tests.diagnose.models import PAIRS, Block, Language, batch, changed, classify, dense, he, loss_of, normal
from tests.diagnose.sound import SOUND
from varlaw import advise, check_model
from varlaw.diagnose.advising.following import activation_of
from varlaw.diagnose.records import Call
from varlaw.diagnose.torch.passing import seen
from varlaw.impl.torch import initialise
from varlaw.reports.model import advice as text

NAMED = {pair.name: pair for pair in (*PAIRS, *MORE)}
CURED = (
    "never written", "one residual scale forgotten", "copied layer", "std 1", "std 0.01", "torch's default, 20 deep",
    "residual without norm", "constant weights", "huge head", "dead units", "saturated units", "active adapter",
    "new tokens", "overflow", "passed over", "blocks copied", "gates alike", "gain of a norm zero in one block",
)  # fmt: skip


@functools.cache
def advice_on(name: str, healthy: bool = False):
    pair = NAMED[name]
    build, loss = (pair.healthy, pair.healthy_loss) if healthy else (pair.faulty, pair.loss)
    return advise(build, batch(pair.kind), loss or loss_of(pair.kind), name=name)


@pytest.mark.parametrize("name", CURED)
def test_the_recipe_mends_what_is_wrong(name: str):
    advice = advice_on(name)
    assert advice.record.symptoms
    assert advice.recipe
    assert advice.after.ok, advice
    model = NAMED[name].faulty()
    report = advice.apply(model)
    assert {r.name for r in report} == {n for n, _ in model.named_parameters()}
    again = check_model(model, batch(NAMED[name].kind), loss_of(NAMED[name].kind), name=name)
    assert again.ok, again


@pytest.mark.parametrize("name", CURED)
def test_its_sound_twin_is_left_alone(name: str):
    advice = advice_on(name, healthy=True)
    assert advice.healthy, advice
    assert (advice.recipe, advice.code) == ([], "")
    model = NAMED[name].healthy()
    before = {n: p.clone() for n, p in model.state_dict().items()}
    assert advice.apply(model) == []
    assert all(torch.equal(before[n], p) for n, p in model.state_dict().items())
    assert "nothing to change" in str(advice)


@pytest.mark.parametrize("name", list(SOUND)[:8])
def test_what_only_looks_like_a_mistake_is_left_alone(name: str):
    build, kind, loss = SOUND[name]
    assert advise(build, batch(kind), loss or loss_of(kind), name=name).recipe == []


@pytest.mark.parametrize("name", ["softmax before the loss", "two activations", "detached", "group norm of one value"])
def test_what_is_no_matter_of_initial_values_gets_no_recipe(name: str):
    advice = advice_on(name)
    assert advice.record.untreated
    assert advice.recipe == []


def sigmoids(depth: int) -> nn.Sequential:
    return dense(depth, nn.init.xavier_normal_, nn.Sigmoid)


def test_sigmoids_get_weights_that_hold_the_gradient():
    """It falls to 0.39 a map at E z^2 = 1, to 0.83 at 20: sigmoid's quarter."""
    advice = advise(lambda: sigmoids(10), VALUES[:, :32], classify, name="sigmoids")
    assert advice.after.ok, advice.after
    (rule,) = [rule for rule in advice.recipe if rule.names == "*.weight"]
    assert rule.gain == pytest.approx(math.sqrt(20 / 0.42), rel=0.05)  # E sigmoid(z)^2 = 0.42 of z ~ N(0, 20)


def test_deeper_sigmoids_need_a_norm_and_no_recipe():
    advice = advise(lambda: sigmoids(30), VALUES[:, :32], classify, name="sigmoids")
    assert advice.recipe == []
    (norm,) = [step for step in advice.record.steps if step.stage == "norm"]
    assert norm.code == "torch.nn.BatchNorm1d(64)"
    assert len(norm.where) == 30


def test_no_layer_norm_is_advised_behind_sigmoids():
    """It takes off no mean that all rows share; a batch of 8 carries no batch norm, and tanh is what is left."""
    advice = advise(lambda: sigmoids(30), VALUES[:8, :32], classify, name="sigmoids")
    codes = {step.code for step in advice.record.steps if step.stage in ("norm", "layer")}
    assert codes == {"torch.nn.Tanh()"}


def deep(activation: Callable[[], nn.Module], depth: int = 24) -> nn.Sequential:
    layers = [m for _ in range(depth) for m in (nn.Linear(64, 64), activation())]
    return changed(nn.Sequential(*layers, nn.Linear(64, 10)), lambda m: [p.mul_(0.1) for p in m.parameters()])


VALUES = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("activation", "gain"),
    [
        (nn.ReLU, math.sqrt(2)),
        (lambda: nn.LeakyReLU(0.2), math.sqrt(2 / 1.04)),
        (nn.GELU, 1.468),
        (nn.SiLU, 1.559),
    ],
)
def test_the_gain_is_that_of_what_follows(activation: Callable[[], nn.Module], gain: float):
    advice = advise(lambda: deep(activation), VALUES, classify, name="deep")
    gains = {rule.names: rule.gain for rule in advice.recipe if rule.law == "normal"}
    assert gains["*.weight"] == pytest.approx(gain, rel=2e-3)  # E x^2 of the batch is not quite 1


class ByHand(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))


class Gate(nn.Module):
    """Two maps, one of which gates the other: no activation of either."""

    def __init__(self) -> None:
        super().__init__()
        self.value, self.gate = nn.Linear(64, 64), nn.Linear(64, 64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.value(x) * torch.sigmoid(self.gate(x))


def test_an_activation_written_out_by_hand_gets_the_gain_that_is_measured():
    advice = advise(lambda: deep(ByHand, 12), VALUES, classify, name="by hand")
    gains = {rule.names: rule.gain for rule in advice.recipe if rule.law == "normal"}
    assert gains["*.weight"] == pytest.approx(
        1.5335, rel=0.15
    )  # as of nn.GELU; measured on 64 rows and units, one draw
    assert "as measured" in next(c.reason for c in advice.record.choices if c.law == "normal")
    gated = advise(
        lambda: changed(
            nn.Sequential(Gate(), Gate(), nn.Linear(64, 10)), lambda m: [p.mul_(0.1) for p in m.parameters()]
        ),
        VALUES,
        classify,
    )
    assert not any("as measured" in c.reason for c in gated.record.choices)


def test_depth_lowers_the_target_in_front_of_tanh():
    """24 maps at E z^2 = 1 make a gradient x7, which is within 10; with 60 it would be x135, at 0.25 it is x2.7."""
    shallow, far = (advise(lambda n=n: deep(nn.Tanh, n), VALUES, classify, name=f"tanh {n}") for n in (24, 60))
    assert "E z^2 = 1 in front of tanh" in str(shallow)
    assert "E z^2 = 0.25 in front of tanh" in str(far)
    assert far.after.ok


def test_fans_are_measured_with_their_borders():
    def build() -> nn.Module:
        layers = [m for n in (4, *[8] * 12) for m in (nn.Conv2d(n, 8, 3, padding=1, groups=2), nn.ReLU())]
        model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * 36, 10))
        return changed(model, lambda m: [p.mul_(0.05) for p in m.parameters()])

    signs = torch.randn(64, 4, 6, 6).sign()  # E x^2 = 1 at every place, exactly
    advice = advise(build, signs, classify, name="borders")
    fans = {c.name: c.fan for c in advice.record.changes if c.law == "normal"}
    assert fans["0.weight"] == pytest.approx(2 * (3 - 2 / 6) ** 2)  # padding.mean_taps, two channels of a group
    assert advice.after.ok


def test_the_way_is_foreseen():
    """Measured rms behind the recipe against the law's, at every operation of one draw of width 512."""

    def build() -> nn.Module:
        layers = [m for _ in range(10) for m in (nn.Linear(512, 512), nn.GELU())]
        return changed(nn.Sequential(*layers, nn.Linear(512, 10)), lambda m: [p.mul_(0.1) for p in m.parameters()])

    advice = advise(build, torch.randn(128, 512), classify, name="wide")
    rows = [r for r in advice.record.depths if r.after and r.foreseen_after]
    assert len(rows) == 21
    # sd of ln rms of one draw: half of sqrt(sum kappa/n), kappa 5, 10 maps of 512: 0.16; six of them
    assert all(abs(math.log(r.after / r.foreseen_after)) < 0.94 for r in rows)
    assert all(r.foreseen_before and r.before for r in rows)


def test_roles_frozen_parts_and_what_was_loaded_are_kept():
    saved = dense(8, he).state_dict()

    def build() -> nn.Module:
        body = dense(8, normal(0.001))
        body.load_state_dict(saved)
        model = nn.Sequential(body, nn.ReLU(), dense_on(10, 8))
        nn.init.eye_(model[2][0].weight)
        nn.init.zeros_(model[2][2].weight)
        model[2][4].requires_grad_(False)
        return model

    advice = advise(build, batch("vector"), classify, keep=["2.6.*"], name="kept")
    reasons = {c.name: c.reason for c in advice.record.choices if c.law == "keep"}
    if advice.recipe:
        assert reasons["0.0.weight"] == "was loaded"
        assert reasons["2.6.weight"] == "asked to be kept"
        assert reasons["2.4.weight"] == "is frozen"
    model = build()
    before = {n: p.clone() for n, p in model.state_dict().items()}
    advice.apply(model)
    assert all(torch.equal(before[n], p) for n, p in model.state_dict().items() if n.startswith(("0.", "2.4", "2.6")))


def test_draws_go_on_while_few_of_them_leave_it_open():
    advice = advise(lambda: dense(24, normal(1 / 8)), batch("vector"), classify, name="gain of 1")
    assert {"signal.shrinks", "gradient.shrinks"} <= {f.signal for f in advice.record.symptoms}
    assert advice.after.ok, advice


def dense_on(width: int, depth: int) -> nn.Sequential:
    layers = [m for _ in range(depth) for m in (nn.Linear(width, width), nn.ReLU())]
    return changed(nn.Sequential(*layers, nn.Linear(width, 10)), lambda m: [p.mul_(0.01) for p in m.parameters()])


def test_code_and_recipe_do_the_same():
    advice = advice_on("residual without norm")
    namespace: dict[str, Any] = {"model": NAMED["residual without norm"].faulty()}
    exec(advice.code, namespace)
    other = NAMED["residual without norm"].faulty()
    advice.apply(other)
    for (name, a), b in zip(namespace["model"].named_parameters(), other.parameters(), strict=True):
        assert name.endswith("bias") or torch.equal(a, b), name
    assert "1/30 of the stream each" in advice.code


def test_both_factors_at_zero_is_mended_by_one():
    advice = advise(
        lambda: low_rank(nn.init.zeros_, nn.init.zeros_), batch("vector"), classify, name="lora at a saddle"
    )
    assert advice.after.ok, advice
    assert {c.name: c.law for c in advice.record.changes} == {"first.weight": "normal", "second.weight": "zeros"} or {
        c.name for c in advice.record.changes
    } == {"first.weight"}


def test_an_lstm_gets_gates_that_keep():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.head = nn.LSTM(32, 32, batch_first=True), nn.Linear(32, 10)
            for p in self.rnn.parameters():
                nn.init.normal_(p, std=20.0 if p.ndim > 1 else 0.1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.rnn(x)[0][:, -1])

    advice = advise(Net, torch.randn(64, 10, 32), classify, name="lstm")
    if advice.recipe:  # where the pass of the recurrent layer shows a finding
        laws = {(c.name, c.part): c.law for c in advice.record.changes}
        assert laws[("rnn.weight_hh_l0", None)] == "orthogonal"
        assert laws[("rnn.bias_ih_l0", "f")] == "constant"


LONG = torch.randn(32, 50, 16, generator=torch.Generator().manual_seed(2))


class Recurrent(nn.Module):
    """A head on the last output of a recurrent layer whose parameters `fill` sets."""

    def __init__(self, cell: Any, fill: Callable[[nn.Module], Any]) -> None:
        super().__init__()
        self.rnn, self.head = cell(16, 24, 2, batch_first=True), nn.Linear(24, 10)
        fill(self.rnn)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(x)[0][:, -1])


class Stepped(nn.Module):
    """The same of cells that forward() calls step by step."""

    def __init__(self, cell: Any, fill: Callable[[nn.Module], Any]) -> None:
        super().__init__()
        self.cell, self.head = cell(16, 24), nn.Linear(24, 10)
        fill(self.cell)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = None
        for step in x.unbind(1):
            state = self.cell(step, state)
        return self.head(state[0] if isinstance(state, tuple) else state)


def forget(value: float) -> Callable[[nn.Module], Any]:
    def fill(rnn: nn.Module) -> None:
        for name, p in rnn.named_parameters():
            if "bias" in name:
                nn.init.zeros_(p)
                p.data[24:48] = value / 2

    return fill


def orthogonal(rnn: nn.Module) -> None:
    for p in rnn.parameters():
        _ = nn.init.orthogonal_(p) if p.ndim > 1 else nn.init.zeros_(p)


@pytest.mark.parametrize(
    ("cell", "fill", "says"),
    [
        (nn.LSTM, forget(0.0), "VIOLATES gradient.shrinks"),
        (nn.LSTM, forget(-4.0), "VIOLATES gradient.shrinks"),
        (nn.RNN, lambda rnn: nn.init.normal_(rnn.weight_hh_l1, std=1.0), "VIOLATES gradient.grows"),
        (nn.LSTM, forget(1.0), ""),
        (nn.LSTM, lambda rnn: None, "NOTE gradient.shrinks"),
        (nn.GRU, orthogonal, ""),
        (nn.LSTMCell, forget(0.0), "VIOLATES gradient.shrinks"),
        (nn.RNNCell, lambda cell: nn.init.normal_(cell.weight_hh, std=1.0), "VIOLATES gradient.grows"),
        (nn.LSTMCell, forget(1.0), ""),
        (nn.GRUCell, orthogonal, ""),
    ],
)
def test_gradients_come_back_through_time(cell: Any, fill: Callable[[nn.Module], Any], says: str):
    net = Stepped if issubclass(cell, nn.RNNCellBase) else Recurrent
    advice = advise(lambda: net(cell, fill), LONG, classify, name="through time")
    found = [f"{f.outcome} {f.signal}" for f in advice.before.findings]
    assert says in found if says else not found, advice.before
    assert bool(advice.recipe) == says.startswith("VIOLATES")
    assert advice.after.ok, advice.after


@pytest.mark.parametrize(("cell", "layer"), [(nn.LSTMCell, nn.LSTM), (nn.GRUCell, nn.GRU), (nn.RNNCell, nn.RNN)])
def test_a_loop_over_cells_is_the_layer_that_torch_has(cell: Any, layer: Any):
    looped = Stepped(cell, lambda _: None)
    fused = layer(16, 24, batch_first=True)
    fused.load_state_dict({f"{name}_l0": p for name, p in looped.cell.named_parameters()})
    gains = [
        [c.options["through_time"] for c in seen(m, LONG, None, seed=0).calls if "through_time" in c.options]
        for m in (looped, fused)
    ]
    assert [g.keys() for g in gains[0]] == [g.keys() for g in gains[1]]
    assert gains[0][0] == pytest.approx(gains[1][0], rel=1e-9)  # float64: the same sums in another order


def test_nothing_to_change_costs_no_pass_beyond_those_of_the_check():
    built, model = [], dense(8, he)

    def build() -> nn.Module:
        built.append(1)
        return dense(8, he)

    check_model(build, batch("vector"), classify, redraws=4, name="sound")
    once = len(built)
    assert advise(build, batch("vector"), classify, name="sound").healthy
    assert len(built) == 2 * once
    advice = advise(model, batch("vector"), classify, name="sound")
    measured = {row.path: row.second for row in advice.before.record.rows}
    assert all(d.before**2 == pytest.approx(measured[d.path], rel=1e-12) for d in advice.record.depths)
    with pytest.raises(ValueError, match="matches no parameter"):
        advise(model, batch("vector"), classify, keep=["nothing.*"])


@pytest.mark.parametrize("width", [60, 80, 120])
def test_text_keeps_its_width(width: int):
    advice = advice_on("residual without norm")
    shown = text.render(advice.record, width).replace(advice.code, "")
    assert max(len(line) for line in shown.splitlines() if not line.strip().startswith("torch.")) <= width
    assert "[residual.scaled_growth]" in shown


def test_forms(tmp_path: Any):
    jsonschema = pytest.importorskip("jsonschema")
    from varlaw.reports.model import schema

    advice = advice_on("std 1")
    data = json.loads(advice.json(tmp_path / "a.json"))
    assert data["schema"] == "varlaw.advice/1"
    jsonschema.validate(data, schema.json_schema("advice.schema.json"))
    assert (tmp_path / "a.json").read_text() == advice.json()
    assert "<pre>" in advice._repr_html_()
    assert len(advice.explain()) >= len(str(advice))
    advice.write(tmp_path / "recipe.py", NAMED["std 1"].faulty)
    assert (tmp_path / "recipe.py").read_text().strip() == advice.code
    advice.write(tmp_path / "model.pt", NAMED["std 1"].faulty)
    state = torch.load(tmp_path / "model.pt")
    assert float(state["2.weight"].std()) == pytest.approx(math.sqrt(2 / 64), rel=0.1)  # 4,096 entries: 9 sd


def test_every_source_is_a_law():
    from varlaw.theory.catalogue import LAWS

    for name in CURED:
        record = advice_on(name).record
        named = {c.source for c in record.changes} | {s.source for s in record.steps}
        assert named - {""} <= set(LAWS)


@pytest.mark.parametrize(
    ("op", "options", "name"),
    [
        ("gelu", {"approximate": "tanh"}, "gelu_tanh"),
        ("gelu", {}, "gelu"),
        ("leaky_relu", {"negative_slope": 0.3}, "leaky_relu:0.3"),
        ("elu", {"argument_1": 2}, "elu:2.0"),
        ("threshold", {"threshold": 0.5}, None),
        ("glu", {}, None),
    ],
)
def test_activations_are_read_as_they_are_called(op: str, options: dict[str, Any], name: str | None):
    assert activation_of(Call(number=0, path="", op=op, kind="activation", options=options), {}) == name


def test_a_glob_without_a_match_is_one_line():
    with pytest.raises(ValueError, match=r"keep='nothing\.\*' matches no parameter of the model \[advise\]"):
        advise(lambda: dense(8, normal(0.01)), batch("vector"), classify, keep=["nothing.*"])


def test_a_recipe_of_blocks_is_short():
    model = lambda: nn.Sequential(*[Block(32, norm=False) for _ in range(30)], nn.Linear(32, 10))  # noqa: E731
    advice = advise(model, batch("vector"), classify, name="blocks")
    assert len(advice.recipe) <= 6
    initialise(model(), advice.recipe, key=1)


def test_a_language_model_is_left_alone():
    assert advise(Language, batch("tokens"), loss_of("tokens"), name="gpt").healthy


MODULE = """
import torch
from torch import nn
def make(): return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
def deep(): return nn.Sequential(*[m for _ in range(20) for m in (nn.Linear(8, 8), nn.Tanh())], nn.Linear(8, 4))
def broken():
    m = make(); nn.init.constant_(m[0].weight, 0.1); return m
def batch(seed): return torch.randn(32, 8, generator=torch.Generator().manual_seed(seed))
def loss(model, x): return nn.functional.cross_entropy(model(x), torch.arange(32) % 4)
def raises(): raise RuntimeError("no such file")
wrong = torch.ones(2, 5)
"""


def _run(folder: Any, *words: str):
    (folder / "mine.py").write_text(MODULE)
    command = [sys.executable, "-m", "varlaw", "advise", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_command(tmp_path: Any):
    good = _run(tmp_path, "mine:make", "--batch", "mine:batch", "--loss", "mine:loss")
    assert (good.returncode, good.stderr) == (0, "")
    assert "nothing to change" in good.stdout
    words = ("--json", "a.json", "--report", "out", "--apply", "recipe.py")
    bad = _run(tmp_path, "mine:broken", "--batch", "mine:batch", "--loss", "mine:loss", *words)
    assert (bad.returncode, bad.stderr) == (1, "")
    assert "Rule('0.weight', 'normal', gain=1.414)" in bad.stdout
    assert (tmp_path / "recipe.py").read_text().startswith("from varlaw.impl.torch import")
    assert all((tmp_path / "out" / name).exists() for name in ("index.html", "before.html", "after.html"))
    assert json.loads((tmp_path / "a.json").read_text())["name"] == "mine:broken"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("mine:make",), "--batch is missing"),
        (("mine:raises", "--batch", "mine:batch"), "no such file"),
        (("mine:make", "--batch", "mine:wrong"), "fails on the batch"),
        (("mine:broken", "--batch", "mine:batch", "--keep", "x*"), "keep='x*' matches no parameter"),
        (("mine:make", "--batch", "mine:batch", "--apply", "x.txt"), "should end with .py"),
        (("mine:make", "--batch", "mine:batch", "--salt", "a b"), "salt='a b'"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Any, words: tuple[str, ...], says: str):
    done = _run(tmp_path, *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not re.search("fault of varlaw", done.stderr)

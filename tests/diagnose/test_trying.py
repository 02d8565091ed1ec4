"""Trials of remedies and calibration: cures are shown, idle remedies refused, roles kept, risks held."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.diagnose.curable import CURABLE, Curable
from tests.diagnose.models import Block, batch, changed, classify, dense, he, normal
from varlaw import advise, calibrate
from varlaw.diagnose.advising import activations
from varlaw.diagnose.advising.deciding import ALPHA, BETA, decided
from varlaw.diagnose.advising.looking import looked
from varlaw.diagnose.advising.profile import Profile
from varlaw.diagnose.advising.targets import Targets
from varlaw.evidence.streams import Key

QUICK = ("std too small", "deep sigmoid", "huge head")


def tried(one: Curable, build: Callable[[], nn.Module]):
    return advise(build, one.batch, one.loss, attempt=True, steps=one.steps, rate=one.rate, name=one.name)


@pytest.mark.parametrize("name", QUICK)
def test_a_faulty_model_is_cured_and_the_pairs_say_so(name: str):
    one = CURABLE[name]
    advice = tried(one, one.faulty)
    assert advice.works is not None, advice
    assert advice.works.stage == one.cure
    assert advice.works.pairs == advice.works.removed == 21
    assert "(alpha 1e-6, 21 pairs, 21 of them free of it)" in " ".join(str(advice).split())


@pytest.mark.parametrize("name", QUICK)
def test_on_its_sound_twin_every_remedy_is_refused(name: str):
    one = CURABLE[name]
    advice = tried(one, one.healthy)
    assert advice.recipe == []
    assert advice.works is None
    assert [t.outcome for t in advice.record.trials] == ["REFUSED"]


@pytest.mark.parametrize("name", CURABLE)
def test_every_faulty_model_gets_what_cures_it_and_its_twin_nothing(name: str):
    """Without trials: a recipe behind which nothing is wrong, or the place of a norm."""
    one = CURABLE[name]
    advice = advise(one.faulty, one.batch, one.loss, name=name)
    assert bool(advice.recipe) == (one.cure == "initialisation"), advice
    assert advice.after.ok == (one.cure == "initialisation")
    assert ("norm" in {step.stage for step in advice.record.steps}) == (one.cure == "norm")
    assert advise(one.healthy, one.batch, one.loss, name=name).healthy


def test_a_norm_that_works_is_put_in():
    one = CURABLE["deeper sigmoid"]
    advice = tried(one, one.faulty)
    model = one.faulty()
    assert advice.apply(model) == []
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm1d)]
    assert len(norms) == 30
    sizes = [m(torch.randn(64, 64)).std() for m in norms[:1]]
    assert torch.isfinite(torch.stack(sizes)).all()
    assert "0.advised_norm.weight" in model.state_dict()


class Bare(nn.Module):
    """Maps that are parameters, not modules: no place for a norm."""

    def __init__(self, depth: int = 40) -> None:
        super().__init__()
        self.maps = nn.ParameterList(torch.randn(64, 64) / 8 for _ in range(depth))
        self.acts = nn.ModuleList(nn.Sigmoid() for _ in range(depth))
        self.first, self.head = nn.Linear(32, 64), nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        for weight, act in zip(self.maps, self.acts, strict=True):
            x = act(F.linear(x, weight))
        return self.head(x)


def test_where_the_activation_is_the_cause_another_is_tried_with_the_values_that_it_asks_for():
    """Sigmoid's quarter: no weights help over 40 maps, a norm has no place, tanh does."""
    advice = advise(Bare, batch("vector"), classify, attempt=True, steps=1, name="sigmoids")
    step = next(s for s in advice.record.steps if s.code == "torch.nn.Tanh()")
    assert len(step.where) == 40
    assert "no weights hold the gradient through sigmoid, x0.83 a map at E z^2 = 20" in step.says
    assert advice.works is not None, advice
    assert (advice.works.stage, advice.works.pairs) == ("layer", 21)
    assert "Tanh at 40 places" in advice.works.says
    assert advice.recipe
    assert advice.after.ok
    model = Bare()
    advice.apply(model)
    assert sum(isinstance(m, nn.Tanh) for m in model.modules()) == 40
    assert not any(isinstance(m, nn.Sigmoid) for m in model.modules())


def test_gates_and_probabilities_keep_their_sigmoid():
    class Gate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.map, self.gate, self.act = nn.Linear(64, 64), nn.Linear(64, 64), nn.Sigmoid()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.map(x) * self.act(self.gate(x))

    model = nn.Sequential(nn.Linear(32, 64), *[Gate() for _ in range(12)], nn.Linear(64, 1), nn.Sigmoid())
    look = looked(model, batch("vector"), None, (), Key("here", "gates"))
    assert activations.places(look) == {}
    assert not Targets(Profile(look.sight, look.graph, look.seconds).run()).holds("sigmoid")  # they stay at E z^2 <= 1


class Squares(nn.Module):
    """A norm that sums squares in float16."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / (x.square().sum(-1, keepdim=True) / x.shape[-1] + 1e-3).sqrt()


def test_a_norm_that_leaves_float16_is_computed_in_float32():
    def build() -> nn.Module:
        return nn.Sequential(nn.Linear(32, 64), Squares(), nn.Linear(64, 10)).half()

    def loss(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return classify(model, x).float()

    large = (batch("vector") * 200).half()  # activations of 100, whose squares are a sixth of the range each
    advice = advise(build, large, loss, attempt=True, steps=1, keep=["0.*"], name="half")
    assert {f.signal for f in advice.record.symptoms} == {"number.range"}
    assert [s.where for s in advice.record.steps if "65,504" in s.says] == [("1",)]
    assert advice.works is not None, advice
    assert "float32 in 1 removes number.range" in advice.works.says
    model = build()
    advice.apply(model)
    assert model(large).dtype == torch.float16
    assert bool(model(large).isfinite().all())
    assert {n: p.dtype for n, p in model.named_parameters()}["0.weight"] == torch.float16


def test_values_that_remove_what_only_runs_show_become_the_recipe(monkeypatch: pytest.MonkeyPatch):
    from varlaw.diagnose.advising import advise as room

    def lawful(plain: Any, course: Any, wanted: Any, remedies: Any, key: Any) -> Any:
        return [], next(r for r in remedies if r.stage == "initialisation")

    monkeypatch.setattr(room, "tried", lawful)
    advice = advise(lambda: dense(3, he), batch("vector"), classify, attempt=True, name="runs")
    assert advice.record.symptoms == []
    assert advice.recipe
    assert "4 of 8 parameters change" in str(advice)


def test_a_loss_that_starts_higher_and_falls_to_where_it_stood_is_no_cure_of_a_stuck_one():
    from varlaw.diagnose.advising.trying import Course, _ill

    ill = partial(_ill, lambda: dense(2, he), Course(batch("vector"), classify, 1, 1e-3), ("loss.stuck",))
    assert ill([2.5, 2.4], 2.3, Key("here", "stuck"))
    assert not ill([2.5, 2.2], 2.3, Key("here", "stuck"))


def test_a_rate_that_bursts_is_found_and_lowered():
    advice = advise(lambda: dense(3, he), batch("vector"), classify, attempt=True, rate=3.0, steps=10, name="rate")
    assert advice.recipe == []
    assert advice.works is not None, advice
    assert advice.works.stage == "rate"


def test_a_remedy_that_does_nothing_is_told():
    trial = decided("initialisation", "signal.grows", "it", lambda number: (True, True))
    assert (trial.outcome, trial.pairs) == ("DOES_NOT", 4)
    assert "does not remove signal.grows (beta 1e-3, 4 pairs, 0 free of it)" in trial.says
    idle = decided("norm", "signal.grows", "it", lambda number: (False, False))
    assert (idle.outcome, idle.pairs) == ("REFUSED", 0)


@pytest.mark.parametrize(("q", "wrong", "risk"), [(0.5, "REMOVES", ALPHA), (0.9, "DOES_NOT", BETA)])
def test_the_risks_of_the_bets_hold(q: float, wrong: str, risk: float):
    """At the edge of each null: of 4,000 trials a wrong word has probability `risk` each."""
    draws = np.random.Generator(np.random.Philox(key=7))
    count = sum(
        decided("x", "y", "z", lambda number: (True, bool(draws.random() > q))).outcome == wrong for _ in range(4000)
    )
    from scipy.special import bdtrc

    assert bdtrc(count - 1, 4000, risk) > 1e-9 if count else True


def test_a_trial_needs_a_loss():
    with pytest.raises(ValueError, match=r"loss is missing.*\[advise\]"):
        advise(lambda: dense(2, he), batch("vector"), attempt=True)


@pytest.mark.parametrize(
    ("steps", "rate", "says"), [(0, 0.1, "steps=0"), (2, -1.0, "rate=-1.0"), (True, 1.0, "steps=True")]
)
def test_bad_numbers_are_one_line(steps: int, rate: float, says: str):
    with pytest.raises(ValueError, match=says):
        advise(lambda: dense(2, he), batch("vector"), classify, attempt=True, steps=steps, rate=rate)


# -- calibration -------------------------------------------------------------------------------------------------------


def fresh(seed: int) -> torch.Tensor:
    return torch.randn(2048, 32, generator=torch.Generator().manual_seed(seed))


def bent(z: torch.Tensor) -> torch.Tensor:
    return torch.where(z > 0, z, -torch.log1p(-z.clamp(max=0)))


class Odd(nn.Module):
    """An activation that no table has, and a merge of two signals."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(32 if i == 0 else 64, 64) for i in range(6))
        self.head = nn.Linear(64, 10)
        changed(self, lambda m: [p.mul_(0.05) for p in m.parameters()])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.maps:
            x = bent(layer(x))
        return self.head(x)


def test_maps_are_brought_to_their_targets_where_no_law_has_an_answer():
    model = Odd()
    done = calibrate(model, fresh)
    assert done.ok, done
    with torch.no_grad():
        h = fresh(99)
        for layer, row in zip(model.maps, done.rows, strict=False):
            z = layer(h)
            low, high = row.interval or (0.0, 0.0)
            assert (1 + 0.05) ** -2 <= low <= high <= (1 + 0.05) ** 2
            assert row.factor > 2
            h = bent(z)


def test_a_lawful_model_keeps_its_size():
    done = calibrate(dense(4, he, width=512), fresh)
    assert all(0.8 < row.factor < 1.25 for row in done.rows[:4]), done


def test_one_small_batch_decides_nothing():
    done = calibrate(dense(3, normal(0.01)), torch.randn(16, 32))
    assert not done.ok
    assert {row.outcome for row in done.rows} == {"UNDECIDED"}


def test_roles_are_refused():
    model = dense(4, normal(0.01))
    nn.init.zeros_(model[6].weight)
    nn.init.eye_(model[2].weight)
    model[0].requires_grad_(False)
    before = {n: p.clone() for n, p in model.state_dict().items()}
    done = calibrate(model, fresh, keep=["8.*"])
    refused = {row.name: row.reason for row in done.rows if row.outcome == "REFUSED"}
    assert set(refused) == {"0.weight", "2.weight", "6.weight", "8.weight"}
    assert all(torch.equal(before[n], p) for n, p in model.state_dict().items() if n != "4.weight")
    assert "scaling would undo that" in str(done)


def test_what_values_show_to_be_on_purpose_is_refused():
    model = nn.Sequential(dense(4, he, classes=32), Block(32), nn.Linear(32, 10))
    model[0][2].weight.data = torch.eye(64)[torch.randperm(64, generator=torch.Generator().manual_seed(0))] / 2
    nn.init.constant_(model[0][4].weight, 1 / 64)
    model[1].down.weight.data.mul_(1e-4)
    refused = {row.name: row.reason for row in calibrate(model, fresh).rows if row.outcome == "REFUSED"}
    assert [refused[f"{n}.weight"].partition(":")[0] for n in ("0.2", "0.4", "1.down")] == [
        "starts as the identity, or as a permutation", "is a filter whose entries are one number",
        "starts near zero at the end of a branch",
    ]  # fmt: skip
    assert len(refused) == 3


def test_a_head_that_is_a_table_of_tokens_too_is_refused():
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.map, self.head = nn.Embedding(50, 32), nn.Linear(32, 32), nn.Linear(32, 50, bias=False)
            self.head.weight = self.table.weight

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(torch.tanh(self.map(self.table(x))))

    model = Tied()
    before = model.table.weight.clone()
    texts = torch.randint(50, (64, 8), generator=torch.Generator().manual_seed(1))
    done = {row.name: row for row in calibrate(model, texts).rows}
    assert "is a table of tokens, too" in done["table.weight"].reason
    assert done["map.weight"].factor > 1.5
    assert torch.equal(model.table.weight, before)


def test_calibration_leaves_all_but_weights_alone():
    model = nn.Sequential(nn.Linear(32, 64), nn.BatchNorm1d(64), nn.Softplus(), nn.Linear(64, 10))
    state, rng = {n: b.clone() for n, b in model.named_buffers()}, torch.get_rng_state()
    calibrate(model, fresh)
    assert all(torch.equal(state[n], b) for n, b in model.named_buffers())
    assert torch.equal(rng, torch.get_rng_state())
    assert all(p.grad is None for p in model.parameters())


def test_no_model_is_one_line():
    wrong: Any = F.relu
    with pytest.raises(TypeError, match=r"should be a torch.nn.Module \[calibrate\]"):
        calibrate(wrong, fresh)


def test_a_bet_at_its_null_is_no_gain():
    """E e <= 1 at q = 1/2: exactly, over all outcomes of eight pairs."""
    from varlaw.diagnose.advising.deciding import keeps, removes
    from varlaw.evidence.rate import Tally

    for value, q in ((removes, 0.5), (keeps, 0.9)):
        mean = sum(math.comb(8, k) * q**k * (1 - q) ** (8 - k) * math.exp(value(Tally(8, k))) for k in range(9))
        assert mean == pytest.approx(1)

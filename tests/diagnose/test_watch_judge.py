"""The judge of a run on plain numbers: each word comes out of what it is about, restarts forget, facts stay."""

import numpy as np
import pytest

from varlaw.diagnose.watching.above import Mostly
from varlaw.diagnose.watching.activations import _explained, due
from varlaw.diagnose.watching.judge import Judge
from varlaw.diagnose.watching.jumps import Jumps
from varlaw.diagnose.watching.levels import Levels
from varlaw.diagnose.watching.outside import Outside
from varlaw.diagnose.watching.raised import Raised
from varlaw.diagnose.watching.records import Step
from varlaw.diagnose.watching.spikes import RING, Again, Spikes, precedence

NOISE = np.random.default_rng(0).standard_normal((6000, 3))


def said(steps, *, loss=lambda t: 1.0, gradient=lambda t: 1.0, update=lambda t: 1e-3, noise=0.1, **numbers):
    """(step, word, outcome) of what is said of a run of one tensor; numbers may be functions of the step."""
    judge, outside, found = Judge(["w"]), Outside(), []
    for t in range(1, steps + 1):
        loud = np.exp(noise * NOISE[t])
        g, u = gradient(t) * loud[1], update(t) * loud[2]
        others = {"rate": 0.1, "weight": 1.0, "trained": 1} | numbers
        others = {name: value(t) if callable(value) else value for name, value in others.items()}
        record = Step(step=t, loss=loss(t) * loud[0], gradient=g, update=u, **others)
        facts = [*judge.step(record, np.array([g]), np.array([u])), *outside.step(record, ["w"])]
        found += [(t, f.signal, f.outcome) for f in facts]
    return found


def words(found):
    return {word for _, word, outcome in found if outcome == "VIOLATES"}


def falling(t):
    return 1 + 9 * np.exp(-t / 50)


CHANGES = {
    "loss.grows": {"loss": lambda t: falling(t) * (4.0 if t > 900 else 1.0)},
    "loss.oscillates": {"loss": lambda t: falling(t) * (1.3 if t > 900 and t % 2 else 1.0)},
    "gradient.grows": {"loss": lambda t: 1 if t > 800 else falling(t), "gradient": lambda t: 1.6 if t > 900 else 1.0},
    "gradient.spike": {"loss": falling, "gradient": lambda t: 50.0 if t == 1400 else 1.0},
    "gradient.spikes": {"loss": falling, "gradient": lambda t: 50.0 if t > 1200 and t % 40 == 0 else 1.0},
    "update.large": {"loss": falling, "update": lambda t: 0.9},
    "update.lost": {"loss": falling, "lost": 0.99},
    "weight.grows": {"weight": lambda t: 3 ** (t / 1000)},
    "weight.shrinks": {"weight": lambda t: 3 ** (-t / 1000)},
    "loss.stuck": {"noise": 0.02},
    "update.small": {"noise": 0.02, "update": lambda t: 1e-8},
}


@pytest.mark.parametrize("word", CHANGES)
def test_each_word_is_said_of_what_it_is_about_and_not_before(word):
    found = said(1900 if "spikes" in word else 1420, **CHANGES[word])
    first = min(t for t, name, _ in found if name == word)
    assert word in words(found)
    begins = {"loss.grows": 900, "loss.oscillates": 900, "gradient.grows": 900, "gradient.spike": 1400}
    assert first >= begins.get(word, 0)


def test_weights_that_flew_away_are_named_at_once():
    found = said(200, loss=lambda t: 1.0 if t < 10 else 50.0, weight=lambda t: 1.0 if t < 10 else 1e4)
    assert min(t for t, word, _ in found if word == "weight.grows") <= 64


THROWN = {"update": lambda t: 0.9 if t == 1 else 1e-3}
FADING = {"weight": lambda t: 0.05 + np.exp(-t / 60)}
EARLY = {  # (loss, other numbers, word, step by which a violation is said; 0 where none is)
    "thrown at once": (lambda t: 1.0 if t < 2 else 3.0, THROWN, "update.large", 9),
    "thrown, and learns": (lambda t: 10 / (9 + t), THROWN, "update.large", 0),
    "thrown, and noisy": (lambda t: 1.0 if t in (1, 5) else 3.0, THROWN, "update.large", 0),
    "rises by itself": (lambda t: 1.0 if t < 2 else 3.0, {}, "update.large", 0),
    "fades for nothing": (lambda t: 1.0, FADING, "weight.shrinks", 192),
    "fades, and learns": (lambda t: 10 / (1 + t / 50), FADING, "weight.shrinks", 0),
    "fades within a block": (lambda t: np.exp(-t / 10), {"weight": lambda t: np.exp(-t / 20)}, "weight.shrinks", 0),
    "fades slowly": (lambda t: 1.0, {"weight": lambda t: np.exp(-t / 1000)}, "weight.shrinks", 0),
}


@pytest.mark.parametrize("name", EARLY)
def test_what_the_first_steps_throw_or_lose_is_said_soon(name):
    loss, numbers, word, by = EARLY[name]
    at = [t for t, said_word, outcome in said(400, loss=loss, **numbers) if (said_word, outcome) == (word, "VIOLATES")]
    assert at[:1] <= [by]
    assert bool(at) == bool(by)


def test_weights_that_grow_ever_more_slowly_are_a_note():
    grown = said(1100, weight=lambda t: 3 - 2 * np.exp(-t / 100))
    assert ("weight.grows", "NOTE") in {(word, outcome) for _, word, outcome in grown}


def test_what_learns_and_grows_is_a_note():
    found = said(1300, loss=lambda t: 10 * np.exp(-t / 100), gradient=lambda t: np.exp(max(0, t - 800) / 100))
    assert ("gradient.grows", "NOTE") in {(word, outcome) for _, word, outcome in found}
    assert words(found) == set()
    grown = said(1300, loss=lambda t: 10 / (1 + t / 50), weight=lambda t: 3 ** (t / 1000))
    assert ("weight.grows", "NOTE") in {(word, outcome) for _, word, outcome in grown}


CURED = {  # what comes back, or was never far away: (numbers, what is noted)
    "harder data, then learnt": ({"loss": lambda t: falling(t) + 2 * np.exp(-max(0, t - 900) / 60) * (t > 900)}, True),
    "updates after new data": ({"loss": falling, "update": lambda t: 1e-3 * (1 + 3 * (1200 < t < 1290))}, True),
    "a large update that helps": ({"loss": falling, "weight": lambda t: 1.0 if t < 200 else 9.0,
                                   "update": lambda t: 8.0 if t == 200 else 1e-3}, True),
    "back by a hundredth": ({"loss": lambda t: (1 + 2 * np.exp(-t / 50)) * (1 if t < 900 else 2 - t / 9e4),
                             "noise": 0.02}, None),
    "half way back": ({"loss": lambda t: falling(t) + 3.5 * (t > 900)}, None),
}  # fmt: skip


JUMPED_AT = 250  # while it still falls
JUMPS = {  # loss from there on, and by which step it is noted, and by which a violation; 0: never
    "a third of what was learnt": (lambda t: 4 * falling(t), 320, 450),
    "a little, and below what it was": (lambda t: 1.6 * falling(t), 0, 0),
    "learnt again": (lambda t: falling(t) + 3 * np.exp(-(t - JUMPED_AT) / 60), 320, 0),
    "worse than untrained, then learnt again": (lambda t: falling(t) + 60 * np.exp(-(t - JUMPED_AT) / 20), 320, 290),
    "it falls on": (falling, 0, 0),
}


@pytest.mark.parametrize("name", JUMPS)
def test_a_jump_of_a_loss_that_still_falls_is_counted(name):
    after, noted, violated = JUMPS[name]
    found = said(600, loss=lambda t: falling(t) if t < JUMPED_AT else after(t), noise=0.15)
    for outcome, by in (("NOTE", noted), ("VIOLATES", violated)):
        at = [t for t, word, other in found if (word, other) == ("loss.grows", outcome)]
        assert bool(at) == bool(by), found
        assert all(JUMPED_AT <= t <= by for t in at)


def test_a_count_keeps_its_rate_where_losses_wander():
    """AR(1) at 0.95: some 16 of these 300 runs would be alarmed of without a look at how alike neighbours are."""
    rng, raised = np.random.default_rng(3), 0
    x = rng.standard_normal((300, 1))
    rules = [Raised(1e-5 / 32) for _ in x]
    for _ in range(640):
        x = 0.95 * x + np.sqrt(1 - 0.95**2) * rng.standard_normal((300, 1))
        raised += sum(rule.step(float(loss[0])) is not None for rule, loss in zip(rules, x, strict=True))
    assert raised <= 6  # more than six have a probability of 0.005 at one in 100,000 steps


@pytest.mark.parametrize("name", CURED)
def test_what_comes_back_is_at_most_a_note(name):
    numbers, noted = CURED[name]
    found = said(1500, **numbers)
    spoken = {(word, outcome) for _, word, outcome in found}
    if noted is None:  # a loss that lasts is a violation, but nothing says that all is lost
        assert words(found) == {"loss.grows"}
    else:
        assert words(found) == set()
        assert bool(spoken) == noted


BACK = {  # (numbers, word, step of the fault, step by which it is said)
    "labels shuffled": ({"loss": lambda t: falling(t) if t < 900 else 10.0}, "loss.grows", 900, 970),
    "in the first steps": ({"loss": lambda t: falling(t) if t < 560 else 10.0}, "loss.grows", 560, 630),
    "a rate that kills": ({"loss": lambda t: falling(t) if t < 300 else 10.0,
                           "rate": lambda t: 0.1 if t < 300 else 9.0}, "loss.grows", 300, 370),
    "one huge step": ({"loss": lambda t: falling(t) * (1 if t <= 300 else 5.0), "weight": lambda t: 1 + 4 * (t >= 300),
                       "update": lambda t: 4.0 if t == 300 else 1e-3}, "update.spike", 300, 301),
}  # fmt: skip


DEEP = {"loss": lambda t: 20.0 - np.exp(t / 30), "gradient": lambda t: np.exp(t / 60)}
JUMPED = {"rate": lambda t: 0.1 if t < 300 else 9.0}
FACTS = {  # (numbers, word, step by which it is said; 0 where it is not)
    "no end": (DEEP, "loss.unbounded", 260),
    "a likelihood": ({"loss": lambda t: 5.0 - t / 4, "gradient": lambda t: 1 + t / 100}, "loss.unbounded", 0),
    "far below, and flat": ({"loss": lambda t: 1.0 if t < 100 else -900.0}, "loss.unbounded", 0),
    "a fatal rate": ({"loss": lambda t: falling(t) * (1 if t < 300 or t % 3 else 40)} | JUMPED, "loss.grows", 345),
    "a warm restart": ({"loss": lambda t: falling(t) * (1 if t < 300 else 4)} | JUMPED, "loss.grows", 0),
    "moved, and worse": ({"loss": lambda t: falling(t) + 0.5 * (t >= 300), "between": lambda t: 0.5 * (t == 300)},
                         "weight.outside", 307),
    "moved, and no worse": ({"loss": falling, "between": lambda t: 0.5 * (t == 300)}, "weight.outside", 0),
    "moved a little each step": ({"loss": lambda t: 1 + t / 100, "between": 0.02}, "weight.outside", 0),
}  # fmt: skip


@pytest.mark.parametrize("name", FACTS)
def test_facts_about_a_stretch_of_steps_are_said_of_it_and_not_of_its_healthy_twin(name):
    numbers, word, by = FACTS[name]
    at = [t for t, other, outcome in said(400, **numbers) if (other, outcome) == (word, "VIOLATES")]
    assert bool(at) == bool(by)
    assert at[:1] <= [by]


CAUSES = {
    "decay": {"decay": 2e-3},
    "something else": {"between": lambda t: 1.1e-3 * 3 ** (-t / 1000)},
    "their gradients": {},
}


@pytest.mark.parametrize("cause", CAUSES)
def test_what_shrinks_the_weights_is_named_first(cause):
    judge, first = Judge(["w"]), None
    for t in range(1, 1100):
        others = {name: value(t) if callable(value) else value for name, value in CAUSES[cause].items()}
        record = Step(
            step=t, loss=1.0, gradient=1.0, update=1e-3, rate=0.1, weight=3 ** (-t / 1000), trained=1, **others
        )
        found = [f for f in judge.step(record, np.ones(1), np.ones(1)) if f.signal == "weight.shrinks"]
        first = first or (found and found[0])
    assert first.outcome == "VIOLATES"
    assert cause in first.hypotheses[0]


@pytest.mark.parametrize("name", BACK)
def test_a_loss_that_is_back_where_it_began_is_said_soon_and_in_blind_steps_too(name):
    numbers, word, since, by = BACK[name]
    found = said(since + 80, **numbers)
    first = min(t for t, said_word, outcome in found if said_word == word and outcome == "VIOLATES")
    assert since <= first <= by


@pytest.mark.parametrize(
    "numbers",
    [
        {"rate": lambda t: 0.1 if t > 900 else 0.5},
        {"backwards": lambda t: 4 if t > 900 else 1},
        {"trained": lambda t: 2 if t > 900 else 1},
    ],
)
def test_a_change_that_is_known_beforehand_is_learnt_anew(numbers):
    jump = {"loss": lambda t: falling(t) * (4.0 if t > 900 else 1.0), "gradient": lambda t: 3.0 if t > 900 else 1.0}
    assert words(said(1300, **jump, **numbers)) == set()
    assert words(said(1300, **jump)) >= {"loss.grows"}


def test_an_odd_step_is_no_change():
    """The last batch of an epoch has fewer passes: it is left out, and nothing is forgotten."""
    odd = {"backwards": lambda t: 1 if t % 50 == 0 else 4, "gradient": lambda t: 3.0 if t % 50 == 0 else 1.0}
    assert words(said(1300, loss=falling, **odd)) == set()
    late = {**odd, "loss": lambda t: falling(t) * (4.0 if t > 1200 else 1.0)}
    assert "loss.grows" in words(said(1400, **late))


def test_recurring_spikes_have_an_exact_count():
    assert precedence(1, RING) == 0.5
    rng, raised = np.random.default_rng(1), 0
    for _ in range(200):
        values, again = rng.standard_normal(2 * RING), Again(0.01 / RING)
        raised += any(again.step(float(x)) is not None for x in values)
    assert raised <= 200 * 0.01 + 6  # more than six of two hundred has probability 3e-3 at 0.01


def test_counts_keep_their_rates_at_the_edge_of_their_nulls():
    rng, raised, alpha = np.random.default_rng(2), 0, 1e-2
    mostly = Mostly(alpha, 0.95, (0.99, 0.9999))
    raised = sum(mostly.step(bool(clipped)) for clipped in rng.random(20000) < 0.95)
    assert raised <= 20000 * alpha
    looks = 0
    for _ in range(300):
        jumps = Jumps(0.01 / 64)
        for step, x in enumerate(rng.standard_normal(192)):
            if step == 128:
                jumps.begin(step, "a change")
            looks += bool([*jumps.step(float(x))])
    assert looks <= 300 * 0.01 + 6  # more than six above it have probability 3e-3


def test_silence_is_explained_by_luck_or_not():
    few = np.array([100] * 12)
    assert _explained(few).p > 1e-2
    assert _explained(np.array([3000] * 12)).p < 1e-12
    assert _explained(np.array([3000] * 60 + [0] * 4)).p < 1e-12
    assert _explained(np.array([3000] * 30 + [0] * 34)).p == 1.0
    assert _explained(np.zeros(5, dtype=np.int64)).units == 0
    two_thirds, more_than_half = np.array([3000] * 43 + [0] * 21), np.array([3000] * 35 + [0] * 29)
    assert _explained(two_thirds).p < 1e-12
    assert _explained(more_than_half).p > 1e-2
    assert _explained(np.minimum(two_thirds, 100)).p > 1e-2


@pytest.mark.parametrize(
    ("loss", "gradient", "by"),
    [
        (lambda t: 1.0, lambda t: 1.0, 260),  # the limit binds at every step, and nothing is learnt
        (falling, lambda t: 1.0, 520),  # learns, but is clipped for good: counted anew, then said
        (falling, lambda t: 1.0 if t < 300 else 0.3, None),  # a healthy twin: clipped while gradients are large
        (lambda t: 1.0, lambda t: 1.0 if t % 5 else 0.9, None),  # a fifth of the steps is not clipped
    ],
)
def test_clipping_that_never_ends_is_told_from_that_of_a_start(loss, gradient, by):
    levels, found = Levels(1e-6), []
    for t in range(1, 1300):
        record = Step(step=t, loss=loss(t), gradient=gradient(t), update=1e-3, rate=0.1, weight=1.0, trained=1)
        found += [t for one in levels.step(record) if one.signal == "clip.always"]
    assert (min(found) <= by) if by else not found


def test_a_huge_step_is_judged_before_the_ring_is_full():
    rng = np.random.default_rng(2)
    few, some = Spikes(1e-6), Spikes(1e-6)
    assert not any(few.step(float(x)) for x in 0.1 * rng.standard_normal(200))
    assert few.step(np.log(50.0)) is None
    assert not any(some.step(float(x)) for x in 0.1 * rng.standard_normal(300))
    assert some.step(np.log(10.0)) is None  # a batch as heavy as others that 300 steps need not hold
    assert some.step(np.log(50.0)).steps == 301


def test_samples_are_dense_at_first():
    assert [step for step in range(1, 301) if due(step, 100)] == [1, 2, 4, 8, 16, 32, 64, 100, 200, 300]

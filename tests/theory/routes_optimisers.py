"""Second routes of the laws of optimisers: the algorithms themselves, step by step, as their papers write them."""

import math
from collections.abc import Callable

import numpy as np

from .routes import Case, route

RATE, EPS, G = 0.1, 1e-3, (0.5, -2e-3)


def _adam(g: float, steps: int, *, hat: bool = False, corrected: bool = True) -> float:
    w = m = v = 0.0
    for t in range(1, steps + 1):
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        c1, c2 = (1 - 0.9**t, 1 - 0.99**t) if corrected else (1.0, 1.0)
        w -= RATE * math.sqrt(c2) / c1 * m / (math.sqrt(v) + EPS) if hat else RATE * m / c1 / (math.sqrt(v / c2) + EPS)
    return w


def _sgd(g: float, steps: int, *, nesterov: bool = False) -> float:
    w = buffer = 0.0
    for _ in range(steps):
        buffer = 0.8 * buffer + g
        w -= RATE * (g + 0.8 * buffer if nesterov else buffer)
    return w


def _nadam(g: float, steps: int) -> float:
    w = m = v = 0.0
    mu = [0.9 * (1 - 0.5 * 0.96 ** (t * 0.7)) for t in range(1, steps + 2)]
    for t in range(1, steps + 1):
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        ahead = mu[t] * m / (1 - math.prod(mu[: t + 1])) + (1 - mu[t - 1]) * g / (1 - math.prod(mu[:t]))
        w -= RATE * ahead / (math.sqrt(v / (1 - 0.99**t)) + EPS)
    return w


def _adagrad(g: float, steps: int) -> float:
    w, total = 0.0, 0.5
    for _ in range(steps):
        total += g * g
        w -= RATE * g / (math.sqrt(total) + EPS)
    return w


def _walked(walk: Callable[[float, int], float], **given: float) -> list[Case]:
    return [Case({"g": g, "rate": RATE, "steps": steps, **given}, walk(g, steps)) for g in G for steps in (1, 7)]


@route("adam.constant_gradient")
def _corrected(rng: np.random.Generator) -> list[Case]:
    return _walked(_adam, eps=EPS)


@route("adam.constant_gradient_eps_hat")
def _hat(rng: np.random.Generator) -> list[Case]:
    return _walked(lambda g, steps: _adam(g, steps, hat=True), eps=EPS, beta2=0.99)


@route("adam.uncorrected_first_step")
def _uncorrected(rng: np.random.Generator) -> list[Case]:
    given = {"rate": RATE, "eps": EPS, "beta1": 0.9, "beta2": 0.99}
    return [Case({"g": g, **given}, _adam(g, 1, corrected=False)) for g in G]


@route("nadam.constant_gradient")
def _ahead(rng: np.random.Generator) -> list[Case]:
    return _walked(_nadam, eps=EPS, beta1=0.9, psi=0.7)


@route("rmsprop.first_step")
def _rmsprop(rng: np.random.Generator) -> list[Case]:
    mean = {g: 0.9 * 0.0 + 0.1 * g * g for g in G}
    return [Case({"g": g, "rate": RATE, "eps": EPS, "decay": 0.9}, -RATE * g / (mean[g] ** 0.5 + EPS)) for g in G]


@route("nadam.constant_momentum")
def _ahead_of_constant(rng: np.random.Generator) -> list[Case]:
    def walk(g: float, steps: int) -> float:
        w = m = v = 0.0
        for t in range(1, steps + 1):
            m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
            ahead = 0.9 * m / (1 - 0.9 ** (t + 1)) + 0.1 * g / (1 - 0.9**t)
            w -= RATE * ahead / (math.sqrt(v / (1 - 0.99**t)) + EPS)
        return w

    return _walked(walk, eps=EPS, beta1=0.9)


@route("adabelief.first_step")
def _belief(rng: np.random.Generator) -> list[Case]:
    def step(g: float) -> float:
        m = 0.1 * g
        s = 0.01 * (g - m) ** 2
        return -RATE * (m / 0.1) / (math.sqrt(s / 0.01) + EPS)

    return [Case({"g": g, "rate": RATE, "eps": EPS, "beta1": 0.9}, step(g)) for g in G]


@route("rmsprop.first_step_inside")
def _inside(rng: np.random.Generator) -> list[Case]:
    given = {"rate": RATE, "eps": EPS, "decay": 0.9, "start": 0.5}
    return [Case({"g": g, **given}, -RATE * g / math.sqrt(0.9 * 0.5 + 0.1 * g * g + EPS)) for g in G]


@route("rmsprop.centred_first_step")
def _centred(rng: np.random.Generator) -> list[Case]:
    spread = {g: 0.1 * g * g - (0.1 * g) ** 2 for g in G}
    return [Case({"g": g, "rate": RATE, "eps": EPS, "decay": 0.9}, -RATE * g / (spread[g] ** 0.5 + EPS)) for g in G]


@route("adadelta.first_step")
def _adadelta(rng: np.random.Generator) -> list[Case]:
    def step(g: float) -> float:
        squares, steps = 0.1 * g * g, 0.0
        return -RATE * math.sqrt(steps + EPS) / math.sqrt(squares + EPS) * g

    return [Case({"g": g, "rate": RATE, "eps": EPS, "decay": 0.9}, step(g)) for g in G]


@route("adagrad.constant_gradient")
def _added(rng: np.random.Generator) -> list[Case]:
    return _walked(_adagrad, eps=EPS, start=0.5)


@route("sgd.constant_gradient")
def _radam(rng: np.random.Generator) -> list[Case]:
    def walk(g: float, steps: int) -> float:
        w = m = 0.0
        for t in range(1, steps + 1):
            m = 0.9 * m + 0.1 * g
            w -= RATE * m / (1 - 0.9**t)
        return w

    return _walked(walk)


@route("sgd.dampened")
def _dampened(rng: np.random.Generator) -> list[Case]:
    def walk(g: float, steps: int) -> float:
        w = buffer = 0.0
        for _ in range(steps):
            buffer = 0.8 * buffer + (1 - 0.25) * g
            w -= RATE * buffer
        return w

    return _walked(walk, momentum=0.8, dampening=0.25)


@route("rprop.constant_gradient")
def _rprop(rng: np.random.Generator) -> list[Case]:
    def walk(g: float, steps: int) -> float:
        w, size, last = 0.0, RATE, 0.0
        for _ in range(steps):
            size *= 1.2 if g * last > 0 else 1.0
            w, last = w - math.copysign(size, g), g
        return w

    return _walked(walk, growth=1.2)


@route("sgd.momentum")
def _momentum(rng: np.random.Generator) -> list[Case]:
    return _walked(_sgd, momentum=0.8)


@route("sgd.nesterov")
def _nesterov(rng: np.random.Generator) -> list[Case]:
    return _walked(lambda g, steps: _sgd(g, steps, nesterov=True), momentum=0.8)


@route("sign.constant_gradient")
def _lion(rng: np.random.Generator) -> list[Case]:
    def walk(g: float, steps: int) -> float:
        w = m = 0.0
        for _ in range(steps):
            w -= RATE * math.copysign(1.0, 0.9 * m + 0.1 * g)
            m = 0.99 * m + 0.01 * g
        return w

    return _walked(walk)


@route("decay.decoupled")
def _decay(rng: np.random.Generator) -> list[Case]:
    w = 3.0
    for _ in range(5):
        w -= 0.2 * 0.05 * w
    return [Case({"w": 3.0, "rate": 0.2, "decay": 0.05, "steps": 5}, w)]


@route("trust.step_norm")
def _trust(rng: np.random.Generator) -> list[Case]:
    w, update = rng.standard_normal((2, 5))
    step = RATE * np.linalg.norm(w) / np.linalg.norm(update) * update
    return [Case({"rate": RATE, "norm": float(np.linalg.norm(w))}, float(np.linalg.norm(step)))]


@route("average.exponential")
def _exponential(rng: np.random.Generator) -> list[Case]:
    average = 2.0
    for _ in range(4):
        average = 0.9 * average + 0.1 * -1.0
    return [Case({"start": 2.0, "w": -1.0, "decay": 0.9, "updates": 4}, average)]


@route("average.equal")
def _equal(rng: np.random.Generator) -> list[Case]:
    return [Case({"w": 2.0, "step": 0.5, "updates": 4}, float(np.mean([2.0, 2.5, 3.0, 3.5])))]

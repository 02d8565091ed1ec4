"""Measure the worst relative error of every law against 40 digits and more: `python -m tests.theory.accuracy [DIR]`.

Writes `accuracy.md` and `accuracy.json` into DIR (`docs/_generated` unless given) and exits with 1 when a law is off by
more than 1e-12 anywhere without saying so in its `precision`. Points: see `corners`. References: see `references`; the
activations' six moments by panels at 40 digits, truncated normals in their textbook form at 400.
"""

import json
import math
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mpmath as mp

from varlaw.theory import LAWS
from varlaw.theory.activations.table import ACTIVATIONS
from varlaw.theory.law import Law

from . import corners, formulas, references
from .test_activations import OSCILLATING, QUANTITIES, VARIANCES, WITH_PARAMETER
from .test_catalogue import OWN_POINTS
from .test_truncation import INTERVALS
from .test_truncation import reference as truncated

LIMIT = 1e-12
# Laws that nothing but their own statement can be held against.
WITHOUT_REFERENCE: dict[str, str] = {}


class Point(NamedTuple):
    """One comparison: the law, its case, and the relative error (of the larger part where a sum cancels)."""

    law: str
    error: float
    params: dict[str, Any]


class Row(NamedTuple):
    """One line of the table."""

    law: str
    points: int
    worst: float
    at: str
    documented: str

    @property
    def passes(self) -> bool:
        return self.worst <= LIMIT or bool(self.documented)


def _activation_cases() -> Iterator[tuple[str, float]]:
    stream = random.Random("activations")
    for name in (*ACTIVATIONS, *WITH_PARAMETER):
        drawn = [10 ** stream.uniform(-12, 12) for _ in range(4)]
        yield from ((name, q) for q in (*VARIANCES, *drawn) if not (name in OSCILLATING and q > 100))


def _from_moments(m: dict[str, Any], q: Any) -> dict[str, Any]:
    """Every law of activation and q as a combination of the six moments."""
    second, slope = m["second_moment"], m["derivative_second_moment"]
    chi = q * slope / second if second else mp.inf
    return {
        **{f"activation.{name}": m[name] for name in QUANTITIES},
        "activation.forward_gain": mp.sqrt(q / second) if second else mp.inf,
        "activation.backward_gain": 1 / mp.sqrt(slope) if slope else mp.inf,
        "activation.chi": chi,
        "gain.ratio": 1 / mp.sqrt(chi),
        "glu.second_moment": q * second,
        "glu.value_derivative_second_moment": second,
        "glu.gate_derivative_second_moment": q * slope,
        "meanfield.critical_weight_variance": 1 / slope if slope else mp.inf,
    }


def _with_weights(m: dict[str, Any]) -> Iterator[tuple[str, dict[str, float], Any]]:
    """The maps of a layer with weights and biases, from the same moments."""
    for weight, bias in ((0.1, 0.0), (1.7, 1e-3)):
        mixed = {"weight_variance": weight, "bias_variance": bias}
        yield "meanfield.variance_map", mixed, weight * m["second_moment"] + bias
        yield "meanfield.chi", {"weight_variance": weight}, weight * m["derivative_second_moment"]


def activations() -> Iterator[Point]:
    for name, q in _activation_cases():
        moments = formulas.activation_moments(name, q)
        with mp.workdps(40):
            if moments["second_moment"] < 1e-290:  # shrinking activations: float64 has no digits of their tails
                continue
            for law, want in _from_moments(moments, mp.mpf(q)).items():
                largest = abs(moments["mean"]) < mp.mpf(10) ** -20 and law == "activation.mean"
                if largest:  # exactly or nearly zero: no relative error
                    continue
                params = {"activation": name, "q": q}
                yield Point(law, references.relative(LAWS[law].value(**params), want), params)
            for law, more, want in _with_weights(moments):
                params = {"activation": name, "q": q} | more
                yield Point(law, references.relative(LAWS[law].value(**params), want), params)
            if q == 1:
                rate = moments["derivative_second_moment"] / moments["variance"]
                got = LAWS["batch_norm.explosion"].value(activation=name)
                yield Point("batch_norm.explosion", references.relative(got, rate), {"activation": name})


def truncations() -> Iterator[Point]:
    for low, high in (*INTERVALS, *corners.intervals()):
        found = truncated(low, high)
        with mp.workdps(400):
            found["second_moment"] = found["variance"] + found["mean"] ** 2
            found["std"] = mp.sqrt(found["variance"])
            for quantity, want in found.items():
                params = {"low": low, "high": high}
                got = LAWS[f"truncated_normal.{quantity}"].value(**params)
                yield Point(f"truncated_normal.{quantity}", references.relative(got, want), params)


def by_formula(law: Law) -> Iterator[Point]:
    for params in OWN_POINTS.get(law.name) or corners.points(law):
        if params.get("activation") in OSCILLATING and params.get("q", 0) > 100:  # beyond the reference's panels
            continue
        found = references.error(law, law.value(**params), params)
        if found is not None:
            yield Point(law.name, found, params)


def measure(progress: Any = None) -> list[Row]:
    """All rows, in the order of the catalogue."""
    found: dict[str, list[Point]] = {name: [] for name in LAWS}
    for point in (*activations(), *truncations()):
        found[point.law].append(point)
    for name, law in LAWS.items():
        started = time.perf_counter()
        if not found[name] and name not in WITHOUT_REFERENCE:
            found[name] = list(by_formula(law))
        if progress and time.perf_counter() - started > 5:
            progress.write(f"{name}: {time.perf_counter() - started:.0f} s\n")
    return [_row(LAWS[name], points) for name, points in found.items()]


def _row(law: Law, points: list[Point]) -> Row:
    if not points:
        return Row(law.name, 0, math.inf, WITHOUT_REFERENCE.get(law.name, ""), WITHOUT_REFERENCE.get(law.name, ""))
    worst = max(points, key=lambda p: p.error)
    at = ", ".join(f"{k}={v}" for k, v in worst.params.items())
    return Row(law.name, len(points), worst.error, at, law.precision if worst.error > LIMIT else "")


def markdown(rows: list[Row]) -> str:
    exact = sum(row.worst <= 8.9e-16 for row in rows)
    head = [
        "<!-- Generated by `nox -s accuracy`. Do not edit. -->",
        "# Accuracy of every law",
        "",
        f"{len(rows)} laws, {sum(row.points for row in rows)} points; {exact} laws within 4 ulp (8.9e-16) everywhere, "
        f"{sum(row.worst <= LIMIT for row in rows)} within 1e-12. References carry 40 digits or more.",
        "",
        "Errors are relative to the value; where two parts cancel by nature (their laws' `precision` says so), to the",
        f"larger part: {', '.join(sorted(references.SCALES))}.",
        "",
        "| law | points | worst relative error | at | documented |",
        "|---|---|---|---|---|",
    ]
    body = [f"| {r.law} | {r.points} | {r.worst:.1e} | {r.at[:120]} | {r.documented} |" for r in rows]
    return "\n".join([*head, *body]) + "\n"


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0] if arguments else "docs/_generated")
    rows = measure(sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "accuracy.md").write_text(markdown(rows), encoding="utf-8")
    plain = [{**row._asdict(), "worst": row.worst if math.isfinite(row.worst) else "inf"} for row in rows]
    (folder / "accuracy.json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    for row in rows:
        if not row.passes:
            sys.stderr.write(f"{row.law}: relative error {row.worst:.1e} at {row.at}\n")
    sys.stdout.write(f"{len(rows)} laws measured; table in {folder / 'accuracy.md'}\n")
    return int(not all(row.passes for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

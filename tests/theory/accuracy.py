"""Measure the worst relative error of every law against its formula at 40 digits: `python -m tests.theory.accuracy`.

Writes one Markdown table to standard output. Points: 20 Halton points and the corners of each law's domain; for the
activations every name of the table over q from 1e-12 to 1e12; for truncated normals and kernels the intervals and
correlations where the textbook forms have no digits.
"""

import sys
from collections.abc import Iterator
from typing import Any

from varlaw.theory import LAWS
from varlaw.theory.activations import ACTIVATIONS
from varlaw.theory.law import Law

from . import formulas
from .test_activations import OSCILLATING, QUANTITIES, VARIANCES, WITH_PARAMETER
from .test_catalogue import FORMULAS, OWN_POINTS, error, points
from .test_kernels import CORRELATIONS, GAPS
from .test_truncation import INTERVALS, reference

Row = tuple[float, dict[str, Any]]


def corners(law: Law) -> Iterator[dict[str, Any]]:
    """The points that a law's own domain does not enumerate."""
    if set(law.domain.ranges) == {"c"}:
        yield from ({"c": c} for c in CORRELATIONS)
    if set(law.domain.ranges) == {"one_minus_c"}:  # 100 digits are enough for 1 - c down to 1e-30
        inside = law.domain.ranges["one_minus_c"].accepts
        yield from ({"one_minus_c": gap} for gap in GAPS[:-1] if inside(gap) and (gap == 0 or gap > 1e-31))


def by_formula(law: Law) -> Iterator[Row]:
    chosen = OWN_POINTS.get(law.name) or [*points(law.domain, 20), *corners(law)]
    for params in chosen:
        digits = 100 if law.name.startswith(("kernel.", "correlation.")) else formulas.DIGITS
        yield error(law.value(**params), formulas.evaluate(law.formula, digits, **params)), params


def activations() -> Iterator[tuple[str, Row]]:
    for name in (*ACTIVATIONS, *WITH_PARAMETER):
        for q in VARIANCES:
            if name in OSCILLATING and q > 100:
                continue
            want = formulas.activation_moments(name, q)
            for quantity in QUANTITIES:
                if (name, quantity, q) == ("selu", "mean", 1.0):  # exactly zero: no relative error
                    continue
                law = LAWS[f"activation.{quantity}"]
                params = {"activation": name, "q": q}
                yield law.name, (error(law.value(**params), want[quantity]), params)


def truncations() -> Iterator[tuple[str, Row]]:
    for low, high in INTERVALS:
        for quantity, want in reference(low, high).items():
            law, params = LAWS[f"truncated_normal.{quantity}"], {"low": low, "high": high}
            yield law.name, (error(law.value(**params), want), params)


def main() -> None:
    rows: dict[str, list[Row]] = {}
    for name, row in (*activations(), *truncations()):
        rows.setdefault(name, []).append(row)
    for law in FORMULAS:
        if law.name not in rows:
            rows[law.name] = list(by_formula(law))
    lines = ["| law | points | worst relative error | at |", "|---|---|---|---|"]
    for name in sorted(rows):
        worst, where = max(rows[name], key=lambda row: row[0])
        place = ", ".join(f"{k}={v}" for k, v in where.items())
        lines.append(f"| {name} | {len(rows[name])} | {worst:.1e} | {place} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

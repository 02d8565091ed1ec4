"""Laws as mathematics: what is written says what the formula says, and what cannot be written is shown as it is."""

import html
import math
import re

import pytest

from varlaw.reports import bibtex, latex, pages, portraits, typeset
from varlaw.theory.catalogue import LAWS

# What holds a search, a table, or a loop with a condition.
UNWRITTEN = {
    "conv_transpose.border_taps_at", "gain.torch", "gain.torch_chi", "gain.torch_fixed_point",
    "meanfield.correlation_map", "meanfield.correlation_slope", "meanfield.fixed_point", "padding.mean_taps",
    "padding.taps_at", "recurrent.gate_mean", "rounding.normal", "rounding.uniform", "rounding.uniform_towards_zero",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("a - b - c", "a - b - c"),
        ("(a + b) * c", r"\left(a + b\right) \, c"),
        ("2 * 3 * x", r"2 \cdot 3 \, x"),
        ("(a / b)**2", r"\left(\frac{a}{b}\right)^{2}"),
        ("-(a + b)", r"-\left(a + b\right)"),
        ("(-a)**2", r"\left(-a\right)^{2}"),
        ("a**b**c", "a^{b^{c}}"),
        ("(a**b)**c", r"\left(a^{b}\right)^{c}"),
        ("a * -b", r"a \, \left(-b\right)"),
        ("1 / (mpf(3) * n)", r"\frac{1}{3 \, n}"),
        ("fsum([1 / k for k in range(1, n + 1)])", r"\sum_{k=1}^{n} \frac{1}{k}"),
        ("a if a > b else 0", r"\begin{cases}a & \text{if } a > b \\ 0 & \text{otherwise}\end{cases}"),
        ("gammainc(n, x, inf) / gamma(n)", r"\frac{\Gamma\left(n, x\right)}{\Gamma\left(n\right)}"),
        ("[x for x in y]", ""),
        ("not python", ""),
    ],
)
def test_what_a_formula_becomes(text: str, expected: str) -> None:
    assert latex.formula(text) == expected


def test_every_law_but_those_named_is_written_with_its_braces_closed() -> None:
    written = {name: latex.formula(law.formula) for name, law in LAWS.items()}
    assert {name for name, text in written.items() if not text} == UNWRITTEN
    for name, law in LAWS.items():
        text = typeset.quantity(law.quantity) + written[name]
        bare = re.sub(r"\\[{}]", "", text)
        assert bare.count("{") == bare.count("}"), name
        assert text.count(r"\left") - text.count(r"\left\l") == text.count(r"\right") - text.count(r"\right\r"), name


def test_every_written_law_becomes_mathml() -> None:
    pytest.importorskip("latex2mathml")
    for name, law in LAWS.items():
        if name not in UNWRITTEN:
            shown = typeset.mathml(f"{typeset.quantity(law.quantity)} = {latex.formula(law.formula)}")
            assert shown is not None, name
            assert shown.startswith("<math"), name
            assert "\\" not in re.sub(r"&#x0005C;", "", shown), name


def test_without_the_extra_the_ascii_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    typeset._converted.cache_clear()
    monkeypatch.setattr(typeset, "find_spec", lambda name: None)
    assert typeset.mathml("x") is None
    typeset._converted.cache_clear()


def test_a_law_is_cited_with_its_sources() -> None:
    law = LAWS["batch_norm.bias_gradient"]
    found = bibtex.entries(law.name, law.title, "x", "derived; Ioffe and Szegedy 2015, arXiv:1502.03167")
    assert found.startswith("@misc{varlaw:batch_norm.bias_gradient,")
    assert "@misc{ioffe2015,\n  author = {Ioffe and Szegedy}," in found
    assert "url = {https://arxiv.org/abs/1502.03167}" in found
    assert bibtex.entries("a", "b", "", "derived").count("@misc") == 1
    assert "author = {He and others}" in bibtex.entries("a", "b", "", "He et al. 2015, arXiv:1502.01852")


def test_pictures_say_what_the_catalogue_says() -> None:
    assert portraits.PORTRAITS.keys() <= LAWS.keys()
    for row in portraits.growth():
        if row["line"] != "e":
            assert math.isclose(row["y"], LAWS["residual.scaled_growth"].value(layers=row["x"]), rel_tol=1e-12)
    for row, halved in zip(portraits.depths(), portraits.rectified_depths(), strict=True):
        factor = row["y"] ** (1 / row["x"]) if row["x"] else 1.0
        law = LAWS["linear.second_moment"].value(fan_in=1, variance=factor, input_second_moment=1, bias_variance=0)
        assert math.isclose(law, factor, rel_tol=1e-12)
        assert math.isclose(halved["y"], (law * LAWS["relu.second_moment"].value(q=1)) ** row["x"], rel_tol=1e-9)
    uniform = [row for row in portraits.two_densities() if row["line"].startswith("uniform") and row["y"]]
    variance = LAWS["glorot_uniform.variance"].value(fan_in=100, fan_out=100)
    assert math.isclose(1 / (12 * uniform[0]["y"] ** 2), variance, rel_tol=1e-12)
    assert all(chart() for _, chart in portraits.PORTRAITS.values())


def test_the_font_of_the_laws_has_a_sign_for_all_that_they_are_written_with() -> None:
    pytest.importorskip("latex2mathml")
    ranges = re.findall(r"U\+([0-9A-F]+)(?:-([0-9A-F]+))?", str(pages.asset("math.css")))
    held = {point for first, last in ranges for point in range(int(first, 16), int(last or first, 16) + 1)}
    shown = (typeset.mathml(typeset.statement(law.quantity, law.formula)) for law in LAWS.values())
    drawn = html.unescape(re.sub(r"<[^>]*>", "", "".join(filter(None, shown))))
    assert {sign for sign in drawn if ord(sign) not in held} == set()
    assert len(pages.font("math.woff2")) < 30_000

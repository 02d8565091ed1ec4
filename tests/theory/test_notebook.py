"""Laws in a notebook: escaped, whole, and with a search field over all of them."""

import dataclasses

from varlaw.theory import LAWS


def test_a_law_shows_its_formula_and_hypotheses_escaped() -> None:
    law = dataclasses.replace(LAWS["relu.second_moment"], title="a < b", hypotheses=("x <y> & z",))
    page = law._repr_html_()
    assert "a &lt; b" in page
    assert "x &lt;y&gt; &amp; z" in page
    assert "relu.second_moment" in page


def test_a_law_prints_in_a_few_lines() -> None:
    law = LAWS["glorot_uniform.variance"]
    assert repr(law) == "<Law glorot_uniform.variance: Var[w] = 2 * gain**2 / (fan_in + fan_out)>"
    assert str(law).startswith("Glorot uniform (glorot_uniform.variance): Var[w] = 2 * gain**2 / (fan_in + fan_out)\n")
    assert "sqrt(6/(fan_in + fan_out))" in str(law)
    assert len(str(law).splitlines()) == 6


def test_all_laws_stand_in_one_table() -> None:
    page = LAWS._repr_html_()  # type: ignore[attr-defined]
    assert page.count("<tr>") == len(LAWS) + 1
    assert 'type="search"' in page

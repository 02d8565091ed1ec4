"""Quotations of other projects as one types them: no form shows a newcomer a role or LaTeX."""

import re

from varlaw.reports.typed import typed
from varlaw.verify import deviations

SAID = {
    "sampled from :math:`\\mathcal{U}(-\\sqrt{k}, \\sqrt{k})`": "sampled from U(-sqrt(k), sqrt(k))",
    ":math:`k = \\frac{groups}{C_\\text{in} * \\prod_{i=0}^{1}\\text{kernel\\_size}[i]}`": (
        "k = groups/(C_in * prod_(i=0)^1 kernel_size[i])"
    ),
    "the std is :math:`(\\frac{2.0 }{filter\\_elem\\_num})^{0.5}`": "the std is (2.0/filter_elem_num)^0.5",
    "between :attr:`low` and ``high``, by the `power method`_": "between low and high, by the power method",
    ":math:`a \\leq \\text{mean} \\leq b`": "a <= mean <= b",
    "{\\sqrt{\\textrm{Var}[\\mathbf{x}] + \\epsilon}}": "sqrt(Var[x] + epsilon)",
    "a {plain} text, x_1 and C:\\dir": "a {plain} text, x_1 and C:\\dir",
}


def test_a_quotation_is_shown_as_it_is_typed() -> None:
    assert {text: typed(text) for text in SAID} == SAID


def test_no_quotation_of_ours_keeps_markup() -> None:
    shown = [typed(known.promise) for known in deviations.rows() if known.promise]
    assert [text for text in shown if re.search(r":\w+:`|\\[a-z]|``|\{", text)] == []

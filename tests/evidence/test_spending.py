"""Every share of a risk stands in one place and the shares of each add up to the whole."""

import re
from pathlib import Path

import pytest

from varlaw.evidence import spending

EVIDENCE = Path(spending.__file__).parent


def test_every_table_adds_up_to_one() -> None:
    for table in spending.TABLES:
        assert sum(table.values()) == pytest.approx(1.0, rel=1e-12), dict(table)
        assert min(table.values()) > 0, dict(table)


def test_every_table_is_asked() -> None:
    tables = {name for name, value in vars(spending).items() if name.isupper() and name != "TABLES"}
    assert len(tables) == len(spending.TABLES)


SHARE = re.compile(r"\b(alpha|beta) */ *\d|log\(\d+(\.\d+)? */ *[\w.]*(alpha|beta)\)|np\.log\(\[0\.")
SIDES = ("alpha / 2", "log(2 / alpha)")  # two sides of one test


def test_no_other_module_has_a_share_of_its_own() -> None:
    found = [
        f"{path.name}: {line.strip()}"
        for path in sorted(EVIDENCE.glob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if SHARE.search(line) and not any(side in line for side in SIDES) and "log(1 / " not in line
    ]
    assert found == []


@pytest.mark.parametrize(
    "line", ["low = gammaincinv(n / 2, alpha / 4)", "np.log([0.8, 0.2])", "math.log(2 / policy.beta)"]
)
def test_the_reader_sees_a_share(line: str) -> None:
    assert SHARE.search(line)

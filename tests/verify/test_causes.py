"""Files of deviations: what a cause says holds for all of its rows; what is misspelt is refused wherever it stands."""

import msgspec
import pytest

from varlaw.verify import deviations
from varlaw.verify.deviations import Row
from varlaw.verify.deviations.causes import read

FILE = """
versions = ">=1"

[[deviation]]
reason = "two in one"
claim = "init.documented"
[deviation.one]
subject = "torch.one"
[deviation.two]
subject = "torch.two"
claim = "init.true_fan"

[[deviation]]
id = "three"
claim = "norm.finite"
subject = "torch.three"
reason = "one alone"
versions = ">=2"
"""


def rows(text: str) -> list[Row]:
    return [msgspec.convert(row | {"framework": "torch"}, Row) for row in read(text)]


def test_a_row_has_what_its_cause_and_its_file_say_unless_it_says_something_else() -> None:
    one, two, three = rows(FILE)
    assert (one.id, one.claim, one.reason, one.versions) == ("one", "init.documented", "two in one", ">=1")
    assert (two.id, two.claim, two.reason, two.versions) == ("two", "init.true_fan", "two in one", ">=1")
    assert (three.id, three.reason, three.versions) == ("three", "one alone", ">=2")


@pytest.mark.parametrize(
    ("instead_of", "misspelt"),
    [
        ('versions = ">=1"', 'version = ">=1"'),
        ('reason = "two in one"', 'raeson = "two in one"'),
        ('subject = "torch.two"', 'sujbect = "torch.two"'),
        ('id = "three"', ""),
    ],
)
def test_what_is_misspelt_or_missing_is_refused(instead_of: str, misspelt: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        rows(FILE.replace(instead_of, misspelt))


def test_a_cause_with_rows_has_no_id_of_its_own() -> None:
    with pytest.raises(ValueError, match="'both' has rows of its own, but should have them or an id"):
        rows(FILE.replace('reason = "two in one"', 'reason = "two in one"\nid = "both"'))


def test_rows_of_one_cause_share_its_reason() -> None:
    found = deviations.rows()
    of_fans = [r for r in found if r.framework == "keras" and "true-fan" in r.id]
    assert len({r.reason for r in of_fans}) < len(of_fans)
    assert all(r.versions for r in found)

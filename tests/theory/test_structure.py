"""Second routes for the laws without chance: traces of the matrices themselves, enumeration of small grids."""

import itertools

import numpy as np
import pytest

from varlaw.theory import LAWS

from .routes import takes


@pytest.mark.parametrize(("rows", "columns"), [(3, 5), (5, 3), (4, 4), (1, 7)])
@takes("identity.isometry")
def test_identity_keeps_the_trace(rows: int, columns: int) -> None:
    kept = np.trace(np.eye(rows, columns).T @ np.eye(rows, columns)) / columns
    assert LAWS["identity.isometry"].value(out_features=rows, in_features=columns) == kept


@pytest.mark.parametrize(("out", "inputs", "groups"), [(8, 8, 1), (4, 8, 2), (16, 8, 4), (6, 12, 3)])
@takes("dirac.isometry")
def test_dirac_keeps_the_channels_it_copies(out: int, inputs: int, groups: int) -> None:
    block = np.eye(out // groups, inputs // groups)
    kept = np.sum(block**2) / (inputs // groups)
    assert LAWS["dirac.isometry"].value(out_channels=out, in_channels=inputs, groups=groups) == kept


@pytest.mark.parametrize(("bits", "entries"), [(1, 1), (1, 4), (2, 2), (3, 2)])
@takes("parameters.coincidence")
def test_coincidence_of_uniform_grids_by_enumeration(bits: int, entries: int) -> None:
    grid = list(itertools.product(range(2**bits), repeat=entries))
    equal = sum(a == b for a in grid for b in grid) / len(grid) ** 2
    assert LAWS["parameters.coincidence"].value(bits=bits, entries=entries) == equal


@takes("constant.value")
def test_constants() -> None:
    assert LAWS["constant.value"].value(value=0.25) == 0.25
    assert LAWS["parameters.coverage"].value() == 1.0
    assert LAWS["parameters.repeat"].value() == 1.0

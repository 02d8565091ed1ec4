"""All activations by name: the families of `rows`, one after the other."""

from collections.abc import Mapping
from types import MappingProxyType

from varlaw.theory.activations.activation import Activation
from varlaw.theory.activations.rows.piecewise import PIECEWISE
from varlaw.theory.activations.rows.rectifiers import RECTIFIERS
from varlaw.theory.activations.rows.smooth import SMOOTH

ACTIVATIONS: Mapping[str, Activation] = MappingProxyType({**RECTIFIERS, **SMOOTH, **PIECEWISE})

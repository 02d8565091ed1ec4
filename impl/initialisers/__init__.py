"""Initial weights, each rule once: a backend that extends `Initialisers` has them all."""

from varlaw.impl.backend import Array, Device, DType, Seed
from varlaw.impl.initialisers.architectures import Architectures
from varlaw.impl.initialisers.draws import Draws
from varlaw.impl.initialisers.keyed import KeyedDraws
from varlaw.impl.initialisers.scaled import Scaled
from varlaw.impl.initialisers.schemes import Schemes
from varlaw.impl.initialisers.structured import Structured


class Initialisers(
    Draws[Array, Seed, DType, Device],
    KeyedDraws[Array, Seed, DType, Device],
    Scaled[Array, Seed, DType, Device],
    Schemes[Array, Seed, DType, Device],
    Structured[Array, Seed, DType, Device],
    Architectures[Array, Seed, DType, Device],
):
    """Every initialiser over one array library."""
